#include "harness/scenario/overrides.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

// `value` goes to `path`; null removes what is there.
void set(std::string_view path, Node value, Place const& place, Node& root, Mistakes& mistakes) {
  Node* parent = nullptr;
  Node* node = &root;
  std::string walked;
  for (auto const& step : split(path, '.')) {
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
  if (value.kind == Node::Kind::null) {
    parent->children.erase(parent->children.begin() + (node - parent->children.data()));
    return;
  }
  value.key = node->key;
  value.key_place = place;
  *node = std::move(value);
}

void set(std::string const& assignment, Node& root, Mistakes& mistakes) {
  std::string const flag = "--set " + assignment;
  Place const place{.flag = flag};
  auto const equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    return mistakes.add(place, "", "must read key.path=value, like --set phases.measure=20s");
  }
  auto value = parse_yaml_value(std::string_view{assignment}.substr(equals + 1), flag, mistakes);
  if (value) set(std::string_view{assignment}.substr(0, equals), std::move(*value), place, root, mistakes);
}

// The trials of one variant: those that change the same keys.
struct Variant {
  std::vector<Node> changes;            // the keys `variant` and `with`, where they are given
  std::vector<Node> runners, backends;  // distinct, in the order in which they appear
};

std::string name_of(std::vector<Node> const& changes) {
  return changes.empty() || changes.front().key != "variant" ? "" : changes.front().text;
}

void add_values(Node const* value, std::vector<Node>& values) {
  if (!value) return;
  if (value->kind == Node::Kind::list) {
    for (Node const& each : value->children) add_values(&each, values);
  } else if (std::ranges::none_of(values, [&](Node const& each) { return each.text == value->text; })) {
    values.push_back(*value);
  }
}

std::vector<Variant> variants_of(Node const& root) {
  std::vector<Variant> variants;
  Node const* trials = root.find("trials");
  if (!trials) return variants;
  for (Node const& trial : trials->children) {
    std::vector<Node> changes;
    for (auto const* key : {"variant", "with"}) {
      if (Node const* change = trial.find(key)) changes.push_back(*change);
    }
    auto const same = [&](Variant const& variant) { return name_of(variant.changes) == name_of(changes); };
    auto found = std::ranges::find_if(variants, same);
    if (found == variants.end()) found = variants.insert(found, Variant{.changes = std::move(changes)});
    add_values(trial.find("runners"), found->runners);
    add_values(trial.find("backend"), found->backends);
  }
  return variants;
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
  auto variants = variants_of(root);
  if (variants.empty()) variants.emplace_back();
  Node& trials = child_named(root, "trials", place);
  trials.kind = Node::Kind::list;
  trials.place = place;
  trials.children.clear();
  for (auto& variant : variants) {
    Node trial{.kind = Node::Kind::map, .children = std::move(variant.changes), .place = place};
    if (overrides.runners) variant.runners = values_of_flag(*overrides.runners, runners_flag);
    if (overrides.backend) variant.backends = values_of_flag(*overrides.backend, backend_flag);
    trial.children.push_back(list("runners", std::move(variant.runners)));
    trial.children.push_back(list("backend", std::move(variant.backends)));
    trials.children.push_back(std::move(trial));
  }
}

void keep_variants(std::string const& names, Node& root, Mistakes& mistakes) {
  Place const place{.flag = "--variant " + names};
  Node* trials = root.find("trials");
  std::vector<std::string> known;
  for (auto const& variant : variants_of(root)) {
    if (!name_of(variant.changes).empty()) known.push_back(name_of(variant.changes));
  }
  auto const wanted = split(names, ',');
  for (auto const& name : wanted) {
    if (std::ranges::find(known, name) != known.end()) continue;
    auto const near = nearest(name, known);
    mistakes.add(place, "trials",
                 fmt::format("there is no variant `{}`{}", name,
                             near            ? fmt::format("; did you mean `{}`?", *near)
                             : known.empty() ? "; these trials have none"
                                             : fmt::format("; there are: {}", fmt::join(known, ", "))));
  }
  if (!trials) return;
  trials->place = place;
  std::erase_if(trials->children, [&](Node const& trial) {
    Node const* variant = trial.find("variant");
    return !variant || std::ranges::find(wanted, variant->text) == wanted.end();
  });
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
  if (overrides.variant) keep_variants(*overrides.variant, root, mistakes);
  if (overrides.runners || overrides.backend) replace_trials(overrides, root);
  if (overrides.repeat) replace(root, "repeat", *overrides.repeat);
  if (overrides.seed) replace(root, "seed", *overrides.seed);
}

void apply_changes(Node const& with, Node& root, Mistakes& mistakes) {
  for (Node const& change : with.children) set(change.key, change, change.key_place, root, mistakes);
}

}  // namespace assay
