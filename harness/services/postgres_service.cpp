#include "harness/services/postgres_service.hpp"

#include "harness/base/error.hpp"
#include "harness/base/random.hpp"
#include "harness/base/text.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace assay {

namespace {

namespace fs = std::filesystem;

constexpr char folder_prefix[] = "assay-postgres-";
constexpr int oldest_version = 13;
constexpr std::uintmax_t room_needed = std::uintmax_t{512} << 20;  // a fresh cluster, and some write-ahead log
constexpr std::uintmax_t log_segment_size = std::uintmax_t{16} << 20;

ServiceFacts const our_settings = {
    {"fsync", "on"},
    {"synchronous_commit", "on"},
    {"full_page_writes", "on"},
    {"shared_buffers", "256MB"},
    {"max_wal_size", "2GB"},
    {"max_connections", "500"},    // 64 runners that are clients of the store themselves have six each
    {"autovacuum_naptime", "5s"},  // a queue's tables turn over in seconds
    {"track_io_timing", "off"},
    {"jit", "off"},
    {"log_checkpoints", "off"},
};

[[noreturn]] void fail(std::string const& message) { throw Failure{ExitStatus::unreachable, message}; }

TimePoint in(Duration d) { return std::chrono::steady_clock::now() + d; }

// PostgreSQL refuses to run as root.
std::optional<UserIds> unprivileged_user() {
  if (geteuid() != 0) return std::nullopt;
  for (char const* name : {"postgres", "nobody"}) {
    if (passwd const* const entry = getpwnam(name)) return UserIds{entry->pw_uid, entry->pw_gid};
  }
  fail("PostgreSQL does not run as root, and there is neither a user 'postgres' nor 'nobody' to run it as");
}

fs::path parent_folder(fs::path const& wanted, std::uintmax_t needed) {
  fs::path const parent = wanted.empty() ? temporary_folder() : wanted;
  // A unix socket's path is short (108 bytes with its end); a deep TMPDIR does not fit.
  std::size_t const longest = sizeof(sockaddr_un::sun_path) - 1;
  std::size_t const length =
      parent.string().size() + std::string{"/assay-postgres-XXXXXX/socket/.s.PGSQL.65535"}.size();
  fs::path const chosen = length > longest ? fs::path{"/tmp"} : parent;
  std::error_code unknown;
  auto const room = fs::space(chosen, unknown);
  if (!unknown && room.available < needed) {
    fail(
        fmt::format("no room for a private PostgreSQL in '{}': {} MiB free, {} MiB needed (TMPDIR names another place)",
                    chosen.string(), room.available >> 20, needed >> 20));
  }
  return chosen;
}

// A port that was free a moment ago. Somebody may take it before the server does; then the server says so and we try
// again.
int free_port() {
  int const probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  bool const bound = probe >= 0 && bind(probe, generic, size) == 0 && getsockname(probe, generic, &size) == 0;
  if (probe >= 0) close(probe);
  if (!bound) fail("no free loopback port for a private PostgreSQL");
  return ntohs(address.sin_port);
}

std::string random_password() {
  Random random{random_seed()};
  return fmt::format("{:016x}{:016x}", random(), random());
}

bool has_programs(fs::path const& folder) {
  return access((folder / "initdb").c_str(), X_OK) == 0 && access((folder / "postgres").c_str(), X_OK) == 0;
}

// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" → "15.18"
std::string ask_version(fs::path const& folder) {
  PrivateFolder const scratch{temporary_folder(), "assay-version-"};
  ChildCommand command;
  command.argv = {(folder / "postgres").string(), "--version"};
  command.log = scratch.path() / "log";
  ChildProcess child{command};
  auto const exit = child.wait_until(in(seconds{20}));
  std::vector<std::string> const words = split(last_line(command.log), ' ');
  if (!exit || !exit->clean() || words.size() < 3) {
    fail(fmt::format("'{}/postgres --version' gives no version: {}", folder.string(), last_line(command.log)));
  }
  return words[2];
}

}  // namespace

ExternalPostgres::ExternalPostgres(std::string url) : url_{std::move(url)} {
  if (!url_.starts_with("postgresql://") && !url_.starts_with("postgres://")) {
    throw Failure{
        ExitStatus::bad_input,
        fmt::format("--postgres-url: '{}' is no PostgreSQL URL; one looks like postgresql://user@host:5432/database",
                    url_)};
  }
}

