#include "tests/conformance/claim_store_fixture.hpp"

#include "harness/services/redis_service.hpp"
#include "harness/services/service.hpp"

#if ASSAY_TEST_POSTGRES
#include "tests/support/postgres_server.hpp"
#endif

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace assay::test {

namespace {

class NoData final : public StoreData {
 public:
  std::string url() const override { return ""; }
};

class FileData final : public StoreData {
 public:
  std::string url() const override { return file_.url(); }

  // No file of this process may grow beyond what the store's have already.
  std::size_t fill_disk() override {
    constexpr std::size_t room = 4096;
    std::uintmax_t largest = 0;
    bool const many_files = std::filesystem::is_directory(url());  // all of them new
    for (auto const& entry : std::filesystem::directory_iterator{std::filesystem::path{url()}.parent_path()}) {
      if (!many_files) largest = std::max(largest, entry.file_size() + room);
    }
    previous_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &previous_limit_);
    ::rlimit const limit{largest, previous_limit_.rlim_max};
    full_ = ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
    return full_ ? room : 0;
  }
  void free_disk() override {
    if (!std::exchange(full_, false)) return;
    ::setrlimit(RLIMIT_FSIZE, &previous_limit_);
    std::signal(SIGXFSZ, previous_handler_);
  }

  ~FileData() override { FileData::free_disk(); }

 private:
  PrivateFile file_;
  bool full_ = false;
  ::rlimit previous_limit_{};
  void (*previous_handler_)(int) = SIG_DFL;
};

#if ASSAY_TEST_POSTGRES
// Only processes are killed here, never the machine: what a server has written survives without being forced to disk.
void stop_forcing_writes_to_disk() {
  [[maybe_unused]] static bool const once = [] {
    ask_postgres(postgres_server().url(), "ALTER SYSTEM SET fsync = off");
    ask_postgres(postgres_server().url(), "SELECT pg_reload_conf()");
    return true;
  }();
}

class PostgresData final : public StoreData {
 public:
  PostgresData() { stop_forcing_writes_to_disk(); }

  std::string url() const override { return database_.url(); }
  bool has_server() const override { return true; }
  void stop_server() override {
    change([](PrivatePostgres& server) { server.stop(); }, false);
  }
  void crash_server() override {
    change([](PrivatePostgres& server) { server.crash(); }, false);
  }
  void start_server() override {
    change([](PrivatePostgres& server) { server.start(); }, true);
  }

  std::uint16_t server_port() const override {
    std::string const url = database_.tcp_url();
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  }
  std::string url_over(std::uint16_t port) const override {
    std::string url = database_.tcp_url();
    auto const begin = url.rfind(':') + 1;
    return url.replace(begin, url.rfind('/') - begin, std::to_string(port));
  }

  // No file of the server may grow beyond a segment of its log. Half a page more, so that the last page that is written
  // comes out short, as on a full disk: beyond the limit alone the kernel gives another error.
  std::size_t fill_disk() override {
    constexpr ::rlim_t log_segment = ::rlim_t{16} << 20U;
    full_ = limit_files(log_segment + 4096);
    return full_ ? log_segment : 0;
  }
  void free_disk() override {
    if (std::exchange(full_, false)) limit_files(RLIM_INFINITY);
  }

  // The server is shared by the tests of this process: it must run again whatever this one did.
  ~PostgresData() override {
    PostgresData::free_disk();
    if (!running_) postgres_server().start();
  }

 private:
  void change(void (*how)(PrivatePostgres&), bool running) {
    how(postgres_server());
    running_ = running;
  }

  // Of the server's processes, and so of those that it will start. Told by a child of ours that has become the server's
  // user: others are not asked, not even root everywhere.
  bool limit_files(::rlim_t most) {
    auto const server = *postgres_server().server_pid();
    std::vector<pid_t> processes{server};
    std::ifstream children{fmt::format("/proc/{0}/task/{0}/children", server)};
    for (pid_t child = 0; children >> child;) processes.push_back(child);
    struct stat owner {};
    if (::stat(fmt::format("/proc/{}", server).c_str(), &owner) != 0) return false;
    pid_t const child = ::fork();
    if (child == 0) {
      bool told = (::getuid() == owner.st_uid) || (::setresgid(owner.st_gid, owner.st_gid, owner.st_gid) == 0 &&
                                                   ::setresuid(owner.st_uid, owner.st_uid, owner.st_uid) == 0);
      for (pid_t const process : processes) {
        ::rlimit limit{};
        bool const known = ::prlimit(process, RLIMIT_FSIZE, nullptr, &limit) == 0;
        limit.rlim_cur = std::min(most, limit.rlim_max);
        bool const limited = known && ::prlimit(process, RLIMIT_FSIZE, &limit, nullptr) == 0;
        told = told && (limited || process != server);  // another one may have ended meanwhile
      }
      ::_exit(told ? 0 : 1);
    }
    int status = -1;
    return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
  }

  TestDatabase database_;
  bool running_ = true;
  bool full_ = false;
};
#endif

// A server for each test: it starts in milliseconds.
class RedisData final : public StoreData {
 public:
  std::string url() const override { return server_.url(); }
  bool has_server() const override { return true; }
  void stop_server() override { server_.stop(); }
  void crash_server() override { server_.crash(); }
  void start_server() override { server_.start(); }

 private:
  PrivateRedis server_;
};

std::unique_ptr<StoreData> open_data(Backend const& backend) {
  if (backend.service.empty()) return std::make_unique<NoData>();
  if (backend.service == "file") return std::make_unique<FileData>();
  if (backend.service == "redis") return std::make_unique<RedisData>();
#if ASSAY_TEST_POSTGRES
  if (backend.service == "postgresql") return std::make_unique<PostgresData>();
#endif
  throw std::logic_error{"the contract suite cannot start a " + backend.service + " for the backend " + backend.name};
}

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (Backend const& backend : all_backends()) names.push_back(backend.name);
  return names;
}

