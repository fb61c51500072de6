#include "harness/measure/process_stats.hpp"

#include "harness/base/error.hpp"
#include "harness/base/text.hpp"
#include "harness/measure/proc_file.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <vector>

namespace assay {

namespace {

// One process, from /proc/<pid>/stat (proc(5)), its descriptors and its CPU clock.
struct OneProcess {
  std::uint64_t start_time = 0;
  Duration cpu{0}, user{0}, system{0};
  Duration children_user{0}, children_system{0};  // of children that ended and were waited for, and of theirs
  std::int64_t resident = 0, shared = 0;          // bytes
  std::optional<std::int64_t> descriptors;
  int threads = 0;
};

Duration from_ticks(std::uint64_t ticks) {
  static auto const per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return Duration{static_cast<std::int64_t>(ticks * (1'000'000'000 / per_second))};
}

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The names in `path` that are numbers; nothing if it cannot be read.
std::optional<std::vector<std::string>> numbers_in(std::string const& path) {
  std::unique_ptr<DIR, CloseDirectory> const directory{::opendir(path.c_str())};
  if (!directory) return std::nullopt;
  std::vector<std::string> names;
  while (dirent const* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') names.emplace_back(entry->d_name);
  }
  return names;
}

std::optional<std::int64_t> count_descriptors(pid_t pid) {
  auto const path = fmt::format("/proc/{}/fd", pid);
  // Since Linux 6.2 the directory's size is its number of entries; before it was 0. Listing thousands takes
  // milliseconds.
  struct stat status {};
  if (::access(path.c_str(), R_OK) == 0 && ::stat(path.c_str(), &status) == 0 && status.st_size > 0)
    return status.st_size;
  auto const names = numbers_in(path);
  if (!names) return std::nullopt;
  return static_cast<std::int64_t>(names->size());
}

// The whole process to the nanosecond, other than /proc/<pid>/schedstat, which is its first thread's.
std::optional<Duration> cpu_clock(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &time) != 0) return std::nullopt;
  return seconds{time.tv_sec} + nanoseconds{time.tv_nsec};
}

std::optional<OneProcess> read_process(pid_t pid) {
  auto const stat = read_proc_file(fmt::format("/proc/{}/stat", pid));
  auto const statm = read_proc_file(fmt::format("/proc/{}/statm", pid));
  auto const cpu = cpu_clock(pid);
  if (!stat || !statm || !cpu) return std::nullopt;
  // The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
  auto const name_end = stat->rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  auto const fields = split(std::string_view{*stat}.substr(name_end + 1), ' ');  // fields[i] is proc(5)'s field i + 2
  auto const memory = split(*statm, ' ');  // size, resident, shared, …: in pages
  if (fields.size() < 21 || memory.size() < 3) return std::nullopt;
  auto const field = [&](std::size_t number) { return to_number(fields[number - 2]); };
  static auto const page = static_cast<std::int64_t>(::sysconf(_SC_PAGESIZE));

  OneProcess process;
  process.cpu = *cpu;
  process.user = from_ticks(field(14));
  process.system = from_ticks(field(15));
  process.children_user = from_ticks(field(16));
  process.children_system = from_ticks(field(17));
  process.threads = static_cast<int>(field(20));
  process.start_time = field(22);
  process.resident = static_cast<std::int64_t>(to_number(memory[1])) * page;
  process.shared = static_cast<std::int64_t>(to_number(memory[2])) * page;
  process.descriptors = count_descriptors(pid);
  return process;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  auto const threads = numbers_in(fmt::format("/proc/{}/task", pid));
  if (!threads) return children;
  for (auto const& thread : *threads) {
    auto const list = read_proc_file(fmt::format("/proc/{}/task/{}/children", pid, thread));
    if (!list) continue;  // the thread ended
    for (auto const& child : split(*list, ' ')) {
      if (auto const id = to_number(child); id > 0) children.push_back(static_cast<pid_t>(id));
    }
  }
  return children;
}

// Private memory adds up in resident_bytes; `shared` keeps the largest shared part.
void add(ProcessStats& sum, std::int64_t& shared, OneProcess const& process) {
  sum.cpu += process.cpu;
  sum.user += process.user;
  sum.system += process.system;
  sum.resident_bytes += process.resident - process.shared;
  shared = std::max(shared, process.shared);
  // A sum without those that may not be looked at would be a wrong number, not a partial one.
  sum.descriptors =
      sum.descriptors && process.descriptors ? std::optional{*sum.descriptors + *process.descriptors} : std::nullopt;
  sum.threads += process.threads;
  ++sum.processes;
}

}  // namespace

ProcessMonitor::ProcessMonitor(pid_t root, Scope scope) : root_{root}, scope_{scope} {
  if (scope == Scope::tree && ::access(fmt::format("/proc/self/task/{}/children", ::gettid()).c_str(), R_OK) != 0) {
    throw Failure{
        ExitStatus::unreachable,
        "processes cannot be measured: /proc/<pid>/task/<tid>/children is missing; it needs a Linux kernel with "
        "CONFIG_PROC_CHILDREN"};
  }
  if (auto const process = read_process(root)) start_time_ = process->start_time;
}

std::optional<ProcessStats> ProcessMonitor::sample() {
  if (!start_time_) return std::nullopt;
  auto const root = read_process(root_);
  if (!root || root->start_time != *start_time_) {
    start_time_.reset();
    return std::nullopt;
  }
  ProcessStats stats;
  stats.descriptors = 0;
  std::int64_t shared = 0;
  add(stats, shared, *root);

  if (scope_ == Scope::tree) {
    // Parents are read before their children: a child that is waited for in between is missed once, and not counted
    // twice.
    std::vector<pid_t> pending = children_of(root_);
    auto const add_ended = [&](OneProcess const& process) {
      stats.user += process.children_user;
      stats.system += process.children_system;
      stats.cpu += process.children_user + process.children_system;
    };
    add_ended(*root);
    while (!pending.empty()) {
      pid_t const pid = pending.back();
      pending.pop_back();
      auto const process = read_process(pid);
      if (!process) continue;
      add(stats, shared, *process);
      add_ended(*process);
      auto const children = children_of(pid);
      pending.insert(pending.end(), children.begin(), children.end());
    }
  }
  stats.resident_bytes += shared;

  // What was missed, or lost to rounding when a child ended, is there again in the next sample.
  stats.cpu = std::max(stats.cpu, last_.cpu);
  stats.user = std::max(stats.user, last_.user);
  stats.system = std::max(stats.system, last_.system);
  last_ = stats;
  return stats;
}

}  // namespace assay
