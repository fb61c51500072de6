// Random scenarios survive being written out and read back, and no text whatever makes the parser crash or lie.
// ASSAY_SEED=n replays a failure.
#include "harness/assess/figure_names.hpp"
#include "harness/base/random.hpp"
#include "harness/scenario/describe.hpp"
#include "harness/scenario/objective.hpp"
#include "harness/scenario/parse.hpp"
#include "harness/scenario/parse_policy.hpp"
#include "harness/scenario/resolved.hpp"
#include "tests/unit/scenario/support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace assay {
namespace {

std::uint64_t test_seed() {
  char const* given = std::getenv("ASSAY_SEED");
  auto const seed = given ? std::strtoull(given, nullptr, 10) : random_seed();
  std::cout << "ASSAY_SEED=" << seed << std::endl;  // before anything can crash or hang
  return seed;
}

// A visitor for describe.hpp that fills structs with values that the description allows: a new key is covered by
// itself.
class Filler {
 public:
  explicit Filler(Random& random) : random_{random} {}

  template <class T>
  void operator()(Key const& key, T& member) {
    if (!key.only.empty() && key.only != shape_) return;
    if (!key.one_of.empty() && std::exchange(group_given_, true)) return;
    if (!key.required && key.one_of.empty() && random_.below(3) == 0) return;  // stays at its default
    fill(key, member);
    if constexpr (std::is_enum_v<T>) {
      if (key.name == "shape") shape_ = names_of(member)[static_cast<std::size_t>(member)];
    }
  }

 private:
  double within(Key const& key) {
    double const high = std::min(key.max, 1e6);
    double const low = std::max(key.min, 0.0);
    double const value = random_.below(4) == 0 ? std::round(low + (high - low) * random_.uniform())
                                               : low + (high - low) * random_.uniform();
    return std::min(high, std::max({value, low, key.above_min ? 1e-9 : low}));
  }

  void fill(Key const&, bool& value) { value = random_.below(2) == 1; }
  void fill(Key const& key, int& value) { value = static_cast<int>(std::ceil(within(key))); }
  void fill(Key const& key, std::uint64_t& value) {
    value = key.name == "seed" ? random_() | 1 : static_cast<std::uint64_t>(within(key));
  }
  void fill(Key const& key, double& value) { value = within(key); }
  void fill(Key const& key, Duration& value) {
    // Round ones and odd ones; never outside the range by rounding.
    double const low = key.min * 1e3, high = std::min(key.max, a_day_s) * 1e3;
    value = milliseconds{
        std::llround(std::clamp(std::floor(low + (high - low) * random_.uniform()), std::ceil(low), high))};
    if (random_.below(4) == 0 && to_seconds(value) + 1e-3 < key.max) value += Duration{123};
  }
  void fill(Key const& key, std::string& value) {
    static std::vector<std::string> const lines{"null",       "true", "5",           "1.5",
                                                "12s",        "- a",  "a: b",        "a #b",
                                                "\"quoted\"", "it's", "back\\slash", "Größe – 5 µs",
                                                "~",          "{a}",  "[a]",         "*x",
                                                "&x",         "!tag", "%",           "@",
                                                "`",          "0x1f", "no",          "a, b",
                                                "|",          ">",    "2026-11-21",  "   padded inside   x",
                                                ":",          "?",    "=",           "<<"};
    switch (key.text) {
      case TextRule::name:
      case TextRule::file: value = fmt::format("n{}", random_.below(1000)); break;
      case TextRule::tag: value = fmt::format("t:{}", random_.below(3)); break;
      case TextRule::backend: value = backends[random_.below(backends.size())]; break;
      case TextRule::line: value = lines[random_.below(lines.size())]; break;
      case TextRule::prose:
        value.clear();
        for (auto left = random_.below(6); left > 0; --left)
          value += lines[random_.below(lines.size())] + (random_.below(3) ? "\n" : "\n\n  ");
        while (!value.empty() && (value.back() == '\n' || value.back() == ' ')) value.pop_back();
        break;
    }
    value.erase(0, value.find_first_not_of(' '));
  }
  void fill(Key const&, Objective& value) {
    auto const metrics = known_metrics();
    auto const& metric = metrics[random_.below(metrics.size())];
    std::string const bound =
        metric.kind == FigureName::Kind::duration ? std::to_string(1 + random_.below(9999)) + "ms" : "0.25";
    value = *parse_objective(
        fmt::format("{}: {} <= {}", metric.name, metric.statistics[random_.below(metric.statistics.size())], bound));
  }
  void fill(Key const&, boost::json::object& value) {  // a level's `with`
    if (random_.below(2) == 0) value["load.payload_bytes"] = random_.below(1000);
    if (random_.below(2) == 0) value["fleet.hold"] = fmt::format("{}ms", 1 + random_.below(9000));
    if (random_.below(4) == 0) value["load.classes"] = {{{"tags", boost::json::array{}}, {"priority", 7}}};
    if (random_.below(4) == 0) value["fleet.run_length.mean"] = nullptr;
  }
  void fill(Key const& key, std::map<int, double>& value) {
    for (auto left = random_.below(4); left > 0; --left) fill(key, value[static_cast<int>(1 + random_.below(1000))]);
  }
  void fill(Key const& key, std::map<std::string, bool>& value) {
    for (auto left = random_.below(3); left > 0; --left) fill(key, value[fmt::format("need_{}", left)]);
  }
  template <class T>
  void fill(Key const& key, std::optional<T>& value) {
    fill(key, value.emplace());
  }
  template <class T>
  void fill(Key const& key, std::vector<T>& value) {
    value.assign(key.min_items + random_.below(4), T{});
    for (auto& each : value) fill(key, each);
  }
  template <class T>
  void fill(Key const&, T& value) {
    if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(random_.below(names_of(value).size()));
    } else {
      Filler inner{random_};
      describe(inner, value);
    }
  }

