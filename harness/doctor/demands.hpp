// What the shipped scenarios ask of the machine, and whether it was found to be able to.
#pragma once

#include "harness/scenario/scenario.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace assay {

struct ScenarioDemand {
  std::string scenario;
  int runners = 0;             // of its largest level
  double runs_per_second = 0;  // at its highest, time compression and load profile included
};

ScenarioDemand demand_of(Scenario const& scenario);

// Of every *.yaml of the folder. Throws Failure (bad_input) when the folder can't be read or a scenario has mistakes.
std::vector<ScenarioDemand> demands_of(std::filesystem::path const& folder, std::vector<std::string> const& backends);

}  // namespace assay
