#include "harness/experiment/coordinator_group.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace assay {

CoordinatorGroup::CoordinatorGroup(CoordinatorOptions const& options, int count) {
  for (int i = 1; i <= count; ++i) {
    auto one = options;
    one.folder = options.folder / fmt::format("coordinator-{}", i);
    std::filesystem::create_directory(one.folder);
    one.temporary_store = options.temporary_store && i == 1;
    processes_.emplace_back(one);
  }
}

std::vector<asio::ip::tcp::endpoint> CoordinatorGroup::endpoints() const {
  std::vector<asio::ip::tcp::endpoint> all;
  for (auto const& process : processes_) all.push_back(process.endpoint());
  return all;
}

bool CoordinatorGroup::running() {
  return std::all_of(processes_.begin(), processes_.end(), [](auto& process) { return process.running(); });
}

std::string CoordinatorGroup::last_words() {
  auto const gone =
      std::find_if(processes_.begin(), processes_.end(), [](auto& process) { return !process.running(); });
  return gone == processes_.end() ? std::string{"ended"} : gone->last_words();
}

void CoordinatorGroup::stop() {
  for (auto process = processes_.rbegin(); process != processes_.rend(); ++process) process->stop();
}

std::vector<std::string> CoordinatorGroup::ledgers() const {
  std::vector<std::string> texts;
  for (auto const& process : processes_) {
    std::ifstream in{process.ledger(), std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    texts.push_back(std::move(text).str());
  }
  return texts;
}

CoordinatorWatch::CoordinatorWatch(Executor executor, CoordinatorGroup& group)
    : executor_{executor}, changed_{executor} {
  for (auto& process : group.processes()) {
    clients_.emplace_back(executor, process.endpoint());
    monitors_.emplace_back(process.pid(), ProcessMonitor::Scope::process);
    pidfds_.emplace_back(executor, ::dup(process.pidfd()));
  }
}

std::optional<ProcessStats> CoordinatorWatch::sample() {
  std::optional<ProcessStats> sum;
  for (auto& monitor : monitors_) {
    auto const one = monitor.sample();
    if (!one) return std::nullopt;
    if (!sum) {
      sum = one;
      continue;
    }
    sum->cpu += one->cpu;
    sum->user += one->user;
    sum->system += one->system;
    sum->resident_bytes += one->resident_bytes;
    sum->descriptors = std::max(sum->descriptors, one->descriptors);
    sum->threads += one->threads;
    sum->processes += one->processes;
  }
  return sum;
}

Awaitable<std::optional<protocol::CoordinatorStats>> CoordinatorWatch::stats() {
  std::optional<protocol::CoordinatorStats> sum;
  for (auto& client : clients_) {
    auto one = co_await client.get();
    if (!one) co_return std::nullopt;
    if (sum) {
      sum->add(*one);
    } else {
      sum = std::move(*one);
    }
  }
  co_return sum;
}

Awaitable<bool> CoordinatorWatch::ended() {
  for (auto& pidfd : pidfds_) {
    ++watching_;
    asio::co_spawn(executor_, watch(pidfd), asio::detached);
  }
  while (watching_ == pidfds_.size() && !closed_) co_await changed_.wait_until();
  bool const by_itself = one_ended_;
  close();
  while (watching_ > 0) co_await changed_.wait_until();
  co_return by_itself;
}

Awaitable<void> CoordinatorWatch::watch(Descriptor& pidfd) {
  auto const [error] = co_await pidfd.async_wait(asio::posix::descriptor_base::wait_read, as_result);
  one_ended_ = one_ended_ || !error;
  --watching_;
  changed_.notify();
}

void CoordinatorWatch::close() {
  closed_ = true;
  changed_.notify();
  for (auto& client : clients_) client.close();
  for (auto& pidfd : pidfds_) {
    boost::system::error_code ignored;
    pidfd.close(ignored);
  }
}

}  // namespace assay
