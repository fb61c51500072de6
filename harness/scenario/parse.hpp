// Text → checked Scenario, or every mistake at once. load_scenario is what the commands call; parse_scenario is the
// same without the disk. Nothing is started, and nothing but the scenario and its policy is read. Easy to get wrong: a
// scenario is checked after the command line's overrides, so that a flag may mend a file.
#pragma once

#include "harness/assess/policy.hpp"
#include "harness/scenario/mistakes.hpp"
#include "harness/scenario/overrides.hpp"
#include "harness/scenario/scenario.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace assay {

using ScenarioResult = Checked<Scenario>;

// `file` is for messages only. The policy is not looked for.
ScenarioResult parse_scenario(std::string_view text, std::string const& file, Overrides const& overrides,
                              std::span<std::string const> known_backends);

// Also reads the policy, whose mistakes are mistakes of the scenario: `needs` that it never asks about are unknown
// keys.
ScenarioResult load_scenario(std::filesystem::path const& path, Overrides const& overrides,
                             std::span<std::string const> known_backends);

// What one trial is measured by: the checked scenario with the changes of that level made, and that level only.
Scenario scenario_for(Scenario const& scenario, Level const& level);

// Where the scenario's policy is: <folder of the scenario>/policies/<name>.yaml, else scenarios/policies/<name>.yaml
// from the current folder (a resolved scenario in a results folder is run from there); a path ending in .yaml is
// relative to the scenario.
std::filesystem::path policy_path(Scenario const& scenario);

}  // namespace assay
