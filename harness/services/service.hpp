// What a backend's data lives in during a trial: a server, or a file. The experiment asks for a URL to give to the
// coordinator and for a pid whose process tree it can charge CPU to; nothing else differs.
#pragma once

#include "harness/services/private_folder.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay {

using ServiceFacts = std::vector<std::pair<std::string, std::string>>;

class Service {
 public:
  virtual ~Service() = default;
  virtual std::string url() const = 0;                  // as the backend reads it: postgresql://…, or a file's name
  virtual std::optional<pid_t> server_pid() const = 0;  // nothing when there is none, or it is not ours to look at
  virtual ServiceFacts facts() const = 0;               // for the report's environment section
};

// The name of a file that is not there yet, in a folder of its own that goes with it.
class PrivateFile final : public Service {
 public:
  PrivateFile() : folder_{std::filesystem::temp_directory_path(), "assay-file-"} {}

  std::string url() const override { return folder_.path() / "runs"; }
  std::optional<pid_t> server_pid() const override { return std::nullopt; }
  ServiceFacts facts() const override { return {{"file", "private, in " + folder_.path().parent_path().string()}}; }

 private:
  PrivateFolder folder_;
};

}  // namespace assay
