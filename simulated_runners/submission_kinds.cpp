#include "simulated_runners/submission_kinds.hpp"

#include <algorithm>

namespace assay {

std::string make_payload(std::size_t bytes, std::uint64_t seed) {
  auto random = Random::stream(seed, "payload");
  std::string payload(bytes, ' ');
  for (char& c : payload) c = static_cast<char>('a' + random.below(26));
  return payload;
}

SubmissionKinds::SubmissionKinds(LoadSpec const& load, std::uint64_t seed, RequestWriter const& writer,
                                 std::string_view token, std::optional<Duration> wait) {
  std::string const payload = make_payload(load.payload_bytes, seed);
  double sum = 0;
  for (auto const& run_class : load.classes) {
    templates_.emplace_back(writer, token, run_class, payload, wait);
    weights_up_to_.push_back(sum += run_class.weight);
  }
}

std::uint32_t SubmissionKinds::draw(Random& random) const {
  if (templates_.size() == 1) return 0;
  double const at = random.uniform() * weights_up_to_.back();
  auto const found = std::upper_bound(weights_up_to_.begin(), weights_up_to_.end() - 1, at);
  return static_cast<std::uint32_t>(found - weights_up_to_.begin());
}

RunEvent::Kind event_of_submission(Fate fate) {
  switch (fate) {
    case Fate::ok: return RunEvent::Kind::accepted;
    case Fate::in_doubt:
    case Fate::timed_out:
    case Fate::abandoned: return RunEvent::Kind::submit_in_doubt;
    default: return RunEvent::Kind::submit_failed;
  }
}

}  // namespace assay
