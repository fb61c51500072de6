#include "reference_coordinator/protocol/stats.hpp"

#include "harness/histogram/codec.hpp"
#include "reference_coordinator/protocol/json_fields.hpp"

#include <fmt/format.h>

namespace assay::protocol {

namespace {

constexpr std::array<Outcome, 7> outcomes{Outcome::ok,          Outcome::already_done, Outcome::stale_token,
                                          Outcome::unknown_run, Outcome::rejected,     Outcome::unavailable,
                                          Outcome::in_doubt};

constexpr std::array<ErrorKind, 6> kinds{ErrorKind::unavailable, ErrorKind::timed_out,     ErrorKind::in_doubt,
                                         ErrorKind::rejected,    ErrorKind::misconfigured, ErrorKind::broken_protocol};

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();

template <class Stats>
auto list_all(Stats& s) {
  using Item = Metric<std::is_const_v<Stats>>;
  std::vector<Item> items;
  auto const number = [&](MetricKind kind, std::string_view name, std::string_view help, auto& value,
                          std::array<typename Item::Label, 2> labels = {}) {
    items.push_back(Item{kind, name, help, &value, nullptr, labels});
  };
  auto const histogram = [&](std::string_view name, std::string_view help, auto& value,
                             std::array<typename Item::Label, 2> labels = {}) {
    items.push_back(Item{MetricKind::histogram, name, help, nullptr, &value, labels});
  };
  constexpr auto gauge = MetricKind::gauge;
  constexpr auto counter = MetricKind::counter;
  number(gauge, "uptime_ns", "Time since the coordinator started.", s.uptime_ns);
  number(gauge, "connections", "Open connections.", s.connections);
  number(gauge, "parked_polls", "Long polls being held.", s.parked_polls);
  number(gauge, "waiting_submissions", "Submissions held until their run is finished.", s.waiting_submissions);
  number(gauge, "batches_in_flight", "Claim batches the dispatcher waits for.", s.batches_in_flight);
  number(gauge, "push_runners", "Runners connected for push.", s.push_runners);
  number(gauge, "pending_writes", "Writes handed to the store and not answered.", s.store.pending_writes);
  number(gauge, "resident_bytes", "Resident memory of the process.", s.resident_bytes);

  number(counter, "connections_accepted", "Connections accepted.", s.connections_accepted);
  number(counter, "connections_refused", "Connections closed at once: too many, or no descriptors.",
         s.connections_refused);
  number(counter, "connections_timed_out", "Connections closed for being idle or slow.", s.connections_timed_out);
  number(counter, "empty_polls", "Long polls that ended without a run.", s.empty_polls);
  number(counter, "abandoned_polls", "Long polls whose peer went away.", s.abandoned_polls);
  number(counter, "replies", "Waiting submissions answered with a finished run.", s.replies);
  number(counter, "late_waits", "Waiting submissions whose wait ended before their run.", s.late_waits);
  number(counter, "broken_waits", "Waiting submissions answered 502: their runner disconnected.", s.broken_waits);
  number(counter, "abandoned_waits", "Waiting submissions whose peer went away, or ended by a stop.",
         s.abandoned_waits);
  number(counter, "delivered_claims", "Claims written to a runner's connection.", s.delivered_claims);
  number(counter, "undelivered_claims", "Claims given back because the runner was gone.", s.undelivered_claims);
  number(counter, "offered_again", "Claims written again, to the next poll of the same runner.", s.offered_again);
  number(counter, "broken_runs", "Runs failed because their runner disconnected.", s.broken_runs);
  number(counter, "late_claims", "Claims not given out because their deadline had passed.", s.late_claims);
  number(counter, "loop_stalls", "Timers that the event loop ran more than 10 ms late.", s.loop_stalls);
  number(counter, "cpu_user_ns", "Processor time in user mode.", s.cpu_user_ns);
  number(counter, "cpu_system_ns", "Processor time in the kernel.", s.cpu_system_ns);

  auto& m = s.matcher;
  number(counter, "batches", "Claim batches the store answered.", m.batches);
  number(counter, "empty_batches", "Claim batches without a run.", m.empty_batches);
  number(counter, "failed_batches", "Claim batches that ended in an error.", m.failed_batches);
  number(counter, "claims", "Runs the store gave.", m.claims);
  number(counter, "given_back", "Claims released because nobody waited any more.", m.given_back);
  number(counter, "failed_releases", "Releases the store did not take.", m.failed_releases);
  number(counter, "sweeps", "Sweeps of leases and delays.", m.sweeps);
  number(counter, "failed_sweeps", "Sweeps that ended in an error.", m.failed_sweeps);
  number(counter, "expired_leases", "Leases that sweeps found expired.", m.expired_leases);
  number(counter, "dead_letters", "Runs that lost their last lease.", m.dead_letters);

  number(counter, "claim_attempts", "Tries to take a run, counted by the store.", s.store.counters.claim_attempts);
  number(counter, "claim_conflicts", "Tries that lost a race, counted by the store.", s.store.counters.claim_conflicts);
  number(counter, "store_reconnects", "Connections to the store made again.", s.store.counters.reconnects);

  std::array<std::string_view, store_operation_count> operations;
  for (std::size_t i = 0; i < operations.size(); ++i) operations[i] = to_string(static_cast<StoreOperation>(i));
  auto const each = [&](auto const& act) {
    for (std::size_t i = 0; i < operations.size(); ++i) act(s.store.operations[i], operations[i]);
  };
  each([&](auto& o, auto name) {
    number(counter, "store_calls", "Calls to the store that returned.", o.calls, {{{"operation", name}}});
  });
  each([&](auto& o, auto name) {
    number(gauge, "store_calls_in_flight", "Calls to the store that did not return.", o.in_flight,
           {{{"operation", name}}});
  });
  each([&](auto& o, auto name) {
    number(counter, "store_items", "Items handed to the store.", o.items, {{{"operation", name}}});
  });
  each([&](auto& o, auto name) {
    number(counter, "store_empty", "Calls that brought nothing.", o.empty, {{{"operation", name}}});
  });
  each([&](auto& o, auto name) {
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      number(counter, "store_outcomes", "Items by what the store answered.", o.outcomes[i],
             {{{"operation", name}, {"outcome", to_string(outcomes[i])}}});
    }
  });
  each([&](auto& o, auto name) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      number(counter, "store_errors", "Calls that ended in an error.", o.errors[i],
             {{{"operation", name}, {"kind", to_string(kinds[i])}}});
    }
  });

  histogram("dispatch_wait_ns", "Of assigned polls: a run may fit until asked for in a batch.", s.dispatch_wait);
  histogram("claim_commit_ns", "Asked for in a batch until the store answered.", s.claim_commit);
  histogram("response_write_ns", "Answered by the store until handed to the kernel.", s.response_write);
  histogram("loop_lateness_ns", "How late the event loop ran a timer.", s.loop_lateness);
  each([&](auto& o, auto name) {
    histogram("store_latency_ns", "Calls to the store.", o.latency, {{{"operation", name}}});
  });
  return items;
}

