#include "harness/scenario/parse.hpp"
#include "tests/unit/scenario/support.hpp"

#include <gmock/gmock.h>

namespace assay {
namespace {

using testing::HasSubstr;

ScenarioResult with(Overrides const& overrides) {
  return parse_scenario(smallest_scenario, "f.yaml", overrides, backends);
}

std::string messages(Overrides const& overrides) {
  auto const scenario = with(overrides);
  return scenario ? "accepted" : to_string(scenario.error());
}

TEST(set, changes_any_key_and_makes_the_maps_on_the_way) {
  auto const scenario =
      with({.set = {"load.payload_bytes=1024", "fleet.run_length.mean=2s", "fleet.kinds=[{tags: [gpu]}, {share: 3}]",
                    "fleet.kinds.1.share=4", "title=A: b"}});
  ASSERT_FALSE(scenario);  // "A: b" is a map to YAML
  EXPECT_THAT(to_string(scenario.error()), HasSubstr("--set title=A: b: `title` must be a text, not a map"));

  auto const good = with({.set = {"load.payload_bytes=1024", "fleet.run_length.mean=2s",
                                  "fleet.kinds=[{tags: [gpu]}, {share: 3}]", "fleet.kinds.1.share=4", "title='A: b'"}});
  ASSERT_TRUE(good) << to_string(good.error());
  EXPECT_EQ(good->load.payload_bytes, 1024U);
  EXPECT_EQ(good->fleet.run_length.mean, seconds{2});
  ASSERT_EQ(good->fleet.kinds.size(), 2U);
  EXPECT_EQ(good->fleet.kinds[1].share, 4);
  EXPECT_EQ(good->title, "A: b");
}

TEST(set, without_a_value_goes_back_to_the_default) {
  auto const scenario = with({.set = {"load.runs_per_second=", "load.runs_per_minute_per_runner=60"}});
  ASSERT_TRUE(scenario) << to_string(scenario.error());
  EXPECT_EQ(scenario->load.runs_per_second, std::nullopt);
  EXPECT_EQ(scenario->load.runs_per_minute_per_runner, 60);
}

TEST(set, is_checked_like_the_file_and_named_in_the_message) {
  EXPECT_EQ(messages({.set = {"fleet.hold=31s"}}),
            "--set fleet.hold=31s: `fleet.hold` is 31s; it must be from 1ms to 30s\n");
  EXPECT_EQ(messages({.set = {"flet.hold=3s"}}), "--set flet.hold=3s: unknown key `flet`; did you mean `fleet`?\n");
  EXPECT_EQ(messages({.set = {"fleet.hould=3s"}}),
            "--set fleet.hould=3s: unknown key `hould` in `fleet`; did you mean `hold`?\n");
  EXPECT_THAT(messages({.set = {"fleet.hold"}}), HasSubstr("--set fleet.hold: must read key.path=value"));
  EXPECT_THAT(messages({.set = {"=3"}}), HasSubstr("must read key.path=value"));
  EXPECT_THAT(messages({.set = {"fleet..hold=3s"}}), HasSubstr("has an empty key in its path"));
  EXPECT_THAT(messages({.set = {"trials.7.runners=3"}}), HasSubstr("`trials` is a list of 1; `7` is no index of it"));
  EXPECT_THAT(messages({.set = {"name.first=x"}}), HasSubstr("`name` has no keys within it"));
  EXPECT_THAT(messages({.set = {"seed=[1"}}), HasSubstr("--set seed=[1: not valid YAML"));
}

TEST(set, mends_a_file) {
  auto const broken = smallest_scenario + "repeat: never\n";
  EXPECT_FALSE(parse_scenario(broken, "f.yaml", {}, backends));
  EXPECT_TRUE(parse_scenario(broken, "f.yaml", {.set = {"repeat=2"}}, backends));
}

TEST(runners_and_backend, replace_the_trials_by_every_combination) {
  auto const scenario = with({.runners = "10,50", .backend = "postgres-batch,memory"});
  ASSERT_TRUE(scenario) << to_string(scenario.error());
  std::vector<Level> const all{{10, "postgres-batch"}, {50, "postgres-batch"}, {10, "memory"}, {50, "memory"}};
  EXPECT_EQ(scenario->levels, all);
}

TEST(runners_and_backend, keep_what_the_scenario_has_of_the_other) {
  auto const more_runners = with({.runners = "7,8"});
  ASSERT_TRUE(more_runners) << to_string(more_runners.error());
  std::vector<Level> const two{{7, "memory"}, {8, "memory"}};
  EXPECT_EQ(more_runners->levels, two);

  auto const other_backend = with({.backend = "postgres-batch"});
  ASSERT_TRUE(other_backend) << to_string(other_backend.error());
  std::vector<Level> const one{{5, "postgres-batch"}};
  EXPECT_EQ(other_backend->levels, one);
}

TEST(runners_and_backend, are_named_in_messages) {
  EXPECT_EQ(messages({.runners = "10,many"}), "--runners 10,many: `trials.1.runners` must be a number, not `many`\n");
  EXPECT_EQ(messages({.backend = "postgres-bach"}),
            "--backend postgres-bach: unknown backend `postgres-bach`; did you mean `postgres-batch`?\n");
  EXPECT_THAT(messages({.runners = "10,10"}), HasSubstr("is trial 1 already"));
}

TEST(repeat_and_seed, set_their_keys) {
  auto const scenario = with({.repeat = "3", .seed = "42"});
  ASSERT_TRUE(scenario) << to_string(scenario.error());
  EXPECT_EQ(scenario->repeat, 3);
  EXPECT_EQ(scenario->seed, 42U);
  EXPECT_EQ(messages({.repeat = "0"}), "--repeat 0: `repeat` is 0; it must be from 1 to 100\n");
  EXPECT_THAT(messages({.seed = "-1"}), HasSubstr("--seed -1: `seed` is -1; it must be at least 0"));
}

TEST(seed, is_drawn_when_none_is_given) {
  auto const scenario = with({});
  ASSERT_TRUE(scenario);
  EXPECT_NE(scenario->seed, 0U);
  EXPECT_NE(with({})->seed, scenario->seed);
}

}  // namespace
}  // namespace assay
