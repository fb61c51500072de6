// A whole small file, or the one line that says why not. Never reads more than the largest file accepted, nor a folder
// or device.
#pragma once

#include "harness/scenario/mistakes.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace assay {

std::optional<std::string> read_input_file(std::filesystem::path const& path, Mistakes& mistakes);

}  // namespace assay
