// Text → checked Policy, with the same diagnostics as scenarios. The keys are in describe.hpp.
#pragma once

#include "harness/assess/policy.hpp"
#include "harness/scenario/mistakes.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace assay {

using PolicyResult = Checked<Policy>;

PolicyResult parse_policy(std::string_view text, std::string const& file);
PolicyResult load_policy(std::filesystem::path const& path);

}  // namespace assay
