// Submits the runs that wait before a trial begins (`load.backlog`): in batches, one after the other, each repeated
// until it is in; a repeated submission is harmless. Used by a Fleet ahead of its run(). The runs are in the books and
// in the journal like any other; what creating them took is no figure of the trial, because nobody was served
// meanwhile.
#pragma once

#include "simulated_runners/requests.hpp"
#include "simulated_runners/run_journal.hpp"
#include "simulated_runners/share.hpp"
#include "simulated_runners/submission_kinds.hpp"
#include "simulated_runners/transport.hpp"

#include <vector>

namespace assay {

class Backlog {
 public:
  // `runs`: of this share. References must outlive it.
  Backlog(LoadSpec const& load, std::size_t runs, Share share, std::uint64_t seed, RequestWriter const& writer,
          std::string_view token, Transport& transport, RunJournal& journal, Recorder& recorder);

  // Errors: timed_out with the last answer's words, at the deadline or when one batch has been tried for three answer
  // timeouts; rejected when the coordinator refuses; each one clear line.
  Awaitable<Result<void>> submit(Duration answer_timeout, TimePoint deadline);
  void stop();

 private:
  std::vector<protocol::Submission> next_batch(std::size_t most);
  void tell(RunEvent::Kind kind, RunId const& run, std::uint32_t run_class, TimePoint now);

  LoadSpec const& load_;
  std::size_t left_;
  RequestWriter const& writer_;
  std::string_view token_;
  Transport& transport_;
  RunJournal& journal_;
  Recorder& recorder_;
  Random ids_, class_draws_;
  SubmissionKinds kinds_;
  std::string payload_;
  TimePoint created_;                 // of all: when submit() was called
  std::vector<std::uint32_t> drawn_;  // classes of the batch under way
  std::unique_ptr<Channel> channel_;
  bool stopped_ = false;
};

}  // namespace assay