// "submit", "submit.ok"; "" for a value without labels.
std::string label_key(std::array<std::pair<std::string_view, std::string_view>, 2> const& labels) {
  return labels[1].second.empty() ? std::string{labels[0].second}
                                  : fmt::format("{}.{}", labels[0].second, labels[1].second);
}

std::string_view section_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::gauge: return "gauges";
    case MetricKind::counter: return "counters";
    case MetricKind::histogram: return "histograms";
  }
  return "";
}

json::value to_json(Histogram const& histogram) {
  return {
      {"hdr", encode(histogram)}, {"below_range", histogram.below_range()}, {"above_range", histogram.above_range()}};
}

std::optional<Error> read(json::value const& value, Histogram& into) {
  Fields fields{value, {"hdr", "below_range", "above_range"}};
  std::string hdr;
  std::int64_t below = 0, above = 0;
  fields.text("hdr", Fields::required, std::size_t{64} << 20U, hdr);
  fields.integer("below_range", Fields::required, 0, largest, below);
  fields.integer("above_range", Fields::required, 0, largest, above);
  if (!fields.fine()) return fields.mistakes().front();
  auto decoded = decode(hdr);
  if (!decoded) return decoded.error();
  into = std::move(*decoded);
  if (below > 0) into.record(-1, below);
  if (above > 0) into.record(largest, above);
  return std::nullopt;
}