  Random& random_;
  std::string_view shape_;
  bool group_given_ = false;
};

TEST(round_trip, a_random_scenario_reads_back_as_it_was) {
  auto const seed = test_seed();
  Random random{seed};
  constexpr int tried = 4000;  // most break a rule
  int accepted = 0;
  for (int i = 0; i < tried; ++i) {
    Scenario scenario;
    Filler filler{random};
    describe(filler, scenario);
    if (scenario.seed == 0) scenario.seed = 1;
    // Three in four would break this rule alone, and too few be left to read back.
    if (!scenario.load.concurrency) scenario.load.wait = LoadSpec{}.wait;
    scenario.coordinator.replies.seconds = RepliesSpec{}.seconds;
    // Rules that chance would rarely obey.
    for (std::size_t l = 0; l < scenario.levels.size(); ++l) {
      if (!scenario.levels[l].with.empty()) scenario.levels[l].variant = fmt::format("v{}", l);
    }
    for (auto& published : scenario.published) {
      published.runners = scenario.levels[0].runners;
      published.backend = scenario.levels[0].backend;
      published.variant = scenario.levels[0].variant;
    }
    auto const yaml = to_yaml(scenario);
    auto const back = parse_scenario(yaml, "", {}, backends);
    if (!back) {
      // Combinations may break a rule; the text itself must read.
      for (auto const& mistake : back.error().list) {
        bool const about_one_value = mistake.message.find("must be a") != std::string::npos ||
                                     mistake.message.find("YAML") != std::string::npos ||
                                     mistake.message.find("unknown") != std::string::npos;
        ASSERT_FALSE(about_one_value) << "ASSAY_SEED=" << seed << " scenario " << i << "\n"
                                      << to_string(back.error()) << yaml;
      }
      continue;
    }
    ++accepted;
    ASSERT_TRUE(*back == scenario) << "ASSAY_SEED=" << seed << " scenario " << i << "\n"
                                   << yaml << "--- read back as\n"
                                   << to_yaml(*back);
  }
  std::cout << accepted << " of " << tried << " obeyed every rule\n";
  EXPECT_GT(accepted, 100) << "ASSAY_SEED=" << seed << ": the generator makes too few sound scenarios to mean anything";
}

