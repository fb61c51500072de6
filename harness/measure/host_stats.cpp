#include "harness/measure/host_stats.hpp"

#include "harness/base/text.hpp"
#include "harness/measure/control_groups.hpp"
#include "harness/measure/proc_file.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <string_view>

namespace assay {

namespace {

std::optional<std::string> first_line(std::optional<std::string> const& text) {
  if (!text || text->empty()) return std::nullopt;
  return text->substr(0, text->find('\n'));
}

// "MemTotal:  24684092 kB", "model name : AMD EPYC", "some avg10=0.00 … total=136465759": what follows `key` on its
// line.
std::optional<std::string> value_after(std::optional<std::string> const& text, std::string_view key) {
  if (!text) return std::nullopt;
  for (auto const& line : split(*text, '\n')) {
    if (!line.starts_with(key)) continue;
    auto const begin = line.find_first_not_of(" \t:", key.size());
    return begin == std::string::npos ? std::string{} : line.substr(begin);
  }
  return std::nullopt;
}

template <class Number>
std::optional<Number> leading_number(std::string_view text) {
  Number value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::optional{value} : std::nullopt;
}

std::optional<std::int64_t> kilobytes_after(std::optional<std::string> const& text, std::string_view key) {
  auto const value = value_after(text, key);
  auto const number = value ? leading_number<std::int64_t>(*value) : std::nullopt;
  return number ? std::optional{*number * 1024} : std::nullopt;
}

std::optional<int> cpus_by_affinity() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return std::nullopt;
  return CPU_COUNT(&set);
}

std::optional<std::int64_t> descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<std::int64_t>(limit.rlim_cur);
}

std::optional<HostFacts::Ports> ephemeral_ports(std::string const& proc) {
  std::istringstream in{read_proc_file(proc + "/sys/net/ipv4/ip_local_port_range").value_or("")};
  HostFacts::Ports ports{};
  if (!(in >> ports.first >> ports.last)) return std::nullopt;
  return ports;
}

// The line "cpu  user nice system idle iowait irq softirq steal guest guest_nice", in ticks; user contains guest
// already.
std::optional<HostStats::Cpu> cpu_totals(std::optional<std::string> const& stat) {
  std::istringstream in{value_after(stat, "cpu ").value_or("")};
  std::int64_t user, nice, system, idle, wait, interrupts, soft_interrupts, steal;
  if (!(in >> user >> nice >> system >> idle >> wait >> interrupts >> soft_interrupts >> steal)) return std::nullopt;
  Duration const tick{1'000'000'000 / ::sysconf(_SC_CLK_TCK)};
  return HostStats::Cpu{tick * (user + nice + system + interrupts + soft_interrupts), tick * (idle + wait),
                        tick * steal};
}

// "some avg10=7.23 avg60=39.23 avg300=24.43 total=136465759" and the same for "full", in µs.
std::optional<HostStats::Pressure> pressure(std::string const& path) {
  auto const text = read_proc_file(path);
  auto const total = [&](std::string_view key) -> std::optional<Duration> {
    auto const line = value_after(text, key);
    auto const at = line ? line->find("total=") : std::string::npos;
    if (at == std::string::npos) return std::nullopt;
    auto const us = leading_number<std::int64_t>(std::string_view{*line}.substr(at + 6));
    return us ? std::optional<Duration>{microseconds{*us}} : std::nullopt;
  };
  auto const some = total("some");
  if (!some) return std::nullopt;
  return HostStats::Pressure{*some, total("full")};
}

}  // namespace

HostFacts read_host_facts(std::string const& proc) {
  ControlGroups const groups{proc};
  HostFacts facts;
  facts.kernel = first_line(read_proc_file(proc + "/sys/kernel/osrelease"));
  facts.cpu_model = value_after(read_proc_file(proc + "/cpuinfo"), "model name");
  facts.cpus = cpus_by_affinity();
  facts.cpu_quota = groups.cpu_quota();
  facts.usable_cpus = facts.cpus;
  if (facts.cpu_quota) facts.usable_cpus = std::min(*facts.cpu_quota, facts.usable_cpus.value_or(*facts.cpu_quota));
  facts.memory_bytes = kilobytes_after(read_proc_file(proc + "/meminfo"), "MemTotal:");
  facts.memory_limit = groups.memory_limit();
  facts.descriptors = descriptor_limit();
  facts.ephemeral_ports = ephemeral_ports(proc);
  return facts;
}

HostStats read_host_stats(std::string const& proc) {
  HostStats stats;
  stats.cpu = cpu_totals(read_proc_file(proc + "/stat"));
  stats.load = leading_number<double>(read_proc_file(proc + "/loadavg").value_or(""));
  stats.cpu_pressure = pressure(proc + "/pressure/cpu");
  stats.io_pressure = pressure(proc + "/pressure/io");
  stats.memory_pressure = pressure(proc + "/pressure/memory");
  stats.throttling = ControlGroups{proc}.throttling();
  stats.memory_available = kilobytes_after(read_proc_file(proc + "/meminfo"), "MemAvailable:");
  return stats;
}

std::optional<double> steal_share(HostStats const& before, HostStats const& after) {
  if (!before.cpu || !after.cpu) return std::nullopt;
  auto const steal = after.cpu->steal - before.cpu->steal;
  auto const all = steal + after.cpu->busy - before.cpu->busy + after.cpu->idle - before.cpu->idle;
  if (all <= Duration{0}) return std::nullopt;
  return static_cast<double>(steal.count()) / static_cast<double>(all.count());
}

}  // namespace assay
