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

// A server that we started. What an administrator, a crash or a paused machine does to it, for faults: afterwards it
// has the same folder and the same URL. All of these block.
class PrivateServer : public Service {
 public:
  virtual void stop() = 0;   // it ends what it does, and writes what there is
  virtual void crash() = 0;  // killed; the next start() recovers what had been written
  virtual void start() = 0;  // after either. Throws as the constructor
  // Every process of it, until it goes on. In between connections are neither refused nor answered.
  void stand_still();
  void go_on();
};

// The name of a file that is not there yet, in a folder of its own that goes with it.
class PrivateFile final : public Service {
 public:
  PrivateFile() : folder_{temporary_folder(), "assay-file-"} {}

  std::string url() const override { return folder_.path() / "runs"; }
  std::optional<pid_t> server_pid() const override { return std::nullopt; }
  ServiceFacts facts() const override { return {{"file", "private, in " + folder_.path().parent_path().string()}}; }

 private:
  PrivateFolder folder_;
};

}  // namespace assay
