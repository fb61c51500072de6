// A temporary folder for one private server: mode 0700, removed by the destructor, locked while we live. A harness that
// was killed leaves its folder behind unlocked, and the next PrivateFolder of the same prefix removes it (the lock goes
// with the process, so it can't be fooled by a recycled pid). Easy to get wrong: a server must be stopped before its
// folder goes.
#pragma once

#include "harness/services/child_process.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace assay {

// Where all that is private is made: the folder that TMPDIR names, or /tmp. Throws Failure{bad_input} when it is no
// folder that we may write in, Failure{unreachable} when nothing can be written there: one line that names it.
std::filesystem::path temporary_folder();

class PrivateFolder {
 public:
  // Makes `<parent>/<prefix>XXXXXX`, owned by `owner` (ours when empty). Throws Failure{unreachable}.
  PrivateFolder(std::filesystem::path const& parent, std::string const& prefix, std::optional<UserIds> owner = {});
  ~PrivateFolder();
  PrivateFolder(PrivateFolder const&) = delete;
  PrivateFolder& operator=(PrivateFolder const&) = delete;

  std::filesystem::path const& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

// Removes what killed processes left in `parent`: folders of that prefix that nobody holds locked and no process runs
// in. Returns how many.
std::size_t reap_private_folders(std::filesystem::path const& parent, std::string const& prefix);

}  // namespace assay
