// Trials that change keys of their scenario: what they are measured by, what is wrong with them, and which of them the
// command line keeps.
#include "harness/scenario/parse.hpp"
#include "harness/scenario/resolved.hpp"
#include "tests/unit/scenario/support.hpp"

#include <gmock/gmock.h>

namespace assay {
namespace {

using testing::HasSubstr;

std::string const three_variants =
    "name: variants\n"
    "title: Variants\n"
    "question: Which?\n"
    "load: {runs_per_second: 10, payload_bytes: 100}\n"
    "trials:\n"
    "  - {runners: 5, backend: memory}\n"
    "  - {runners: [5, 9], backend: [memory, postgres-batch], variant: large, with: {load.payload_bytes: 4096}}\n"
    "  - runners: 5\n"
    "    backend: memory\n"
    "    variant: per-runner\n"
    "    with: {load.runs_per_second: , load.runs_per_minute_per_runner: 6, load.payload_bytes: }\n";

Scenario parsed(std::string const& text, Overrides const& overrides = {}) {
  auto const scenario = parse_scenario(text, "v.yaml", overrides, backends);
  return scenario ? *scenario : throw std::runtime_error{to_string(scenario.error())};
}

std::string mistakes(std::string const& text, Overrides const& overrides = {}) {
  auto const scenario = parse_scenario(text, "v.yaml", overrides, backends);
  return scenario ? "" : to_string(scenario.error());
}

std::string with_trials(std::string const& trials) {
  return three_variants.substr(0, three_variants.find("trials:")) + "trials:\n" + trials;
}

TEST(variants, are_measured_by_the_scenario_with_their_changes) {
  auto const scenario = parsed(three_variants);
  ASSERT_EQ(scenario.levels.size(), 6U);

  auto const plain = scenario_for(scenario, scenario.levels[0]);
  EXPECT_EQ(plain.load, scenario.load);
  EXPECT_EQ(plain.levels, std::vector{scenario.levels[0]});

  auto const large = scenario_for(scenario, scenario.levels[2]);
  EXPECT_EQ(large.levels.front().runners, 9);
  EXPECT_EQ(large.load.payload_bytes, 4096U);
  EXPECT_EQ(large.load.runs_per_second, 10);
  EXPECT_EQ(large.seed, scenario.seed);

  auto const per_runner = scenario_for(scenario, scenario.levels[5]);
  EXPECT_EQ(per_runner.load.runs_per_second, std::nullopt);
  EXPECT_EQ(per_runner.load.runs_per_minute_per_runner, 6);
  EXPECT_EQ(per_runner.load.payload_bytes, LoadSpec{}.payload_bytes);
}

TEST(variants, survive_being_written_and_read) {
  auto const scenario = parsed(three_variants);
  EXPECT_TRUE(parsed(to_yaml(scenario)) == scenario) << to_yaml(scenario);
}

TEST(variants, are_checked_as_their_scenarios_are) {
  EXPECT_THAT(mistakes(with_trials("  - {runners: 5, backend: memory, variant: a, with: {load.payload_byte: 1}}\n")),
              HasSubstr("v.yaml:6:54: unknown key `payload_byte` in `load`; did you mean `payload_bytes`?"));
  EXPECT_THAT(mistakes(with_trials("  - {runners: 5, backend: memory, variant: a, with: {fleet.heartbeat: 10m}}\n")),
              HasSubstr("every longer run would lose its lease"));
  // A mistake of the scenario itself is told once.
  auto const twice = mistakes("repeat: never\n" + three_variants);
  EXPECT_EQ(twice.find("`repeat`"), twice.rfind("`repeat`")) << twice;
}

TEST(variants, need_names_of_their_own) {
  EXPECT_THAT(mistakes(with_trials("  - {runners: 5, backend: memory, with: {load.payload_bytes: 1}}\n")),
              HasSubstr("trials with changes need a name: add `variant`"));
  EXPECT_THAT(mistakes(with_trials("  - {runners: 5, backend: memory, variant: a, with: {load.payload_bytes: 1}}\n"
                                   "  - {runners: 6, backend: memory, variant: a, with: {load.payload_bytes: 2}}\n")),
              HasSubstr("the variant `a` has other changes in trial 1"));
  EXPECT_THAT(mistakes(with_trials("  - {runners: 5, backend: memory, variant: a}\n"
                                   "  - {runners: 5, backend: memory, variant: a}\n")),
              HasSubstr("5 runners on memory is trial 1 already"));
  EXPECT_THAT(mistakes(with_trials("  - {runners: 5, backend: memory, variant: a, with: {seed: 5}}\n")),
              HasSubstr("`seed` is the same for all trials of a scenario"));
}

TEST(variants, stay_when_the_command_line_gives_runners_or_backends) {
  auto const scenario = parsed(three_variants, {.runners = "7", .backend = "postgres-batch"});
  ASSERT_EQ(scenario.levels.size(), 3U);
  EXPECT_EQ(scenario.levels[0].variant, "");
  EXPECT_EQ(scenario.levels[1].variant, "large");
  EXPECT_EQ(scenario.levels[2].variant, "per-runner");
  for (auto const& level : scenario.levels) {
    EXPECT_EQ(level.runners, 7);
    EXPECT_EQ(level.backend, "postgres-batch");
  }
  EXPECT_EQ(scenario_for(scenario, scenario.levels[1]).load.payload_bytes, 4096U);
}

TEST(variants, can_be_chosen_on_the_command_line) {
  auto const scenario = parsed(three_variants, {.variant = "per-runner"});
  ASSERT_EQ(scenario.levels.size(), 1U);
  EXPECT_EQ(scenario.levels[0].variant, "per-runner");
  EXPECT_THAT(mistakes(three_variants, {.variant = "lage"}), HasSubstr("no variant `lage`; did you mean `large`?"));
}

TEST(published, is_about_trials_that_are_there) {
  auto const with = [](std::string const& entry) { return three_variants + "published:\n  - " + entry + "\n"; };
  auto const scenario = parsed(with("{says: fast, claim: 'throughput: mean >= 9', variant: large, backend: memory}"));
  ASSERT_EQ(scenario.published.size(), 1U);
  EXPECT_FALSE(is_about(scenario.published[0], scenario.levels[0]));
  EXPECT_TRUE(is_about(scenario.published[0], scenario.levels[1]));
  EXPECT_THAT(mistakes(with("{says: fast, claim: 'throughput: mean >= 9', runners: 77}")),
              HasSubstr("no trial measures what this is about"));
  EXPECT_EQ(mistakes(with("{says: fast, claim: 'throughput: mean >= 9', runners: 9}"), {.runners = "5"}), "");
}

}  // namespace
}  // namespace assay