TEST(round_trip, shipped_scenarios_read_back_as_they_were) {
  for (auto const name : {"pr-007", "pr-007-real-time", "pr-007-busy", "smoke"}) {
    auto const scenario = load_scenario(repository / "scenarios" / (std::string{name} + ".yaml"), {}, backends);
    ASSERT_TRUE(scenario) << to_string(scenario.error());
    auto const back = parse_scenario(to_yaml(*scenario), scenario->file, {}, backends);
    ASSERT_TRUE(back) << to_string(back.error());
    EXPECT_TRUE(*back == *scenario) << to_yaml(*scenario);
  }
}

std::string read(std::filesystem::path const& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string mutate(std::string text, Random& random) {
  static std::vector<std::string> const pieces{
      ":",           "\n",      "  ",           "\t",    "- ",    "[",     "]",
      "{",           "}",       "\"",           "'",     "|",     ">",     "&a",
      "*a",          "<<: *a",  "null",         "~",     "-1",    "1e999", "99999999999999999999",
      "é",           "\xff",    "\xed\xa0\x80", "---\n", "!!str", "? ",    "#",
      "%YAML 1.9\n", "\\u0000", "\r",           "5s",    "p99",   ","};
  for (auto left = 1 + random.below(4); left > 0; --left) {
    auto const at = random.below(text.size() + 1);
    switch (random.below(5)) {
      case 0: text.insert(at, pieces[random.below(pieces.size())]); break;
      case 1: text.erase(at, 1 + random.below(20)); break;
      case 2: {
        auto const piece = text.substr(at, 1 + random.below(80));
        text.insert(random.below(text.size() + 1), piece);
        break;
      }
      case 3:
        if (at < text.size()) text[at] = static_cast<char>(random.below(256));
        break;
      case 4: text.resize(at); break;
    }
  }
  return text;
}

// A mistake must point into the text, and a text must not be refused without one.
void expect_sane(Mistakes const& mistakes, std::string const& text, std::string const& context) {
  auto const lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
  ASSERT_FALSE(mistakes.list.empty()) << context;
  ASSERT_FALSE(to_string(mistakes).empty()) << context;
  for (auto const& mistake : mistakes.list) {
    ASSERT_FALSE(mistake.message.empty()) << context;
    ASSERT_LE(mistake.place.line, lines) << context;
    ASSERT_GE(mistake.place.line, 0) << context;
    ASSERT_LE(mistake.place.column, static_cast<int>(text.size()) + 1) << context;
  }
}

TEST(mutation, no_text_makes_the_parsers_crash) {
  auto const seed = test_seed();
  Random random{seed};
  auto const scenario = read(repository / "scenarios/smoke.yaml"),
             twelve = read(repository / "tests/unit/scenario/twelve_mistakes.yaml");
  auto const policy = read(repository / "scenarios/policies/pr-007.yaml");
  for (int i = 0; i < 1200; ++i) {
    std::string const context = fmt::format("ASSAY_SEED={} text {}", seed, i);
    auto const text = mutate(i % 2 ? scenario : twelve, random);
    if (auto const read_back = parse_scenario(text, "f", {}, backends)) {
      ASSERT_TRUE(parse_scenario(to_yaml(*read_back), "f", {}, backends)) << context << "\n" << text;
    } else {
      expect_sane(read_back.error(), text, context);
    }
    auto const rules = mutate(policy, random);
    if (auto const read_back = parse_policy(rules, "p"); !read_back) expect_sane(read_back.error(), rules, context);
    auto const assignment = mutate("load.classes.0.weight=3", random);
    Overrides const overrides{.set = {assignment}};
    if (auto const read_back = parse_scenario(scenario, "f", overrides, backends); !read_back)
      expect_sane(read_back.error(), scenario, context);
    [[maybe_unused]] auto const objective = parse_objective(mutate("claim_latency: p99 < 5s", random));
  }
}

}  // namespace
}  // namespace assay
