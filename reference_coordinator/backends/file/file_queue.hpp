// The verbs of ClaimStore over a RunFolder and a Catalogue of it, one call at a time, on the Worker's thread. What a
// report needs to say yes is one rename of exactly the name that the claim made, so that of a claimer that was stopped
// beyond its lease and the new holder one is heard. Easy to get wrong: nothing is told before sync(), and a failure of
// that leaves in doubt what was told to the folder.
#pragma once

#include "reference_coordinator/backends/file/catalogue.hpp"

#include <variant>

namespace assay::file {

class FileQueue {
 public:
  enum class Kind : std::uint8_t { scan, index };

  FileQueue(std::filesystem::path const& folder, Kind kind, RetryPolicy retry);

  StoreFacts facts() const { return folder_.facts(); }
  StoreCounters const& counters() const { return counters_; }

  std::vector<Outcome> submit(std::vector<RunSpec> const& runs);
  std::vector<Claim> claim(std::vector<Demand> const& demands, Duration lease);
  std::vector<Outcome> renew(std::vector<ClaimRef> const& claims, Duration lease);
  std::vector<Outcome> complete(std::vector<Completion> const& completions);
  std::vector<Outcome> fail(std::vector<FailedAttempt> const& failures);
  std::vector<Outcome> release(std::vector<ClaimRef> const& claims);
  SweepResult sweep(std::size_t max);
  Depth depth() { return catalogue_->depth(); }
  std::optional<RunView> find(RunId run);
  // What was submitted or reported is on the disk.
  void sync() { folder_.sync(); }

 private:
  enum class Said : std::uint8_t { nothing, completed, failed };

  void finish_batches(std::vector<std::string> const& names);
  void unpack(std::vector<Record> const& records, bool durable);
  Outcome report(ClaimRef const& claim, std::string const& text, Said said);
  std::optional<Claim> take_one(Demand const& demand, Duration lease);
  std::variant<Entry, Outcome> held(ClaimRef const& claim, Said repeated);
  Outcome refusal(ClaimRef const& claim, Said repeated);
  SweepResult sweep_at(std::int64_t now, std::size_t max);
  void complete_lease(Entry const& entry);
  bool move(Entry const& from, Entry const& to);
  std::int64_t now_us() const;

  RunFolder folder_;
  std::unique_ptr<Catalogue> catalogue_;
  RetryPolicy retry_;
  StoreCounters counters_;
  std::uint64_t last_token_ = 0;
  std::uint64_t last_batch_ = 0;
};

}  // namespace assay::file
