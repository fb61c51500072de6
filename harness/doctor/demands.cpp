#include "harness/doctor/demands.hpp"

#include "harness/scenario/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace {

double highest_factor(LoadProfileSpec const& profile) {
  using Shape = LoadProfileSpec::Shape;
  switch (profile.shape) {
    case Shape::steady: return 1;
    case Shape::ramp: return std::max(profile.from, profile.to);
    case Shape::steps: return profile.levels.empty() ? 1 : std::ranges::max(profile.levels);
    case Shape::burst: return std::max(1.0, profile.factor);
  }
  return 1;
}

}  // namespace

ScenarioDemand demand_of(Scenario const& scenario) {
  ScenarioDemand demand{.scenario = scenario.name};
  for (auto const& level : scenario.levels) {
    demand.runners = std::max(demand.runners, level.runners);
    auto const own = scenario_for(scenario, level);
    demand.runs_per_second =
        std::max(demand.runs_per_second, offered_rate(own, level.runners) * highest_factor(own.load.profile));
  }
  return demand;
}

std::vector<ScenarioDemand> demands_of(std::filesystem::path const& folder, std::vector<std::string> const& backends) {
  std::vector<ScenarioDemand> demands;
  for (auto const& listed : list_scenarios(folder, backends)) {
    auto const scenario = load_scenario(listed.file, {}, backends);
    if (!scenario) {
      throw Failure{ExitStatus::bad_input,
                    fmt::format("{} has mistakes; assay validate shows them", listed.file.string())};
    }
    demands.push_back(demand_of(*scenario));
  }
  return demands;
}

}  // namespace assay
