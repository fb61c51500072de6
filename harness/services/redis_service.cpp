#include "harness/services/redis_service.hpp"

#include "harness/base/error.hpp"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

namespace assay {

namespace {

namespace fs = std::filesystem;

constexpr Duration patience = seconds{30};

ServiceFacts const our_settings = {{"appendonly", "yes"},
                                   {"appendfsync", "everysec"},
                                   {"save", ""},
                                   {"maxmemory-policy", "noeviction"},
                                   {"maxclients", "20000"}};

[[noreturn]] void fail(std::string const& message) { throw Failure{ExitStatus::unreachable, message}; }

// A unix socket's path is short (108 bytes with its end); a deep TMPDIR does not fit.
fs::path parent_folder() {
  fs::path const temporary = temporary_folder();
  std::size_t const length = temporary.string().size() + std::string{"/assay-redis-XXXXXX/redis.sock"}.size();
  return length >= sizeof(sockaddr_un::sun_path) ? fs::path{"/tmp"} : temporary;
}

bool accepts(fs::path const& path) {
  int const probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.string().copy(address.sun_path, sizeof address.sun_path - 1);
  bool const connected =
      probe >= 0 && ::connect(probe, reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
  if (probe >= 0) ::close(probe);
  return connected;
}

}  // namespace

ExternalRedis::ExternalRedis(std::string url) : url_{std::move(url)} {
  if (!url_.starts_with("redis://") && !url_.starts_with("unix://")) {
    throw Failure{
        ExitStatus::bad_input,
        fmt::format("--redis-url: '{}' is no Redis URL; one looks like redis://user:password@host:6379/0", url_)};
  }
}

ServiceFacts ExternalRedis::facts() const {
  std::string shown = url_;
  std::size_t const start = shown.find("://") + 3;
  std::size_t const at = shown.rfind('@');
  std::size_t const colon = shown.find(':', start);
  if (at != std::string::npos && colon < at) shown.replace(colon, at - colon, ":***");
  return {{"redis", "yours"}, {"url", shown}};
}

PrivateRedis::PrivateRedis(std::string password)
    : folder_{parent_folder(), "assay-redis-"}, password_{std::move(password)} {
  start();
}

PrivateRedis::~PrivateRedis() { stop(); }

void PrivateRedis::start() {
  fs::path const log = folder_.path() / "server.log";
  fs::path const configuration = folder_.path() / "redis.conf";
  std::error_code ignored;
  fs::remove(log, ignored);
  {
    std::ofstream file{configuration};
    file << fmt::format("port 0\nunixsocket {}\nunixsocketperm 700\ndir {}\ndaemonize no\n", socket().string(),
                        folder_.path().string());
    for (auto const& [name, value] : our_settings) file << fmt::format("{} \"{}\"\n", name, value);
    if (!password_.empty()) file << fmt::format("requirepass {}\n", password_);
    if (!file.flush()) fail(fmt::format("cannot write Redis' configuration in '{}'", folder_.path().string()));
  }
  ChildCommand command;
  command.argv = {"redis-server", configuration.string()};
  command.log = log;
  command.folder = folder_.path();
  try {
    server_.emplace(command);
  } catch (Failure const&) {
    fail("no redis-server on PATH: install the package 'redis-server', or give --redis-url");
  }
  TimePoint const deadline = std::chrono::steady_clock::now() + patience;
  // It reads its data first, and says so.
  for (;;) {
    if (auto const exit = server_->wait_until(std::chrono::steady_clock::now() + milliseconds{2})) {
      fail(fmt::format("Redis {} when starting: {}", to_string(*exit), last_line(log)));
    }
    std::ifstream said{log};
    std::string const words{std::istreambuf_iterator<char>{said}, {}};
    if (words.find("Ready to accept connections") != std::string::npos ||
        words.find("ready to accept") != std::string::npos) {
      if (accepts(socket())) return;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      std::string const last = last_line(log);
      crash();
      fail(fmt::format("Redis was not ready within 30 s: {}", last));
    }
  }
}

void PrivateRedis::stop() {
  if (server_) server_->stop({SIGTERM}, seconds{10});
}

void PrivateRedis::crash() {
  if (server_) server_->stop({}, Duration{});
}

ServiceFacts PrivateRedis::facts() const {
  ServiceFacts facts = {{"redis", "started for this trial, on a unix socket"}};
  facts.insert(facts.end(), our_settings.begin(), our_settings.end());
  return facts;
}

}  // namespace assay
