// The scenarios of a folder, for `assay list`. A file with mistakes is listed with them, never left out.
#pragma once

#include "harness/scenario/parse.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay {

struct ScenarioSummary {
  std::filesystem::path file;
  std::string name, title;  // of a file with mistakes: its file name, and nothing
  std::size_t trials = 0;   // repeats included
  Duration estimated{};
  std::optional<Mistakes> mistakes;
};

// Every *.yaml of the folder itself, by name. Throws Failure (bad_input) when the folder can't be read.
std::vector<ScenarioSummary> list_scenarios(std::filesystem::path const& folder,
                                            std::span<std::string const> known_backends);

}  // namespace assay
