#include "reference_coordinator/http/prometheus.hpp"

#include <fmt/format.h>

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

namespace assay {

namespace {

using protocol::MetricKind;
using Metric = protocol::Metric<true>;
using Out = std::back_insert_iterator<std::string>;

// Nanoseconds; 1–2.5–5 steps from 10 µs to 50 s.
constexpr std::array<std::int64_t, 21> edges{
    10'000,      25'000,        50'000,        100'000,       250'000,        500'000,        1'000'000,
    2'500'000,   5'000'000,     10'000'000,    25'000'000,    50'000'000,     100'000'000,    250'000'000,
    500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000, 25'000'000'000, 50'000'000'000};

struct Name {
  std::string text;  // with prefix and unit
  bool in_seconds;
};

Name name_of(Metric const& metric) {
  bool const in_seconds = metric.name.ends_with("_ns");
  std::string text = "assay_";
  text += in_seconds ? metric.name.substr(0, metric.name.size() - 3) : metric.name;
  if (in_seconds) text += "_seconds";
  if (metric.kind == MetricKind::counter) text += "_total";
  return {std::move(text), in_seconds};
}

// `more` is a label that is already formatted, e.g. le="0.1".
std::string labels_of(Metric const& metric, std::string_view more = {}) {
  std::string text;
  for (auto const& [key, value] : metric.labels) {
    if (!value.empty()) text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", key, value);
  }
  if (!more.empty()) text += fmt::format("{}{}", text.empty() ? "" : ",", more);
  return text.empty() ? text : fmt::format("{{{}}}", text);
}

void head(Out out, std::string_view name, std::string_view help, std::string_view type) {
  fmt::format_to(out, "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

// One pass over the slots in use; a slot counts below an edge when all of it is.
void write_histogram(Out out, std::string_view name, Metric const& metric) {
  Histogram const& histogram = *metric.histogram;
  auto const buckets = histogram.buckets();
  auto bucket = buckets.begin();
  std::int64_t below = histogram.below_range();
  for (std::int64_t const edge : edges) {
    for (; bucket != buckets.end() && bucket->highest <= edge; ++bucket) below += bucket->count;
    std::string const le = fmt::format("le=\"{}\"", static_cast<double>(edge) * 1e-9);
    fmt::format_to(out, "{}_bucket{} {}\n", name, labels_of(metric, le), below);
  }
  fmt::format_to(out, "{}_bucket{} {}\n", name, labels_of(metric, "le=\"+Inf\""), histogram.count());
  fmt::format_to(out, "{}_sum{} {}\n", name, labels_of(metric),
                 histogram.mean() * static_cast<double>(histogram.in_range()) * 1e-9);
  fmt::format_to(out, "{}_count{} {}\n", name, labels_of(metric), histogram.count());
}

void write_requests(Out out, protocol::CoordinatorStats const& stats) {
  head(out, "assay_requests_total", "Requests by route and status.", "counter");
  for (auto const& [key, count] : stats.requests) {
    fmt::format_to(out, "assay_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", key.first, key.second, count);
  }
}

void write_depth(Out out, Depth const& depth) {
  head(out, "assay_runs", "Runs in the store by state.", "gauge");
  for (auto const& [state, count] : {std::pair{"delayed", depth.delayed},
                                     {"ready", depth.ready},
                                     {"claimed", depth.claimed},
                                     {"completed", depth.completed},
                                     {"dead", depth.dead}}) {
    fmt::format_to(out, "assay_runs{{state=\"{}\"}} {}\n", state, count);
  }
  head(out, "assay_oldest_ready_age_seconds", "Age of the oldest ready run.", "gauge");
  fmt::format_to(out, "assay_oldest_ready_age_seconds {}\n", to_seconds(depth.oldest_ready_age));
}

}  // namespace

std::string prometheus_text(protocol::CoordinatorStats const& stats) {
  std::string text;
  text.reserve(64 * 1024);
  Out out{text};
  std::string family;
  for (auto const& metric : protocol::list_metrics(stats)) {
    auto const [name, in_seconds] = name_of(metric);
    if (name != family) {
      family = name;
      static constexpr std::array<std::string_view, 3> types{"gauge", "counter", "histogram"};
      head(out, name, metric.help, types[static_cast<std::size_t>(metric.kind)]);
    }
    if (metric.kind == MetricKind::histogram) {
      write_histogram(out, name, metric);
    } else if (in_seconds) {
      fmt::format_to(out, "{}{} {}\n", name, labels_of(metric), static_cast<double>(*metric.number) * 1e-9);
    } else {
      fmt::format_to(out, "{}{} {}\n", name, labels_of(metric), *metric.number);
    }
  }
  write_requests(out, stats);
  if (stats.depth) write_depth(out, *stats.depth);
  return text;
}

ProcessUse process_use() {
  ProcessUse use;
  ::rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    auto const ns = [](::timeval const& t) {
      return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(t.tv_usec) * 1'000U;
    };
    use.cpu_user_ns = ns(usage.ru_utime);
    use.cpu_system_ns = ns(usage.ru_stime);
  }
  std::ifstream statm{"/proc/self/statm"};
  std::uint64_t total_pages = 0, resident_pages = 0;
  if (statm >> total_pages >> resident_pages)
    use.resident_bytes = resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return use;
}

}  // namespace assay