std::optional<Error> read(json::value const& value, std::uint64_t& into) {
  if (auto const* const number = value.if_int64(); number != nullptr && *number >= 0) {
    into = static_cast<std::uint64_t>(*number);
  } else if (auto const* const large = value.if_uint64()) {
    into = *large;
  } else {
    return refused("this", "a count", value);
  }
  return std::nullopt;
}

json::object to_json(Depth const& depth) {
  return {{"delayed", depth.delayed}, {"ready", depth.ready},
          {"claimed", depth.claimed}, {"completed", depth.completed},
          {"dead", depth.dead},       {"oldest_ready_age_ns", depth.oldest_ready_age.count()}};
}

std::optional<Error> read(json::value const& value, Depth& into) {
  std::int64_t age = 0;
  Fields fields{value, {"delayed", "ready", "claimed", "completed", "dead", "oldest_ready_age_ns"}};
  for (auto const& [key, number] : {std::pair{"delayed", &into.delayed},
                                    {"ready", &into.ready},
                                    {"claimed", &into.claimed},
                                    {"completed", &into.completed},
                                    {"dead", &into.dead}}) {
    json::value const* const found = fields.find(key, Fields::required);
    if (found == nullptr) continue;
    if (auto const error = read(*found, *number)) fields.note({error->kind, key + error->detail.substr(4)});
  }
  fields.integer("oldest_ready_age_ns", Fields::required, 0, largest, age);
  into.oldest_ready_age = Duration{age};
  return fields.fine() ? std::nullopt : std::optional{fields.mistakes().front()};
}

std::optional<Error> read_requests(Fields& fields, CoordinatorStats& stats) {
  json::array const* const items = fields.array("requests", Fields::required, 10'000);
  if (items == nullptr) return std::nullopt;  // noted
  for (auto const& item : *items) {
    Fields entry{item, {"route", "status", "count"}};
    std::string route;
    std::int64_t status = 0, count = 0;
    entry.text("route", Fields::required, 256, route);
    entry.integer("status", Fields::required, 100, 599, status);
    entry.integer("count", Fields::required, 0, largest, count);
    if (!entry.fine()) return entry.mistakes().front();
    stats.requests[{route, static_cast<std::uint64_t>(status)}] += static_cast<std::uint64_t>(count);
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 2> owners{"store", "coordinator"};

json::array to_json(std::vector<StoreFigure> const& figures) {
  json::array items;
  for (auto const& figure : figures) {
    items.push_back(json::object{
        {"name", figure.name}, {"value", figure.value}, {"of", owners[static_cast<std::size_t>(figure.of)]}});
  }
  return items;
}

Result<StoreFigure> read_figure(json::value const& value) {
  Fields fields{value, {"name", "value", "of"}};
  StoreFigure figure;
  fields.text("name", Fields::required, 64, figure.name);
  fields.number("value", Fields::required, figure.value);
  if (auto const of = fields.choice("of", Fields::required, owners)) figure.of = static_cast<StoreFigure::Of>(*of);
  return fields.finish(std::move(figure));
}

void add_figures(std::vector<StoreFigure>& sum, std::vector<StoreFigure> const& other) {
  for (auto const& theirs : other) {
    auto const mine = std::find_if(sum.begin(), sum.end(), [&](auto const& one) { return one.name == theirs.name; });
    if (mine == sum.end()) {
      sum.push_back(theirs);
    } else {
      mine->value =
          theirs.of == StoreFigure::Of::store ? std::max(mine->value, theirs.value) : mine->value + theirs.value;
    }
  }
}

}  // namespace

std::vector<Metric<true>> list_metrics(CoordinatorStats const& stats) { return list_all(stats); }

void CoordinatorStats::add(CoordinatorStats const& other) {
  auto const mine = list_all(*this);
  auto const theirs = list_all(other);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i].kind == MetricKind::histogram) {
      mine[i].histogram->add(*theirs[i].histogram);
    } else {
      *mine[i].number += *theirs[i].number;
    }
  }
  for (auto const& [key, count] : other.requests) requests[key] += count;
  add_figures(store.figures, other.store.figures);
  taken_at = std::max(taken_at, other.taken_at);
  // Coordinators that add up share one store: its depth is one number, not a sum.
  if (!depth) depth = other.depth;
}

