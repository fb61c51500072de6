#include "harness/experiment/source_figures.hpp"

#include "harness/assess/block_bootstrap.hpp"
#include "reference_coordinator/claim_core/tags.hpp"

#include <map>

namespace assay {

namespace {

struct Account {
  explicit Account(TimedSamples samples) : claim{std::move(samples)} {}
  std::uint64_t submitted = 0, claimed = 0;
  TimedSamples claim;
};

}  // namespace

std::vector<SourceFigures> source_figures(Evidence const& evidence, std::span<ClaimSplit const> splits) {
  auto const& scenario = *evidence.plan.scenario;
  std::vector<std::string> source_of_class;
  for (auto const& each : scenario.load.classes) source_of_class.push_back(source_of(TagSet{each.tags}));
  Duration const length = std::max<Duration>(evidence.measure_end - evidence.measure_begin, nanoseconds{1});
  Window const measured{evidence.measure_begin, evidence.measure_end};

  std::map<std::string, Account> accounts;
  for (auto const& split : splits) {
    std::string const& source = source_of_class.at(split.run_class);
    if (source.empty()) continue;
    auto& account = accounts.try_emplace(source, TimedSamples{length, scenario.fleet.hold}).first->second;
    if (split.delivered && measured.contains(split.created + split.claim)) ++account.claimed;
    if (!measured.contains(split.created)) continue;
    ++account.submitted;
    double const scale = scenario.time_compression;
    Duration const claim = split.modelled_dispatch(scale) + split.modelled_shortage(scale);
    account.claim.record(split.created - evidence.measure_begin, claim.count());
  }
  std::vector<SourceFigures> figures;
  for (auto const& [source, account] : accounts) {
    figures.push_back({source, account.submitted, account.claimed, account.claim.figures()});
  }
  return figures;
}

}  // namespace assay
