// Files that are either whole or not there: written under a temporary name in the same folder, synced, then renamed.
// Every writer of a results folder goes through here, so that a full disk is one clear error and never half a summary.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace assay {

// Replaces `path`. Throws Failure{internal_error}: "cannot write results/…/summary.json: No space left on device".
void write_atomically(std::filesystem::path const& path, std::string_view content);

// Throws Failure{bad_input}: "results/…/summary.json: No such file or directory".
std::string read_whole(std::filesystem::path const& path);

// gzip (RFC 1952), and back. gunzip throws std::runtime_error for damaged or cut-off input.
std::string gzip(std::string_view plain);
std::string gunzip(std::string_view packed);

std::string sha256_hex(std::string_view content);

}  // namespace assay