ServiceFacts ExternalPostgres::facts() const {
  std::string shown = url_;
  std::size_t const start = shown.find("://") + 3;
  std::size_t const at = shown.find('@', start);
  std::size_t const colon = shown.find(':', start);
  if (at != std::string::npos && colon < at) shown.replace(colon, at - colon, ":***");
  if (std::size_t const key = shown.find("password="); key != std::string::npos) {
    shown.replace(key, shown.find('&', key) - key, "password=***");
  }
  return {{"postgresql", "yours"}, {"url", shown}};
}

PostgresBinaries find_postgres(std::string const& path, fs::path const& packaged) {
  fs::path found;
  for (std::string const& folder : split(path, ':')) {
    if (found.empty() && !folder.empty() && has_programs(folder)) found = folder;
  }
  std::error_code none;
  int newest = 0;
  for (fs::directory_entry const& entry : fs::directory_iterator{packaged, none}) {
    int const version = std::atoi(entry.path().filename().c_str());
    if (found.empty() || newest > 0) {
      if (version > newest && has_programs(entry.path() / "bin")) {
        newest = version;
        found = entry.path() / "bin";
      }
    }
  }
  if (found.empty()) {
    fail(
        fmt::format("no PostgreSQL found on PATH or under {}: install the package 'postgresql', or give --postgres-url",
                    packaged.string()));
  }
  PostgresBinaries binaries{found, ask_version(found)};
  if (std::atoi(binaries.version.c_str()) < oldest_version) {
    fail(fmt::format("PostgreSQL {} in '{}' is too old: {} or newer is needed", binaries.version, found.string(),
                     oldest_version));
  }
  return binaries;
}

PrivatePostgres::PrivatePostgres() : PrivatePostgres{Options{}} {}

PrivatePostgres::PrivatePostgres(Options options)
    : options_{std::move(options)},
      binaries_{find_postgres(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "")},
      user_{unprivileged_user()},
      password_{random_password()},
      folder_{parent_folder(options_.parent,
                            room_needed + log_segment_size * static_cast<std::uintmax_t>(options_.log_segments)),
              folder_prefix, user_} {
  initialise();
  make_log_segments();
  start();
}

PrivatePostgres::~PrivatePostgres() { stop(); }

void PrivatePostgres::initialise() {
  fs::path const password_file = folder_.path() / "password";
  std::ofstream{password_file} << password_ << '\n';
  if (user_ && chown(password_file.c_str(), user_->user, user_->group) != 0) {
    fail(fmt::format("cannot hand '{}' to the user that runs PostgreSQL", password_file.string()));
  }
  ChildCommand command;
  // Not synced: after a crash of the machine nobody comes back to this folder. The running server does sync.
  command.argv = {(binaries_.folder / "initdb").string(),
                  "--pgdata=" + (folder_.path() / "data").string(),
                  "--username=assay",
                  "--pwfile=" + password_file.string(),
                  "--auth-local=trust",  // its socket is in a folder that only its user (and root) may enter
                  "--auth-host=scram-sha-256",
                  "--encoding=UTF8",
                  "--locale=C",
                  "--no-sync",
                  "--no-instructions"};
  command.environment = {"LC_ALL=C"};
  command.log = folder_.path() / "initdb.log";
  command.folder = folder_.path();
  command.run_as = user_;
  ChildProcess initdb{command};
  auto const exit = initdb.wait_until(in(options_.patience));
  if (!exit) fail(fmt::format("initdb did not finish within {}", format_duration(options_.patience)));
  if (!exit->clean()) fail(fmt::format("initdb {}: {}", to_string(*exit), last_line(command.log)));
  fs::remove(password_file);

  std::ofstream configuration{folder_.path() / "data" / "postgresql.conf", std::ios::app};
  ServiceFacts settings = our_settings;  // of two lines for one setting the later one counts
  settings.insert(settings.end(), options_.settings.begin(), options_.settings.end());
  for (auto const& [name, value] : settings) configuration << fmt::format("{} = '{}'\n", name, value);
  std::error_code failed;
  fs::path const socket_folder = folder_.path() / "socket";
  fs::create_directory(socket_folder, failed);
  bool const handed_over = !user_ || chown(socket_folder.c_str(), user_->user, user_->group) == 0;
  if (!configuration.flush() || failed || !handed_over) {
    fail(fmt::format("cannot write PostgreSQL's configuration in '{}'", folder_.path().string()));
  }
}

