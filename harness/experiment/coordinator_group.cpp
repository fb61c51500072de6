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
    for (auto const& ledger : process.ledgers()) {
      std::ifstream in{ledger, std::ios::binary};
      std::ostringstream text;
      text << in.rdbuf();
      texts.push_back(std::move(text).str());
    }
  }
  return texts;
}

CoordinatorWatch::CoordinatorWatch(Executor executor, CoordinatorGroup& group)
    : executor_{executor}, group_{group}, changed_{executor} {
  for (auto& process : group.processes()) watched_.emplace_back(executor, process);
}

std::optional<ProcessStats> CoordinatorWatch::sample() {
  std::optional<ProcessStats> sum;
  for (auto& watched : watched_) {
    auto one = watched.monitor.sample();
    if (one && watched.away) watched.last_use = *one;
    if (!one && watched.away) one = watched.last_use;
    if (!one) return std::nullopt;
    add(watched.used_before, *one);
    if (!sum) {
      sum = one;
    } else {
      add(*one, *sum);
    }
  }
  return sum;
}

void CoordinatorWatch::add(ProcessStats const& one, ProcessStats& sum) {
  sum.cpu += one.cpu;
  sum.user += one.user;
  sum.system += one.system;
  sum.resident_bytes += one.resident_bytes;
  sum.descriptors = std::max(sum.descriptors, one.descriptors);
  sum.threads += one.threads;
  sum.processes += one.processes;
}

Awaitable<std::optional<protocol::CoordinatorStats>> CoordinatorWatch::stats() {
  std::optional<protocol::CoordinatorStats> sum;
  bool somebody_answered = false;
  for (auto& watched : watched_) {
    if (!watched.away) {
      auto one = co_await watched.client.get();
      if (one) {
        somebody_answered = true;
        one->add(watched.counted_before);
        watched.latest = std::move(*one);
      } else if (!watched.away) {  // else it went while it was asked
        co_return std::nullopt;
      }
    }
    if (!watched.latest) co_return std::nullopt;
    // Of the one that is away only what it had counted, and nothing that would be of the moment.
    protocol::CoordinatorStats one = watched.away ? watched.latest->counts_only() : *watched.latest;
    if (sum) {
      sum->add(one);
    } else {
      sum = std::move(one);
    }
  }
  if (!somebody_answered) co_return std::nullopt;
  co_return sum;
}

void CoordinatorWatch::expect_away(std::size_t index) {
  auto& watched = watched_[index];
  if (auto const use = watched.monitor.sample()) watched.last_use = *use;
  watched.away = true;
  watched.client.close();
}

bool CoordinatorWatch::somebody_is_away() const {
  return std::any_of(watched_.begin(), watched_.end(), [](auto const& watched) { return watched.away; });
}

void CoordinatorWatch::back(std::size_t index) {
  auto& watched = watched_[index];
  auto& process = group_.processes()[index];
  watched.away = false;
  if (process.pid() == watched.pid) return;  // it only stood still
  if (watched.latest) watched.counted_before = watched.latest->counts_only();
  add(watched.last_use, watched.used_before);
  watched.used_before.resident_bytes = 0;
  watched.used_before.threads = watched.used_before.processes = 0;
  watched.pid = process.pid();
  watched.monitor = ProcessMonitor{process.pid(), ProcessMonitor::Scope::process};
  watched.pidfd = std::make_unique<Descriptor>(executor_, ::dup(process.pidfd()));
  ++watching_;
  asio::co_spawn(executor_, watch(index), asio::detached);
}

Awaitable<bool> CoordinatorWatch::ended() {
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    ++watching_;
    asio::co_spawn(executor_, watch(i), asio::detached);
  }
  while (!one_ended_ && !closed_) co_await changed_.wait_until();
  bool const by_itself = one_ended_;
  close();
  while (watching_ > 0) co_await changed_.wait_until();
  co_return by_itself;
}

Awaitable<void> CoordinatorWatch::watch(std::size_t index) {
  Descriptor& pidfd = *watched_[index].pidfd;
  auto const [error] = co_await pidfd.async_wait(asio::posix::descriptor_base::wait_read, as_result);
  one_ended_ = one_ended_ || (!error && !watched_[index].away);
  --watching_;
  changed_.notify();
}

void CoordinatorWatch::close() {
  closed_ = true;
  for (auto& watched : watched_) {
    watched.client.close();
    boost::system::error_code ignored;
    watched.pidfd->close(ignored);
  }
  changed_.notify();
}

}  // namespace assay
