// Bad input gets every mistake at once, each with its place, the rule and the nearest right thing.
#include "harness/scenario/parse.hpp"
#include "harness/scenario/yaml_tree.hpp"
#include "tests/unit/scenario/support.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace assay {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string read(std::filesystem::path const& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// All messages, or "accepted".
std::string messages(std::string const& text, Overrides const& overrides = {}) {
  auto const scenario = parse_scenario(text, "f.yaml", overrides, backends);
  return scenario ? "accepted" : to_string(scenario.error());
}

TEST(diagnostics, twelve_mistakes_are_all_found_at_once) {
  auto const folder = repository / "tests/unit/scenario";
  auto const found = parse_scenario(read(folder / "twelve_mistakes.yaml"), "twelve_mistakes.yaml", {}, backends);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().list.size(), 12U);
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    std::ofstream{folder / "twelve_mistakes.expected", std::ios::binary} << to_string(found.error());
  }
  EXPECT_EQ(to_string(found.error()), read(folder / "twelve_mistakes.expected"));
}

TEST(diagnostics, a_message_has_file_line_column_source_line_and_caret) {
  EXPECT_EQ(messages(smallest_scenario + "phases:\n  measure: 40\n"),
            "f.yaml:9:12: `phases.measure` needs a unit: write 40s or 40ms\n"
            "    9 |   measure: 40\n"
            "      |            ^~\n");
}

TEST(diagnostics, columns_count_characters_and_the_caret_stands_under_them) {
  EXPECT_EQ(messages(smallest_scenario + "phases: { \"wärm_up\": 1s }\n"),
            "f.yaml:8:11: unknown key `wärm_up` in `phases`; did you mean `warm_up`?\n"
            "    8 | phases: { \"wärm_up\": 1s }\n"
            "      |           ^~~~~~~\n");
}

TEST(diagnostics, a_key_that_is_missing_says_what_it_is_for) {
  EXPECT_EQ(
      messages("name: x\ntitle: X\nquestion: Is it?\nload: {runs_per_second: 1}\n"),
      "f.yaml: `trials` is missing: What is measured, in this order. Lists of runners or backends stand for every "
      "combination.\n");
  EXPECT_THAT(
      messages("name: x\ntitle: X\nquestion: Is it?\nload: {runs_per_second: 1}\ntrials:\n  - backend: memory\n"),
      StartsWith("f.yaml:6:5: `trials.0.runners` is missing"));
}

TEST(diagnostics, exactly_one_rate_is_needed) {
  std::string const head = "name: x\ntitle: X\nquestion: Is it?\ntrials: [{runners: 5, backend: memory}]\n";
  EXPECT_THAT(messages(head + "load: {payload_bytes: 1}\n"),
              HasSubstr("`load` needs one of `runs_per_minute_per_runner` or `runs_per_second`"));
  EXPECT_THAT(messages(head + "load: {runs_per_second: 1, runs_per_minute_per_runner: 1}\n"),
              HasSubstr("needs only one of"));
}