// The server takes a segment that is there already, whoever made it; initdb has made the first one.
void PrivatePostgres::make_log_segments() {
  std::vector<char> const zeros(std::size_t{1} << 20);
  for (int i = 0; i < options_.log_segments; ++i) {
    fs::path const path = folder_.path() / "data" / "pg_wal" / fmt::format("0000000100000000{:08X}", i + 2);
    int const file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = file >= 0 && (!user_ || fchown(file, user_->user, user_->group) == 0);
    for (std::uintmax_t left = log_segment_size; good && left > 0; left -= zeros.size()) {
      good = write(file, zeros.data(), zeros.size()) == static_cast<ssize_t>(zeros.size());
    }
    good = good && fdatasync(file) == 0;
    if (file >= 0) close(file);
    if (!good) fail(fmt::format("cannot write '{}'", path.string()));
  }
}

void PrivatePostgres::start() {
  bool const first = port_ == 0;
  TimePoint const deadline = in(options_.patience);
  do {
    if (first) port_ = free_port();
    if (try_start()) return;
  } while (std::chrono::steady_clock::now() < deadline);
  fail(fmt::format("PostgreSQL could not start within {}: {}", format_duration(options_.patience),
                   last_line(folder_.path() / "server.log")));
}

bool PrivatePostgres::try_start() {
  fs::path const log = folder_.path() / "server.log";
  fs::path const data = folder_.path() / "data";
  std::error_code ignored;
  fs::remove(log, ignored);
  ChildCommand command;
  command.argv = {(binaries_.folder / "postgres").string(),
                  "-D",
                  data.string(),
                  "-c",
                  fmt::format("port={}", port_),
                  "-c",
                  "listen_addresses=127.0.0.1",
                  "-c",
                  "unix_socket_directories=" + (folder_.path() / "socket").string()};
  command.environment = {"LC_ALL=C"};
  command.log = log;
  command.folder = folder_.path();
  command.run_as = user_;
  command.death_signal = SIGQUIT;  // the postmaster takes its children with it
  server_.emplace(command);

  TimePoint const deadline = in(options_.patience);
  for (;;) {
    if (server_->wait_until(in(milliseconds{5}))) break;
    // As pg_ctl does: the eighth line of postmaster.pid is the state. An old file may be left there by a crash.
    std::ifstream state_file{data / "postmaster.pid"};
    std::string line;
    std::string pid;
    std::getline(state_file, pid);
    for (int i = 0; i < 7; ++i) std::getline(state_file, line);
    if (state_file && pid == std::to_string(server_->pid()) && line.starts_with("ready")) return true;
    if (std::chrono::steady_clock::now() > deadline) {
      std::string const words = last_line(log);
      stop();
      fail(fmt::format("PostgreSQL was not ready within {}: {}", format_duration(options_.patience), words));
    }
  }
  std::ifstream words{log};
  std::string const all{std::istreambuf_iterator<char>{words}, {}};
  // Somebody took the port; or the children of a postmaster that was killed have not all noticed yet.
  for (char const* passing : {"Address already in use", "pre-existing shared memory block"}) {
    if (all.find(passing) != std::string::npos) return false;
  }
  // What stops a server is on its FATAL line, except that of a bad setting, which only says that some line before it
  // told.
  std::size_t const fatal = all.find("contains errors") == std::string::npos ? all.find("FATAL:") : 0;
  std::string const why =
      fatal == std::string::npos ? last_line(log) : all.substr(fatal, all.find('\n', fatal) - fatal);
  fail(fmt::format("PostgreSQL {} when starting: {}", to_string(*server_->wait_until(TimePoint::max())), why));
}

void PrivatePostgres::stop() {
  if (server_) server_->stop({SIGINT, SIGQUIT}, seconds{10});
}

void PrivatePostgres::crash() {
  if (server_) server_->stop({}, Duration{});
}

std::string PrivatePostgres::socket_url(std::string const& database) const {
  return fmt::format("postgresql://assay@/{}?host={}&port={}", database, (folder_.path() / "socket").string(), port_);
}

std::string PrivatePostgres::tcp_url(std::string const& database) const {
  return fmt::format("postgresql://assay:{}@127.0.0.1:{}/{}", password_, port_, database);
}

ServiceFacts PrivatePostgres::facts() const {
  ServiceFacts facts = {{"postgresql", fmt::format("{}, started for this assessment", binaries_.version)},
                        {"binaries", binaries_.folder.string()}};
  facts.insert(facts.end(), our_settings.begin(), our_settings.end());
  if (options_.log_segments > 0) {
    facts.emplace_back("write-ahead log", fmt::format("{} segments made beforehand", options_.log_segments));
  }
  facts.insert(facts.end(), options_.settings.begin(), options_.settings.end());
  return facts;
}

}  // namespace assay
