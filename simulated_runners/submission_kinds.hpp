// What all submitters of a trial have in common: the classes of runs, drawn by weight, and the text of each submission.
// Made once per submitter; used by the open loop's Submitter and by the callers of the closed loop.
#pragma once

#include "harness/base/random.hpp"
#include "harness/measure/observation.hpp"
#include "simulated_runners/requests.hpp"
#include "simulated_runners/transport.hpp"

#include <optional>
#include <vector>

namespace assay {

// What a run carries: letters from the seed, printable and not compressible to nothing.
std::string make_payload(std::size_t bytes, std::uint64_t seed);

class SubmissionKinds {
 public:
  // `wait`: ask for the run's result, at most so long.
  SubmissionKinds(LoadSpec const& load, std::uint64_t seed, RequestWriter const& writer, std::string_view token,
                  std::optional<Duration> wait = {});

  // Index into LoadSpec::classes.
  std::uint32_t draw(Random& random) const;
  void write(std::string& request, std::uint32_t run_class, RunId const& id) const {
    templates_[run_class].write(request, id);
  }

 private:
  std::vector<SubmissionTemplate> templates_;  // by class
  std::vector<double> weights_up_to_;          // running sum, by class
};

// The event that follows from a submission's fate, if the answer says no more.
RunEvent::Kind event_of_submission(Fate fate);

}  // namespace assay
