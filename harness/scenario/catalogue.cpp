#include "harness/scenario/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay {

namespace fs = std::filesystem;

std::vector<ScenarioSummary> list_scenarios(fs::path const& folder, std::span<std::string const> known_backends) {
  std::vector<ScenarioSummary> list;
  std::error_code error;
  for (fs::directory_iterator each{folder, error}, end; !error && each != end; each.increment(error)) {
    if (each->path().extension() != ".yaml") continue;
    ScenarioSummary summary{.file = each->path(), .name = each->path().stem().string(), .title = {}, .mistakes = {}};
    auto scenario = load_scenario(each->path(), {}, known_backends);
    if (scenario) {
      summary.name = scenario->name;
      summary.title = scenario->title;
      summary.trials = scenario->levels.size() * static_cast<std::size_t>(scenario->repeat);
      summary.estimated = estimated_duration(*scenario);
    } else {
      summary.mistakes = scenario.error();
    }
    list.push_back(std::move(summary));
  }
  if (error) {
    throw Failure{ExitStatus::bad_input, fmt::format("{}: can't list scenarios: {}", folder.string(), error.message())};
  }
  std::ranges::sort(list, {}, &ScenarioSummary::name);
  return list;
}

}  // namespace assay
