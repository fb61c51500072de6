// The names by which objectives, policies and reports ask for a measured quantity: "claim_latency" "p99". One table,
// header only, for whoever checks names (harness/scenario) and whoever answers them (figure.hpp). A new quantity is a
// line here and a line in figure.cpp; a test holds the two together.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace assay {

struct FigureName {
  enum class Kind : std::uint8_t { duration, count, share, rate, cores, memory };  // ms, plain, 0 … 1, 1/s, cores, MiB
  std::string_view name;
  Kind kind;
  std::span<std::string_view const> statistics;
  std::string_view meaning;  // one line
};

namespace figure_names {

using Kind = FigureName::Kind;
inline constexpr std::array<std::string_view, 7> latency{"p50", "p90", "p95", "p99", "p99.9", "mean", "max"};
inline constexpr std::array<std::string_view, 3> count_rate_share{"count", "rate", "share"};
inline constexpr std::array<std::string_view, 3> mean_max_slope{"mean", "max", "slope"};
inline constexpr std::array<std::string_view, 2> count_share{"count", "share"}, mean_max{"mean", "max"},
    mean_share{"mean", "share"};
inline constexpr std::array<std::string_view, 1> count{"count"}, mean{"mean"}, max{"max"}, slope{"slope"}, rate{"rate"},
    share{"share"};

inline constexpr std::array all{
    FigureName{"claim_latency", Kind::duration, latency, "from a run's creation (intended) until a runner has it"},
    FigureName{"dispatch_latency", Kind::duration, latency, "the coordinator's share of the claim latency"},
    FigureName{"quiet_source_latency", Kind::duration, latency,
               "claim latency of the source that submitted the fewest runs (tags `source:…`)"},
    FigureName{"runner_shortage", Kind::duration, latency,
               "the rest of the claim latency: no eligible runner was free"},
    FigureName{"claim_latency_as_run", Kind::duration, latency,
               "claim latency on this machine, shortage not scaled back"},
    FigureName{"submit_latency", Kind::duration, latency, "response time of creating a run"},
    FigureName{"call_latency", Kind::duration, latency,
               "from submitting a run until its result is there (closed loop)"},
    FigureName{"report_latency", Kind::duration, latency, "response time of a status report"},
    FigureName{"heartbeat_latency", Kind::duration, latency, "response time of a heartbeat"},
    FigureName{"schedule_lag", Kind::duration, latency, "how late the generator started submissions"},
    FigureName{"dispatcher_wait", Kind::duration, latency, "inside dispatch latency: waiting for the matcher"},
    FigureName{"claim_commit", Kind::duration, latency, "inside dispatch latency: the store's claim"},
    FigureName{"response_write", Kind::duration, latency, "inside dispatch latency: writing the answer"},
    FigureName{"store_write_latency", Kind::duration, latency, "one write to the backend, all operations together"},
    FigureName{"store_submit_latency", Kind::duration, latency, "one submit call to the backend"},
    FigureName{"store_claim_latency", Kind::duration, latency, "one claim call to the backend"},
    FigureName{"store_renew_latency", Kind::duration, latency, "one renew call to the backend"},
    FigureName{"store_complete_latency", Kind::duration, latency, "one complete call to the backend"},
    FigureName{"store_fail_latency", Kind::duration, latency, "one fail call to the backend"},
    FigureName{"store_release_latency", Kind::duration, latency, "one release call to the backend"},
    FigureName{"store_sweep_latency", Kind::duration, latency, "one sweep call to the backend"},
    FigureName{"failed_claims", Kind::count, count_rate_share,
               "claims that failed, of all causes; share of all claim attempts"},
    FigureName{"conflicts_per_claim", Kind::count, mean, "runs lost to another claimer, per run that was delivered"},
    FigureName{"start_delay", Kind::duration, latency,
               "of orchestrators: from a run's claim until it is worked, cold start included"},
    FigureName{"warm_starts", Kind::share, share, "of orchestrators: runs that found a warm container"},
    FigureName{"most_held", Kind::count, max, "of orchestrators: runs that one of them held at once"},
    FigureName{"share_of_limit", Kind::share, share,
               "of orchestrators: throughput, of what polls and places allow them at most"},
    FigureName{"empty_polls", Kind::count, count_share, "long polls that ended without a run"},
    FigureName{"pending_writes", Kind::count, mean_max_slope,
               "writes handed to the backend and not answered; slope per second"},
    FigureName{"backlog", Kind::count, slope, "ready runs that nobody claimed; slope per second"},
    FigureName{"throughput", Kind::rate, mean, "completed runs per second"},
    FigureName{"achieved_rate", Kind::rate, mean_share, "accepted submissions per second; share of what was offered"},
    FigureName{"requests", Kind::rate, rate, "HTTP requests of all kinds per second, as run"},
    FigureName{"runners_busy", Kind::share, share, "share of the runners' time spent working"},
    FigureName{"coordinator_cpu", Kind::cores, mean_max, "cores that the coordinator keeps busy"},
    FigureName{"database_cpu", Kind::cores, mean_max, "cores that the database or broker keeps busy"},
    FigureName{"generator_cpu", Kind::cores, mean_max, "cores that the simulated runners keep busy"},
    FigureName{"coordinator_memory", Kind::memory, max, "largest resident memory of the coordinator"},
    FigureName{"database_memory", Kind::memory, max, "largest resident memory of the database or broker"},
    FigureName{"store_keys", Kind::count, count, "keys in the backend's server when the trial had ended (redis-list)"},
    FigureName{"undelivered_replies", Kind::count, count,
               "results sent and never heard: lost on their way, or too late for who had given up (redis-list)"},
    FigureName{"lost", Kind::count, count, "accepted runs that are nowhere any more"},
    FigureName{"doubled", Kind::count, count, "claims or accepted completions that must not be"},
    FigureName{"reexecuted", Kind::count, count, "runs given out again after a lost lease"},
    FigureName{"stranded", Kind::count, count, "runs still claimed, at the end, by a runner that was killed"},
    FigureName{"dead", Kind::count, count, "runs that used up their attempts"},
    FigureName{"in_doubt", Kind::count, count, "submissions and reports whose fate is unknown"},
    FigureName{"shed", Kind::count, count, "runs that were due and could not be submitted"},
    FigureName{"abandoned", Kind::count, count, "submissions unanswered when the drain ended"},
    FigureName{"failed_calls", Kind::count, count, "submissions and calls that failed, after all their tries"},
};

}  // namespace figure_names

inline constexpr std::span<FigureName const> known_metrics() { return figure_names::all; }

// "ms", "1/s", "cores", "MiB", or "" for counts and shares.
inline constexpr std::string_view unit_of(FigureName const& figure, std::string_view statistic) {
  if (statistic == "slope" || statistic == "rate") return "1/s";
  if (statistic == "share" || statistic == "count") return "";
  switch (figure.kind) {
    case FigureName::Kind::duration: return "ms";
    case FigureName::Kind::rate: return "1/s";
    case FigureName::Kind::cores: return "cores";
    case FigureName::Kind::memory: return "MiB";
    case FigureName::Kind::count:
    case FigureName::Kind::share: break;
  }
  return "";
}

}  // namespace assay