TEST(diagnostics, every_kind_of_value_is_checked) {
  auto const with = [](std::string const& line) { return messages(smallest_scenario + line + "\n"); };
  EXPECT_THAT(with("repeat: 1.5"), HasSubstr("`repeat` must be a whole number, not `1.5`"));
  EXPECT_THAT(with("repeat: \"2\""), HasSubstr("`repeat` must be a number, not the text \"2\""));
  EXPECT_THAT(with("repeat: 0"), HasSubstr("`repeat` is 0; it must be from 1 to 100"));
  EXPECT_THAT(with("repeat: [2]"), HasSubstr("`repeat` must be a number, not a list"));
  EXPECT_THAT(with("repeat:"), HasSubstr("`repeat` has no value; leave the key out for its default"));
  EXPECT_THAT(with("repeat: .nan"), HasSubstr("must be a number"));
  EXPECT_THAT(with("repeat: inf"), HasSubstr("must be a number"));
  EXPECT_THAT(with("seed: 18446744073709551616"), HasSubstr("must be a whole number below 2^64"));
  EXPECT_EQ(with("seed: 18446744073709551615"), "accepted");
  EXPECT_THAT(with("fleet: {confirm_start: yes}"), HasSubstr("`fleet.confirm_start` must be true or false, not `yes`"));
  EXPECT_THAT(with("fleet: {hold: 31s}"), HasSubstr("`fleet.hold` is 31s; it must be from 1ms to 30s"));
  EXPECT_THAT(with("fleet: {hold: soon}"), HasSubstr("`fleet.hold` must be a duration, like 30s or 250ms, not `soon`"));
  EXPECT_THAT(with("fleet: fast"), HasSubstr("`fleet` must be a map of keys, not `fast`"));
  EXPECT_THAT(with("fleet: {run_length: {shape: exponental}}"), HasSubstr("did you mean `exponential`?"));
  EXPECT_THAT(with("fleet: {kinds: []}"), HasSubstr("`fleet.kinds` needs at least 1 entry"));
  EXPECT_THAT(with("fleet: {kinds: [{tags: [\"a,b\"]}]}"), HasSubstr("`fleet.kinds.0.tags.0` must be 1 to 64 letters"));
  EXPECT_THAT(with("policy: \"\""), HasSubstr("`policy` is empty"));
  EXPECT_THAT(with("description: \"a\\u0007b\""), HasSubstr("without control characters"));
  EXPECT_THAT(with("published_requests_per_minute: {many: 20}"), HasSubstr("`many` must be a number of runners"));
  EXPECT_THAT(with("published_requests_per_minute: {10: lots}"), HasSubstr("must be a number, not `lots`"));
  EXPECT_THAT(with("needs: {Several: true}"), HasSubstr("`Several` must be lower-case"));
  EXPECT_THAT(with("needs: {several_coordinators: 1}"), HasSubstr("must be true or false"));
}

TEST(diagnostics, a_key_of_another_shape_says_whose_it_is) {
  EXPECT_THAT(messages(smallest_scenario + "fleet: {run_length: {shape: constant, cv: 2}}\n"),
              HasSubstr("`cv` belongs to shape `lognormal`, but `fleet.run_length.shape` is `constant`"));
  auto const ramp = messages(smallest_scenario + "phases: {measure: 10s}\n", {.set = {"load.profile.shape=ramp"}});
  EXPECT_THAT(ramp, HasSubstr("`load.profile.from` is missing (shape `ramp` needs it)"));
  EXPECT_THAT(ramp, HasSubstr("`load.profile.to` is missing (shape `ramp` needs it)"));
}

TEST(diagnostics, a_wrong_shape_is_one_mistake_not_many) {
  auto const scenario =
      parse_scenario(smallest_scenario + "fleet: {run_length: {shape: lognormall, cv: 2}}\n", "f.yaml", {}, backends);
  ASSERT_FALSE(scenario);
  EXPECT_EQ(scenario.error().list.size(), 1U) << to_string(scenario.error());
}

