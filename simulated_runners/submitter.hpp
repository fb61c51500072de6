// The Source of OpenLoop that creates runs: which run is due when (the precomputed schedule), its request, its events.
// What a run is (class, id) is drawn in the order of the schedule from streams of the trial's seed, so that one seed
// submits the same runs however slow the coordinator is. With several threads each has a submitter of its own, which
// walks the whole schedule and takes every n-th arrival: the same runs come at the same moments, however many there
// are.
#pragma once

#include "simulated_runners/arrival_schedule.hpp"
#include "simulated_runners/run_journal.hpp"
#include "simulated_runners/share.hpp"
#include "simulated_runners/submission_kinds.hpp"
#include "simulated_runners/transport.hpp"

#include <optional>
#include <vector>

namespace assay {

class Submitter {
 public:
  struct Item {
    TimePoint intended;
    RunId id;
    std::uint32_t run_class = 0;
  };

  // `share`: of the schedule's arrivals. `unix_ms_at_start`: the wall clock at `start`, for the time part of the run
  // ids (UUID version 7).
  Submitter(LoadSpec const& load, ArrivalSchedule schedule, Share share, std::uint64_t seed, TimePoint start,
            std::uint64_t unix_ms_at_start, RequestWriter const& writer, std::string_view token, Clock const& clock,
            RunJournal& journal, Recorder& recorder);

  std::optional<TimePoint> due() const { return next_ ? std::optional{next_->intended} : std::nullopt; }
  Item take();
  void start(Item const& item, std::string& request);
  void answered(Item const& item, Exchange const& exchange);
  void shed(Item const& item);

  // Before the first take(): the trial begins so much later than was said.
  void shift(Duration by);

 private:
  void advance();
  void tell(RunEvent::Kind kind, Item const& item, TimePoint now);

  ArrivalSchedule schedule_;
  Share share_;
  std::uint64_t arrivals_ = 0;  // of the schedule, so far
  Random ids_, class_draws_;
  TimePoint start_;
  std::uint64_t unix_ms_at_start_;
  SubmissionKinds kinds_;
  Clock const& clock_;
  RunJournal& journal_;
  Recorder& recorder_;
  std::optional<Item> next_;
};

}  // namespace assay
