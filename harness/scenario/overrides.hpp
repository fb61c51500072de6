// What the command line changes in a scenario file, done to the YAML tree before it is checked: so that a flag's value
// is checked by the same rules as the file's, and a mistake in it is named by the flag.
#pragma once

#include "harness/scenario/yaml_tree.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay {

struct Overrides {
  std::vector<std::string>
      set;  // "key.path=value", value in YAML; an entry of a list by its index; no value: back to the default
  std::optional<std::string> runners;  // "10,50": of every backend of the scenario
  std::optional<std::string> backend;  // "a,b": with every number of runners of the scenario
  std::optional<std::string> variant;  // "a,b": only these
  std::optional<std::string> repeat;
  std::optional<std::string> seed;
};

void apply(Overrides const& overrides, Node& root, Mistakes& mistakes);

// The same for the changes of a trial's `with`: a map of paths.
void apply_changes(Node const& with, Node& root, Mistakes& mistakes);

}  // namespace assay