TEST(syntax, mistakes_have_a_place_and_plain_words) {
  EXPECT_THAT(messages("name: x\n\ttitle: y\n"),
              HasSubstr("f.yaml:2:1: not valid YAML: a tab; YAML indents with spaces only"));
  EXPECT_THAT(messages("name: x: y\n"), StartsWith("f.yaml:1:8: not valid YAML: a second `:` on this line"));
  EXPECT_THAT(messages("name: [1, 2\ntitle: y\n"), HasSubstr("not valid YAML: a `[` is never closed"));
  EXPECT_THAT(messages("name: *nobody\n"), HasSubstr("f.yaml:1:7: not valid YAML: this alias"));
  EXPECT_THAT(messages("name: \"x\ntitle: y\n"), HasSubstr("f.yaml:1:7: the quote \" is never closed"));
  EXPECT_THAT(messages(""), HasSubstr("f.yaml: the file is empty"));
  EXPECT_THAT(messages("# nothing but a comment\n"), HasSubstr("the file is empty"));
  EXPECT_THAT(messages("- a\n- b\n"), HasSubstr("f.yaml:1:1: must be a map of keys at the top, not a list"));
  EXPECT_THAT(messages("name: x\n---\nname: y\n"), HasSubstr("f.yaml:2:1: a second document begins here"));
  EXPECT_THAT(messages("}\n"), HasSubstr("f.yaml:1:1: not valid YAML: this bracket closes nothing"));
  EXPECT_THAT(messages("{name: x},\n"), HasSubstr("f.yaml:1:10: what comes before this is a whole document already"));
  EXPECT_THAT(messages("name: \xff\n"), HasSubstr("f.yaml:1:7: byte 0xff is not UTF-8 text"));
  EXPECT_THAT(messages(std::string{"name: \0x\n", 9}), HasSubstr("f.yaml:1:7: control character 0x00"));
  EXPECT_THAT(messages("\xff\xfen\0a\0"), HasSubstr("is not UTF-8 text"));
  EXPECT_THAT(messages("name: !secret x\n"), HasSubstr("tags like `!secret` are not used here"));
  EXPECT_THAT(messages("? {a: b}\n: c\n"), HasSubstr("a key must be a plain word"));
}

TEST(syntax, what_would_exhaust_the_machine_is_refused) {
  EXPECT_THAT(messages(std::string(largest_input_file + 1, '#')), HasSubstr("the largest file accepted has 262144"));
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    laughs +=
        fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  EXPECT_THAT(messages(laughs), HasSubstr("unfolding to more than"));
  EXPECT_THAT(messages("name: &x [*x]\n"), HasSubstr("does an alias contain itself?"));
  EXPECT_THAT(messages(std::string(100'000, '[')), HasSubstr("f.yaml"));
  EXPECT_THAT(messages(fmt::format("name: {:[>200}{:]>200}", "", "")), HasSubstr("nested deeper"));
}

TEST(syntax, anchors_aliases_merge_keys_byte_order_mark_and_windows_line_ends_work) {
  std::string const text =
      "\xEF\xBB\xBF"
      "name: small\r\ntitle: Small\r\nquestion: Is it?\r\nload: {runs_per_second: 10}\r\n"
      "trials:\r\n  - &first {runners: 5, backend: memory}\r\n  - {<<: *first, runners: 6}\r\n";
  auto const scenario = parse_scenario(text, "f.yaml", {}, backends);
  ASSERT_TRUE(scenario) << to_string(scenario.error());
  std::vector<Level> const levels{{5, "memory"}, {6, "memory"}};
  EXPECT_EQ(scenario->levels, levels);
}

TEST(load_scenario, names_the_file_that_is_missing_and_the_one_that_was_meant) {
  auto const text = [](std::filesystem::path const& path) {
    auto const scenario = load_scenario(path, {}, backends);
    return scenario ? "accepted" : to_string(scenario.error());
  };
  auto const folder = repository / "scenarios";
  EXPECT_EQ(text(folder / "pr-07.yaml"), (folder / "pr-07.yaml: no such file; did you mean `").string() +
                                             (folder / "pr-007.yaml").string() + "`?\n");
  EXPECT_THAT(text(folder), HasSubstr("is not a file"));
  EXPECT_THAT(text("/dev/zero"), HasSubstr("is not a file"));
}

TEST(load_scenario, checks_the_policy_and_what_it_asks_about) {
  auto const with = [](std::string const& set) {
    auto const scenario = load_scenario(repository / "scenarios/pr-007.yaml", {.set = {set}}, backends);
    return scenario ? "accepted" : to_string(scenario.error());
  };
  EXPECT_THAT(with("policy=pr-07"), HasSubstr("--set policy=pr-07: policy `pr-07`: "));
  EXPECT_THAT(with("policy=pr-07"), HasSubstr("no such file; did you mean `"));
  EXPECT_EQ(with("needs.several_coordinators=true"), "accepted");
  EXPECT_THAT(
      with("needs.several_coordinator=true"),
      HasSubstr("policy `pr-007` never asks about `several_coordinator`; did you mean `several_coordinators`?"));
}

}  // namespace
}  // namespace assay
