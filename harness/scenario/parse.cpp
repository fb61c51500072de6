#include "harness/scenario/parse.hpp"

#include "harness/base/random.hpp"
#include "harness/base/text.hpp"
#include "harness/scenario/input_file.hpp"
#include "harness/scenario/parse_policy.hpp"
#include "harness/scenario/reader.hpp"
#include "harness/scenario/resolved.hpp"
#include "harness/scenario/rules.hpp"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

namespace assay {

namespace fs = std::filesystem;

namespace {

void read(Node& root, std::span<std::string const> known_backends, Scenario& scenario, Mistakes& mistakes) {
  Reader reader{root, "", mistakes, known_backends};
  describe(reader, scenario);
  reader.finish();
  check_rules(scenario, root, mistakes);
}

// The tree of the scenario that one trial is measured by: its changes made, and no other trials.
Node tree_for(Node root, std::size_t trial, Mistakes& mistakes) {
  auto& trials = root.find("trials")->children;
  Node own = std::move(trials[trial]);
  trials.clear();
  Node with;
  std::erase_if(own.children, [&](Node& key) {
    if (key.key == "with") with = key;
    return key.key == "with";
  });
  trials.push_back(std::move(own));
  std::erase_if(root.children, [](Node const& key) { return key.key == "published"; });  // about all trials together
  apply_changes(with, root, mistakes);
  return root;
}

// A scenario is wrong, too, when it is wrong with the changes of one of its trials.
void check_variants(Scenario const& scenario, Node const& root, std::span<std::string const> known_backends,
                    Mistakes& mistakes) {
  for (std::size_t i = 0; i < scenario.levels.size(); ++i) {
    if (scenario.levels[i].with.empty()) continue;
    Mistakes found{.file = mistakes.file, .text = {}, .list = {}};
    Node tree = tree_for(root, i, found);
    Scenario variant;
    read(tree, known_backends, variant, found);
    for (auto& mistake : found.list) {
      auto const known = [&](Mistake const& other) {
        return other.place == mistake.place && other.message == mistake.message;
      };
      if (std::ranges::none_of(mistakes.list, known)) mistakes.list.push_back(std::move(mistake));
    }
  }
}

// On return `root` has what the scenario was read from, for places of mistakes that are found later.
std::optional<Scenario> parse(std::string_view text, Overrides const& overrides,
                              std::span<std::string const> known_backends, Node& root, Mistakes& mistakes) {
  auto tree = parse_yaml(text, mistakes);
  if (!tree) return std::nullopt;
  root = std::move(*tree);
  apply(overrides, root, mistakes);
  Scenario scenario;
  read(root, known_backends, scenario, mistakes);
  check_variants(scenario, root, known_backends, mistakes);
  scenario.file = mistakes.file;
  return scenario;
}

ScenarioResult finish(std::optional<Scenario> scenario, Mistakes mistakes) {
  if (!scenario || !mistakes.list.empty()) {
    mistakes.sort();
    return mistakes;
  }
  while (scenario->seed == 0) scenario->seed = random_seed();
  return std::move(*scenario);
}

void check_policy(Scenario const& scenario, Node const& root, Mistakes& mistakes) {
  if (mistakes.touch("policy")) return;
  Node const& node = root.nearest_at("policy");
  Place const place = &node == &root ? Place{} : node.place;
  auto const path = policy_path(scenario);
  auto const policy = load_policy(path);
  if (!policy) {
    auto const& wrong = policy.error();
    std::string const more = wrong.list.size() > 1 ? fmt::format(" (and {} more mistakes)", wrong.list.size() - 1) : "";
    auto const& first = wrong.list.front();
    std::string const where =
        first.place.line > 0 ? fmt::format("{}:{}:{}", wrong.file, first.place.line, first.place.column) : wrong.file;
    mistakes.add(place, "policy", fmt::format("policy `{}`: {}: {}{}", scenario.policy, where, first.message, more));
    return;
  }
  std::vector<std::string> asked;
  for (auto const& consideration : policy->considerations) {
    if (!consideration.need.empty()) asked.push_back(consideration.need);
  }
  for (auto const& [need, unused] : scenario.needs) {
    if (std::ranges::find(asked, need) != asked.end()) continue;
    auto const near = nearest(need, asked);
    Place const at = root.nearest_at("needs." + need).key_place;
    mistakes.add(at, "needs." + need,
                 fmt::format("policy `{}` never asks about `{}`; {}", scenario.policy, need,
                             near ? fmt::format("did you mean `{}`?", *near)
                                  : fmt::format("it asks about: {}", fmt::join(asked, ", "))));
  }
}

}  // namespace

ScenarioResult parse_scenario(std::string_view text, std::string const& file, Overrides const& overrides,
                              std::span<std::string const> known_backends) {
  Mistakes mistakes{.file = file, .text = std::string{text}, .list = {}};
  Node root;
  auto scenario = parse(text, overrides, known_backends, root, mistakes);
  return finish(std::move(scenario), std::move(mistakes));
}

ScenarioResult load_scenario(fs::path const& path, Overrides const& overrides,
                             std::span<std::string const> known_backends) {
  Mistakes mistakes{.file = path.string(), .text = {}, .list = {}};
  auto text = read_input_file(path, mistakes);
  if (!text) return mistakes;
  mistakes.text = std::move(*text);
  Node root;
  auto scenario = parse(std::string{mistakes.text}, overrides, known_backends, root, mistakes);
  if (scenario) check_policy(*scenario, root, mistakes);
  return finish(std::move(scenario), std::move(mistakes));
}

Scenario scenario_for(Scenario const& scenario, Level const& level) {
  Scenario own = scenario;
  own.levels = {level};
  if (level.with.empty()) return own;
  Mistakes mistakes{.file = scenario.file, .text = {}, .list = {}};
  auto root = parse_yaml(to_yaml(own), mistakes);
  Node tree = tree_for(std::move(root.value()), 0, mistakes);
  Scenario changed;
  read(tree, std::array{level.backend}, changed, mistakes);
  if (!mistakes.list.empty()) throw std::logic_error{"a scenario was not checked: " + mistakes.list.front().message};
  changed.file = scenario.file;
  changed.levels = {level};
  return changed;
}

fs::path policy_path(Scenario const& scenario) {
  fs::path const folder = fs::path{scenario.file}.parent_path();
  if (scenario.policy.ends_with(".yaml")) return folder / scenario.policy;
  fs::path const file = scenario.policy + ".yaml";
  fs::path const beside = folder / "policies" / file;
  fs::path const shipped = fs::path{"scenarios"} / "policies" / file;
  std::error_code ignored;
  return !fs::exists(beside, ignored) && fs::exists(shipped, ignored) ? shipped : beside;
}

}  // namespace assay
