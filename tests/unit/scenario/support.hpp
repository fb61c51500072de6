// What the tests of this folder share: where the repository is, which backends are known, and a smallest correct
// scenario.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace assay {

inline std::filesystem::path const repository{ASSAY_SOURCE_DIR};

inline std::vector<std::string> const backends{
    "memory", "postgres-batch", "postgres-skip-locked", "postgres-optimistic", "postgres-cas", "redis-list"};

inline std::string const smallest_scenario =
    "name: small\n"
    "title: Small\n"
    "question: Is it?\n"
    "load:\n"
    "  runs_per_second: 10\n"
    "trials:\n"
    "  - {runners: 5, backend: memory}\n";

}  // namespace assay