std::string test_name(testing::TestParamInfo<std::string> const& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, claim_store, testing::ValuesIn(backend_names()), test_name);

void claim_store::SetUp() {
  backend_ = find_backend(GetParam());
  ASSERT_NE(backend_, nullptr);
  if (!backend_->missing.empty()) GTEST_SKIP() << GetParam() << " is " << backend_->missing;
  data_ = open_data(*backend_);
  stores_.push_back(open());
}

void claim_store::TearDown() {
  for (auto const& store : stores_) run_coroutine(io, store->close());
  stores_.clear();
}

std::unique_ptr<ClaimStore> claim_store::open() {
  StoreOptions options;
  options.url = data_->url();
  options.retry = retry;
  return std::move(must(backend_->open(io, clock, std::move(options))).store);
}

OpenedStore claim_store::open_whole(std::string url, Duration patience) {
  StoreOptions options;
  options.url = std::move(url);
  options.retry = retry;
  options.patience = patience;
  options.connections = 2;  // each has to find out for itself that its other end is gone
  return must(backend_->open(io, clock, std::move(options)));
}

ClaimStore& claim_store::another_coordinator() {
  if (!can().several_coordinators) return store();
  stores_.push_back(open());
  return *stores_.back();
}

void claim_store::reopen() {
  TearDown();
  stores_.push_back(open());
}

void claim_store::leave_data() {
  if (!can().several_coordinators) TearDown();
}

void claim_store::return_to_data() {
  if (stores_.empty()) stores_.push_back(open());
}

void claim_store::reopen_on_fresh_data() {
  TearDown();
  data_.reset();
  data_ = open_data(*backend_);
  stores_.push_back(open());
}

RunId claim_store::new_id() {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return make_run_id(static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(now).count()), random_);
}

RunSpec claim_store::run(std::string_view tags, int priority) {
  RunSpec spec;
  spec.id = new_id();
  spec.required = TagSet::from_key(tags);
  spec.priority = priority;
  spec.payload = "payload of " + to_string(spec.id);
  return spec;
}

std::vector<RunSpec> claim_store::runs(std::size_t count, std::string_view tags) {
  std::vector<RunSpec> specs;
  for (std::size_t i = 0; i < count; ++i) specs.push_back(run(tags));
  return specs;
}

std::vector<Claim> claim_store::claim(std::string_view offered, std::uint32_t count, Duration lease) {
  return must(store().claim(one_demand(offered, count), lease));
}

std::optional<Claim> claim_store::claim_one(std::string_view offered, Duration lease) {
  auto claims = claim(offered, 1, lease);
  return claims.empty() ? std::nullopt : std::optional{std::move(claims.front())};
}

Outcome claim_store::renew(Claim const& claim, Duration lease) {
  return must(store().renew({{claim.run, claim.token}}, lease)).at(0);
}

Outcome claim_store::complete(Claim const& claim, std::string result) {
  return must(store().complete({{claim.run, claim.token, std::move(result)}})).at(0);
}

Outcome claim_store::fail(Claim const& claim, std::string cause) {
  return must(store().fail({{claim.run, claim.token, std::move(cause)}})).at(0);
}

Outcome claim_store::release(Claim const& claim) { return must(store().release({{claim.run, claim.token}})).at(0); }

bool claim_store::sweep_until(std::function<bool(SweepResult const&)> const& done, Duration patience) {
  TimePoint const deadline = clock.now() + patience;
  while (clock.now() < deadline) {
    if (done(sweep())) return true;
    let_pass(milliseconds{2});
  }
  return false;
}

bool claim_store::lose_lease(Claim const& claim) {
  return sweep_until([&](SweepResult const& swept) {
    auto const found = [&](std::vector<RunId> const& ids) {
      return std::find(ids.begin(), ids.end(), claim.run) != ids.end();
    };
    return found(swept.requeued) || found(swept.dead);
  });
}

void claim_store::let_pass(Duration time) { run_coroutine(io, sleep_until(clock.now() + time)); }

std::vector<ClaimRef> refs(std::vector<Claim> const& claims) {
  std::vector<ClaimRef> refs;
  for (Claim const& claim : claims) refs.push_back({claim.run, claim.token});
  return refs;
}

std::vector<Completion> completions(std::vector<Claim> const& claims) {
  std::vector<Completion> completions;
  for (Claim const& claim : claims) completions.push_back({claim.run, claim.token, "done"});
  return completions;
}

std::vector<Demand> one_demand(std::string_view offered, std::uint32_t count, std::string runner) {
  std::vector<Demand> demands;
  demands.push_back({TagSet::from_key(offered), std::move(runner), count});
  return demands;
}

}  // namespace assay::test
