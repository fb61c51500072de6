#include "harness/assess/erlang.hpp"

#include <cmath>
#include <limits>

namespace assay {

double ErlangC::waits() const {
  double const load = offered_load();
  if (load >= servers) return 1;
  // Erlang B by its recursion, which only ever multiplies and divides numbers between 0 and 1: no factorials, no
  // overflow.
  double blocked = 1;
  for (int k = 1; k <= servers; ++k) blocked = load * blocked / (k + load * blocked);
  return blocked / (1 - busy_share() * (1 - blocked));
}

double ErlangC::waits_longer_than(double t_s) const {
  if (offered_load() >= servers) return 1;
  return waits() * std::exp(-(servers / mean_service_s - arrivals_per_s) * t_s);
}

double ErlangC::wait_quantile_s(double q) const {
  if (offered_load() >= servers) return std::numeric_limits<double>::infinity();
  double const waiting = waits();
  if (waiting <= 1 - q) return 0;
  return std::log(waiting / (1 - q)) / (servers / mean_service_s - arrivals_per_s);
}

}  // namespace assay
