// The Redis of an assessment: one that we start for every trial and remove afterwards, or the user's. Ours listens on a
// unix socket in its private folder only. Easy to get wrong: how durable it is decides what it can be compared with, so
// the settings are ours, fixed and printed: an append-only file, written to disk once a second, as the Redis manual
// recommends; what was acknowledged within the last second may go with the machine, but not with the process.
#pragma once

#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"
#include "harness/services/service.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace assay {

class ExternalRedis final : public Service {
 public:
  // Throws Failure{bad_input} when it is no redis:// or unix:// URL. Nothing connects yet: the backend's open() does.
  explicit ExternalRedis(std::string url);

  std::string url() const override { return url_; }
  std::optional<pid_t> server_pid() const override { return std::nullopt; }
  ServiceFacts facts() const override;  // without the password

 private:
  std::string url_;
};

class PrivateRedis final : public PrivateServer {
 public:
  // Returns when the server accepts connections. `password` is asked of every client when not empty. Throws
  // Failure{unreachable} with one line: no redis-server, its own last words, no answer in time.
  explicit PrivateRedis(std::string password = {});
  ~PrivateRedis() override;  // stops the server and removes its folder

  std::string url() const override { return "unix://" + socket().string(); }
  std::filesystem::path socket() const { return folder_.path() / "redis.sock"; }
  std::optional<pid_t> server_pid() const override { return server_->pid(); }
  ServiceFacts facts() const override;

  void stop() override;   // writes what there is
  void crash() override;  // killed: the append-only file has what was written to it
  void start() override;

 private:
  PrivateFolder folder_;
  std::string password_;
  std::optional<ChildProcess> server_;
};

}  // namespace assay
