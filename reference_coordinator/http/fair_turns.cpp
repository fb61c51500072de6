#include "reference_coordinator/http/fair_turns.hpp"

#include <algorithm>

namespace assay {

namespace {

constexpr double weight_of_newest = 0.1;
constexpr double unknown_cost = 1;      // seconds, before any run of any source has ended
constexpr double smallest_cost = 1e-6;  // a run that takes no time would be given turns for ever

}  // namespace

double FairTurns::cost_of(std::string const& source) const {
  auto const found = accounts_.find(source);
  if (found != accounts_.end() && found->second.finished > 0) return std::max(found->second.mean, smallest_cost);
  // Nothing is known of it yet: it is taken for an average one.
  double sum = 0, known = 0;
  for (auto const& [name, account] : accounts_) {
    if (account.finished == 0) continue;
    sum += account.mean;
    ++known;
  }
  return known > 0 ? std::max(sum / known, smallest_cost) : unknown_cost;
}

std::vector<std::uint32_t> FairTurns::share(std::uint32_t slots, std::span<std::string const> sources) {
  std::vector<std::uint32_t> counts(sources.size(), 0);
  if (sources.empty()) return counts;
  // Longest without a turn first, so that few slots at a time go around, too.
  std::vector<std::size_t> order(sources.size());
  double quantum = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
    quantum = std::max(quantum, cost_of(sources[i]));  // at least one run for everybody in each round
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return accounts_[sources[a]].last_turn < accounts_[sources[b]].last_turn;
  });
  for (std::size_t next = 0; slots > 0; next = (next + 1) % order.size()) {
    std::string const& source = sources[order[next]];
    Account& account = accounts_[source];
    double const cost = cost_of(source);
    // What is left from a round that ended for want of slots is used before more is given.
    if (account.deficit < cost) account.deficit += quantum;
    while (account.deficit >= cost && slots > 0) {
      account.deficit -= cost;
      ++counts[order[next]];
      --slots;
    }
    if (account.deficit < cost) account.last_turn = ++turns_;
  }
  return counts;
}

void FairTurns::unused(std::string const& source, std::uint32_t turns) {
  if (turns > 0) accounts_[source].deficit = 0;
}

void FairTurns::finished(std::string const& source, Duration taken) {
  Account& account = accounts_[source];
  double const seconds_taken = to_seconds(taken);
  account.mean =
      account.finished == 0 ? seconds_taken : account.mean + weight_of_newest * (seconds_taken - account.mean);
  ++account.finished;
}

}  // namespace assay
