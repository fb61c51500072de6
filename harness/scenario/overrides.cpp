#include "harness/scenario/overrides.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace assay {

namespace {

Node make_scalar(std::string text, std::string const& flag) {
  return {.kind = Node::Kind::scalar, .text = std::move(text), .place = {.flag = flag}};
}

Node& child_named(Node& map, std::string const& key, Place const& place) {
  if (Node* existing = map.find(key)) return *existing;
  return map.children.emplace_back(Node{.key = key, .key_place = place, .place = place});
}

void set(std::string const& assignment, Node& root, Mistakes& mistakes) {
  std::string const flag = "--set " + assignment;
  Place const place{.flag = flag};
  auto const equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    return mistakes.add(place, "", "must read key.path=value, like --set phases.measure=20s");
  }
  auto value = parse_yaml_value(std::string_view{assignment}.substr(equals + 1), flag, mistakes);
  if (!value) return;

  Node* parent = nullptr;
  Node* node = &root;
  std::string walked;
  for (auto const& step : split(std::string_view{assignment}.substr(0, equals), '.')) {
    if (step.empty()) return mistakes.add(place, "", "has an empty key in its path");
    if (node->kind == Node::Kind::list) {
      std::size_t index = 0;
      auto const [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (error != std::errc{} || end != step.data() + step.size() || index >= node->children.size()) {
        return mistakes.add(place, walked,
                            fmt::format("`{}` is a list of {}; `{}` is no index of it (0 is the first)", walked,
                                        node->children.size(), step));
      }
      parent = node;
      node = &node->children[index];
    } else {
      if (node->kind == Node::Kind::null) node->kind = Node::Kind::map;
      if (node->kind != Node::Kind::map)
        return mistakes.add(place, walked, fmt::format("`{}` has no keys within it", walked));
      parent = node;
      node = &child_named(*node, step, place);
    }
    walked += (walked.empty() ? "" : ".") + step;
  }
  if (value->kind == Node::Kind::null) {
    parent->children.erase(parent->children.begin() + (node - parent->children.data()));
    return;
  }
  value->key = node->key;
  value->key_place = place;
  *node = std::move(*value);
}

// The distinct values that the scenario's trials have for a key, in the order in which they appear.
std::vector<Node> values_in_trials(Node const& root, std::string_view key) {
  std::vector<Node> values;
  auto const add = [&](Node const& value) {
    bool const known = std::ranges::any_of(values, [&](Node const& each) { return each.text == value.text; });
    if (!known) values.push_back(value);
  };
  Node const* trials = root.find("trials");
  if (!trials) return values;
  for (Node const& trial : trials->children) {
    Node const* value = trial.find(key);
    if (!value) continue;
    if (value->kind == Node::Kind::list)
      std::ranges::for_each(value->children, add);
    else
      add(*value);
  }
  return values;
}

std::vector<Node> values_of_flag(std::string const& text, std::string const& flag) {
  std::vector<Node> values;
  for (auto const& part : split(text, ',')) values.push_back(make_scalar(part, flag));
  return values;
}

void replace_trials(Overrides const& overrides, Node& root) {
  std::string const runners_flag = "--runners " + overrides.runners.value_or("");
  std::string const backend_flag = "--backend " + overrides.backend.value_or("");
  Place const place{.flag = overrides.runners ? runners_flag : backend_flag};

  auto const list = [&](std::string key, std::vector<Node> values) {
    return Node{.kind = Node::Kind::list,
                .key = std::move(key),
                .key_place = place,
                .children = std::move(values),
                .place = place};
  };
  Node trial{.kind = Node::Kind::map, .place = place};
  trial.children.push_back(list("runners", overrides.runners ? values_of_flag(*overrides.runners, runners_flag)
                                                             : values_in_trials(root, "runners")));
  trial.children.push_back(list("backend", overrides.backend ? values_of_flag(*overrides.backend, backend_flag)
                                                             : values_in_trials(root, "backend")));
  Node& trials = child_named(root, "trials", place);
  trials.kind = Node::Kind::list;
  trials.place = place;
  trials.children.assign(1, std::move(trial));
}

void replace(Node& root, std::string const& key, std::string const& text) {
  std::string const flag = fmt::format("--{} {}", key, text);
  Node& node = child_named(root, key, {.flag = flag});
  Node value = make_scalar(text, flag);
  value.key = key;
  value.key_place = {.flag = flag};
  node = std::move(value);
}

}  // namespace

void apply(Overrides const& overrides, Node& root, Mistakes& mistakes) {
  for (auto const& assignment : overrides.set) set(assignment, root, mistakes);
  if (overrides.runners || overrides.backend) replace_trials(overrides, root);
  if (overrides.repeat) replace(root, "repeat", *overrides.repeat);
  if (overrides.seed) replace(root, "seed", *overrides.seed);
}

}  // namespace assay
