// The PostgreSQL of an assessment: one that we start for it and remove afterwards, or the user's. Easy to get wrong: a
// private server is durable on purpose (fsync, synchronous_commit, full_page_writes are on), because a queue in a
// database that may forget is not what anybody would compare with a broker.
#pragma once

#include "harness/services/child_process.hpp"
#include "harness/services/private_folder.hpp"
#include "harness/services/service.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay {

class ExternalPostgres final : public Service {
 public:
  // Throws Failure{bad_input} when it is no postgresql:// URL. Nothing connects yet: the backend's open() does and says
  // why not.
  explicit ExternalPostgres(std::string url);

  std::string url() const override { return url_; }
  std::optional<pid_t> server_pid() const override { return std::nullopt; }
  ServiceFacts facts() const override;  // without the password

 private:
  std::string url_;
};

struct PostgresBinaries {
  std::filesystem::path folder;  // has initdb and postgres
  std::string version;           // "15.18"
};

// The first folder of `path` (a PATH) that has both programs, else the newest version under `packaged`/*/bin.
// Throws Failure{unreachable} naming the Debian package when there is none, and when it is too old.
PostgresBinaries find_postgres(std::string const& path, std::filesystem::path const& packaged = "/usr/lib/postgresql");

class PrivatePostgres final : public PrivateServer {
 public:
  struct Options {
    std::filesystem::path parent;     // where its folder goes; empty: the system's temporary folder
    ServiceFacts settings;            // on top of ours, e.g. {"wal_level", "logical"}
    Duration patience = seconds{60};  // for initdb, and for the start
    // Segments (16 MiB) of write-ahead log that are there from the start. A new server makes each when it comes to it,
    // and all commits stand still meanwhile (50 ms); one that has run for a while uses its old ones again. For
    // measurements, from 0 to 200.
    int log_segments = 0;
  };

  // Returns when the server accepts connections. Throws Failure{unreachable} with one line: no PostgreSQL, initdb
  // failed, no room on the disk, the server's own last words, no answer in time.
  PrivatePostgres();
  explicit PrivatePostgres(Options options);
  ~PrivatePostgres() override;  // stops the server and removes its folder

  std::string url() const override { return socket_url("postgres"); }
  std::string tcp_url() const { return tcp_url("postgres"); }
  std::string socket_url(
      std::string const& database) const;                  // over the unix socket: no password, the folder is the lock
  std::string tcp_url(std::string const& database) const;  // over loopback: with the password
  std::optional<pid_t> server_pid() const override { return server_->pid(); }
  ServiceFacts facts() const override;

  void stop() override;   // "fast": open transactions are rolled back
  void crash() override;  // the postmaster is killed; the next start() recovers from the write-ahead log
  void start() override;

 private:
  void initialise();
  void make_log_segments();
  bool try_start();  // false: not now, for a reason that passes

  Options options_;
  PostgresBinaries binaries_;
  std::optional<UserIds> user_;
  std::string password_;
  PrivateFolder folder_;
  int port_ = 0;
  std::optional<ChildProcess> server_;
};

}  // namespace assay
