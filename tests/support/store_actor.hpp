// What a test and the program store_actor agree on.
#pragma once

#include "harness/base/random.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"

#include <vector>

namespace assay::test {

// The same runs for the same seed.
inline std::vector<RunSpec> actor_runs(std::uint64_t seed, std::size_t count, std::string_view tag) {
  Random random{seed};
  std::vector<RunSpec> runs(count);
  for (RunSpec& run : runs) {
    run.id = make_run_id(seed, random);
    run.required = TagSet::from_key(tag);
    run.payload = "payload";
  }
  return runs;
}

}  // namespace assay::test
