#include "harness/measure/control_groups.hpp"

#include "harness/base/text.hpp"
#include "harness/measure/proc_file.hpp"

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

namespace assay {

namespace {

// Version 1 writes "no limit" as the largest multiple of the page size.
constexpr std::int64_t no_memory_limit = std::int64_t{1} << 62;

bool contains(std::string const& comma_list, std::string_view word) {
  auto const words = split(comma_list, ',');
  return std::find(words.begin(), words.end(), word) != words.end();
}

// proc/self/cgroup: "id:controllers:path"; version 2 has the line "0::path".
std::optional<std::string> group_path(std::string const& text, std::string_view controller) {
  for (auto const& line : split(text, '\n')) {
    auto const first = line.find(':');
    auto const second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    auto const controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : contains(controllers, controller)) return line.substr(second + 1);
  }
  return std::nullopt;
}

struct Mount {
  std::string root;  // the part of the hierarchy that is mounted: not "/" in some containers
  std::string point;
};

// proc/self/mountinfo (proc(5)): "id parent device root point options … - type source super_options".
std::optional<Mount> find_mount(std::string const& text, std::string_view controller) {
  for (auto const& line : split(text, '\n')) {
    auto const separator = line.find(" - ");
    if (separator == std::string::npos) continue;
    auto const left = split(line.substr(0, separator), ' ');
    auto const right = split(line.substr(separator + 3), ' ');
    if (left.size() < 6 || right.size() < 3) continue;
    bool const wanted =
        controller.empty() ? right[0] == "cgroup2" : right[0] == "cgroup" && contains(right[2], controller);
    if (wanted) return Mount{left[3], left[4]};
  }
  return std::nullopt;
}

// The folder of `path` and of each group above it, the mount point last.
std::vector<std::string> levels(Mount const& mount, std::string path) {
  if (mount.root != "/" && path.starts_with(mount.root)) path.erase(0, mount.root.size());
  // A path that leads out of this view ("/../other") is of no group that can be asked.
  if (path.find("..") != std::string::npos) path.clear();
  while (path.ends_with('/')) path.pop_back();
  std::vector<std::string> folders;
  for (; !path.empty(); path.erase(path.rfind('/'))) folders.push_back(mount.point + path);
  folders.push_back(mount.point);
  return folders;
}

// "nr_periods 12\nnr_throttled 3\n…"
std::map<std::string, std::int64_t> read_pairs(std::string const& text) {
  std::map<std::string, std::int64_t> pairs;
  std::istringstream in{text};
  std::string key;
  for (std::int64_t value = 0; in >> key >> value;) pairs[key] = value;
  return pairs;
}

// Nothing for "max", for a file that is not there, and for anything else that is no number.
std::optional<std::int64_t> read_number(std::string const& path) {
  std::istringstream in{read_proc_file(path).value_or("")};
  std::int64_t value = 0;
  if (!(in >> value)) return std::nullopt;
  return value;
}

template <class Number>
void keep_smaller(std::optional<Number>& smallest, std::optional<Number> value) {
  if (value && (!smallest || *value < *smallest)) smallest = value;
}

}  // namespace

ControlGroups::ControlGroups(std::string const& proc) {
  auto const groups = read_proc_file(proc + "/self/cgroup").value_or("");
  auto const mounts = read_proc_file(proc + "/self/mountinfo").value_or("");
  auto const find = [&](std::string_view controller) {
    for (std::string_view const key : {controller, std::string_view{}}) {
      auto const path = group_path(groups, key);
      auto const mount = find_mount(mounts, key);
      if (path && mount) return Levels{key.empty(), levels(*mount, *path)};
    }
    return Levels{};
  };
  cpu_ = find("cpu");
  memory_ = find("memory");
}

std::optional<double> ControlGroups::cpu_quota() const {
  std::optional<double> smallest;
  for (auto const& folder : cpu_.folders) {
    std::optional<std::int64_t> quota, period;
    if (cpu_.version_2) {  // "150000 100000", or "max 100000"
      std::istringstream in{read_proc_file(folder + "/cpu.max").value_or("")};
      std::int64_t first = 0, second = 0;
      if (in >> first >> second) quota = first, period = second;
    } else {  // −1: no limit
      quota = read_number(folder + "/cpu.cfs_quota_us");
      period = read_number(folder + "/cpu.cfs_period_us");
    }
    if (quota && period && *quota > 0 && *period > 0) {
      keep_smaller(smallest, std::optional{static_cast<double>(*quota) / static_cast<double>(*period)});
    }
  }
  return smallest;
}

std::optional<std::int64_t> ControlGroups::memory_limit() const {
  std::optional<std::int64_t> smallest;
  for (auto const& folder : memory_.folders) {
    auto const limit = read_number(folder + (memory_.version_2 ? "/memory.max" : "/memory.limit_in_bytes"));
    if (limit && *limit < no_memory_limit) keep_smaller(smallest, limit);
  }
  return smallest;
}

std::optional<HostStats::Throttling> ControlGroups::throttling() const {
  std::optional<HostStats::Throttling> sum;
  for (auto const& folder : cpu_.folders) {
    auto pairs = read_pairs(read_proc_file(folder + "/cpu.stat").value_or(""));
    if (!pairs.contains("nr_throttled")) continue;
    if (!sum) sum = HostStats::Throttling{0, 0, Duration{0}};
    sum->periods += pairs["nr_periods"];
    sum->throttled_periods += pairs["nr_throttled"];
    sum->throttled +=
        cpu_.version_2 ? Duration{microseconds{pairs["throttled_usec"]}} : nanoseconds{pairs["throttled_time"]};
  }
  return sum;
}

}  // namespace assay