CoordinatorStats CoordinatorStats::counts_only() const {
  CoordinatorStats result = *this;
  for (auto const& metric : list_all(result)) {
    if (metric.kind == MetricKind::gauge) *metric.number = 0;
  }
  result.depth.reset();
  return result;
}

std::optional<CoordinatorStats> CoordinatorStats::since(CoordinatorStats const& earlier) const {
  CoordinatorStats result = *this;
  auto const ours = list_all(result);
  auto const before = list_all(earlier);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].kind == MetricKind::histogram) {
      auto difference = ours[i].histogram->since(*before[i].histogram);
      if (!difference) return std::nullopt;
      *ours[i].histogram = std::move(*difference);
    } else if (ours[i].kind == MetricKind::counter) {
      if (*ours[i].number < *before[i].number) return std::nullopt;
      *ours[i].number -= *before[i].number;
    }
  }
  for (auto const& [key, count] : earlier.requests) {
    auto const found = result.requests.find(key);
    if (found == result.requests.end() || found->second < count) return std::nullopt;
    if ((found->second -= count) == 0) result.requests.erase(found);
  }
  return result;
}

std::string encode(CoordinatorStats const& stats) {
  json::object sections[3];
  for (auto const& metric : list_all(stats)) {
    json::object* place = &sections[static_cast<std::size_t>(metric.kind)];
    json::value value = metric.number != nullptr ? json::value(*metric.number) : to_json(*metric.histogram);
    std::string key = label_key(metric.labels);
    if (key.empty()) {
      (*place)[metric.name] = std::move(value);
    } else {
      json::value& group = (*place)[metric.name];
      if (!group.is_object()) group.emplace_object();
      group.get_object()[key] = std::move(value);
    }
  }
  json::array requests;
  for (auto const& [key, count] : stats.requests) {
    requests.push_back(json::object{{"route", key.first}, {"status", key.second}, {"count", count}});
  }
  json::object all{{"backend", stats.backend}, {"taken_at_ns", stats.taken_at.time_since_epoch().count()}};
  all["depth"] = stats.depth ? json::value(to_json(*stats.depth)) : json::value(nullptr);
  all["requests"] = std::move(requests);
  all["store_figures"] = to_json(stats.store.figures);
  for (auto const kind : {MetricKind::gauge, MetricKind::counter, MetricKind::histogram}) {
    all[section_of(kind)] = std::move(sections[static_cast<std::size_t>(kind)]);
  }
  return json::serialize(all);
}

Result<CoordinatorStats> decode_stats(std::string_view text) {
  Document const document{text};
  if (document.error()) return *document.error();
  CoordinatorStats stats;
  Fields fields{document.root(),
                {"backend", "taken_at_ns", "depth", "requests", "store_figures", "gauges", "counters", "histograms"}};
  std::int64_t taken_at = 0;
  fields.text("backend", Fields::required, 128, stats.backend);
  fields.integer("taken_at_ns", Fields::required, 0, largest, taken_at);
  stats.taken_at = TimePoint{Duration{taken_at}};
  if (auto const* const depth = fields.find("depth", Fields::required); depth != nullptr && !depth->is_null()) {
    if (auto const error = read(*depth, stats.depth.emplace())) fields.note({error->kind, "depth." + error->detail});
  }
  if (auto const error = read_requests(fields, stats)) fields.note({error->kind, "requests: " + error->detail});
  stats.store.figures = read_items<StoreFigure>(fields, "store_figures", 64, read_figure);
  if (!fields.fine()) return fields.mistakes().front();
  for (auto const& metric : list_all(stats)) {
    std::string const key = label_key(metric.labels);
    std::string const path =
        fmt::format("/{}/{}{}{}", section_of(metric.kind), metric.name, key.empty() ? "" : "/", key);
    boost::system::error_code missing;
    json::value const* const value = document.root().find_pointer(path, missing);
    if (value == nullptr) return Error{ErrorKind::rejected, path.substr(1) + ": missing"};
    auto const error = metric.number != nullptr ? read(*value, *metric.number) : read(*value, *metric.histogram);
    if (error) return Error{error->kind, fmt::format("{}: {}", path.substr(1), error->detail)};
  }
  return stats;
}

}  // namespace assay::protocol
