#include "harness/experiment/store_watch.hpp"

#include <sys/syscall.h>
#include <unistd.h>

namespace assay {

StoreWatch::StoreWatch(Executor executor, Service const* service)
    : executor_{executor}, service_{service}, pidfd_{executor}, changed_{executor} {
  if (auto const pid = service != nullptr ? service->server_pid() : std::nullopt) watch(*pid);
}

void StoreWatch::watch(pid_t pid) {
  pid_ = pid;
  monitor_.emplace(pid, ProcessMonitor::Scope::tree);
  boost::system::error_code ignored;
  pidfd_.close(ignored);
  pidfd_.assign(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

std::optional<ProcessStats> StoreWatch::sample() {
  if (!monitor_) return std::nullopt;
  auto use = monitor_->sample();
  if (use) last_use_ = *use;
  if (!use && away_) use = last_use_;
  if (!use) return std::nullopt;
  use->cpu += used_before_.cpu;
  use->user += used_before_.user;
  use->system += used_before_.system;
  return use;
}

void StoreWatch::expect_away() {
  sample();
  away_ = true;
}

void StoreWatch::back() {
  auto const pid = service_->server_pid();
  if (pid && pid != pid_) {
    used_before_.cpu += last_use_.cpu;
    used_before_.user += last_use_.user;
    used_before_.system += last_use_.system;
    last_use_ = {};
    watch(*pid);
  }
  away_ = false;
  changed_.notify();
}

Awaitable<bool> StoreWatch::ended() {
  while (!closed_) {
    if (!pid_ || away_) {
      co_await changed_.wait_until();
      continue;
    }
    auto const [error] = co_await pidfd_.async_wait(asio::posix::descriptor_base::wait_read, as_result);
    if (!error && !away_ && !closed_) co_return true;
  }
  co_return false;
}

void StoreWatch::close() {
  closed_ = true;
  boost::system::error_code ignored;
  pidfd_.close(ignored);
  changed_.notify();
}

}  // namespace assay
