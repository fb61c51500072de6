// Erlang C: how long runs wait for a free runner when the coordinator costs nothing at all (M/M/c: Poisson arrivals,
// exponential run lengths, first come first served). What a measured runner shortage is held against. Plain doubles in
// seconds; rates per second.
#pragma once

namespace assay {

struct ErlangC {
  int servers = 1;            // ≥ 1; ten thousand and more are fine
  double arrivals_per_s = 0;  // ≥ 0
  double mean_service_s = 1;  // > 0

  double offered_load() const { return arrivals_per_s * mean_service_s; }  // erlangs
  double busy_share() const { return offered_load() / servers; }

  // P(an arrival has to wait); 1 when the offered load is not below the number of servers.
  double waits() const;
  // P(wait > t); 1 for an unstable queue.
  double waits_longer_than(double t_s) const;
  // The q-quantile of the wait, 0 ≤ q < 1; infinite for an unstable queue.
  double wait_quantile_s(double q) const;
};

}  // namespace assay
