// YAML text as a plain tree in which every node knows its place, so that a mistake found much later can still be
// pointed at. Refuses what YAML lets pass and a scenario never means: a key given twice, several documents, tags, bytes
// that are no UTF-8, aliases that unfold without end. Anchors, aliases and merge keys (<<) are resolved here.
#pragma once

#include "harness/scenario/mistakes.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

struct Node {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string key;   // within a map
  Place key_place;   // within a map
  std::string text;  // of a scalar
  bool quoted = false;
  std::vector<Node> children;  // of a list or a map
  Place place;

  Node* find(std::string_view name);
  Node const* find(std::string_view name) const;
  // The node at "load.classes.0.weight", or the nearest one above it.
  Node const& nearest_at(std::string_view path) const;
};

inline constexpr std::size_t largest_input_file = 256 * 1024;

// The root is a map. nullopt: the mistakes say why not. Other mistakes may be added beside a tree, e.g. of duplicate
// keys.
std::optional<Node> parse_yaml(std::string_view text, Mistakes& mistakes);

// The value of a flag, parsed as YAML (so that lists and maps can be given); every place in it is that flag.
std::optional<Node> parse_yaml_value(std::string_view text, std::string const& flag, Mistakes& mistakes);

// "a number", "a list" …, for messages of the form "must be a duration, not a list".
std::string describe_kind(Node const& node);

}  // namespace assay
