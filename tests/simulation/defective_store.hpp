// The memory backend with one planted defect, each of a kind that real queues have had and that shows under some
// schedules only. They exist to prove that the simulation finds such things.
#pragma once

#include "tests/simulation/store_layers.hpp"

#include <map>
#include <optional>
#include <string_view>

namespace assay::simulation {

enum class Defect : std::uint8_t {
  none,
  hands_out_twice,     // two claim calls within a millisecond: the second gets the first one's last run, too
  accepts_stale,       // a completion by a claim that was lost is accepted all the same
  loses_a_submission,  // the second of two submissions within a millisecond is acknowledged and forgotten
  forgets_a_release,   // a release within a millisecond after a claim is acknowledged and forgotten
  sweeps_too_early,    // a lease that was renewed once ends at its first end
  passes_over_a_run    // when two runs wait for a demand, the second is given out
};

std::string_view to_string(Defect defect);

class DefectiveStore final : public StoreLayer {
 public:
  DefectiveStore(ClaimStore& below, Clock const& clock, Defect defect)
      : StoreLayer{below}, clock_{clock}, defect_{defect} {}

  Awaitable<Result<std::vector<Outcome>>> submit(std::vector<RunSpec> runs) override;
  // In two calls of ours, so that the defects are in there, too; nobody is given a run in between.
  Awaitable<Result<Submitted>> submit_and_claim(std::vector<RunSpec> runs, std::vector<Demand> demands,
                                                Duration lease) override;
  Awaitable<Result<std::vector<Claim>>> claim(std::vector<Demand> demands, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> renew(std::vector<ClaimRef> claims, Duration lease) override;
  Awaitable<Result<std::vector<Outcome>>> complete(std::vector<Completion> completions) override;
  Awaitable<Result<std::vector<Outcome>>> release(std::vector<ClaimRef> claims) override;

 private:
  Awaitable<Result<std::vector<Claim>>> claim_second(std::vector<Demand> demands, Duration lease);

  static constexpr Duration close_by = milliseconds{1};

  Clock const& clock_;
  Defect defect_;
  TimePoint last_submission_, last_claim_;
  std::optional<Claim> last_given_;
  std::uint64_t forged_ = 1'000'000'000;  // token counters that the memory backend never reaches
};

}  // namespace assay::simulation
