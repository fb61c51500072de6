// The order in which runs were given out, from the ledgers: I6 (first in, first out among runs of the same tags and
// priority) and I7 (no lower priority while a higher one that fits was ready). Called by check_ledger() for each run,
// then once for all. Only what is certain counts: a run waits from the answer to its submission until the store is
// asked for the batch that brings it; another one is given out between that question and the answer; it is younger when
// it was sent after the first one's submission had been answered. Easy to get wrong: a run that was claimed before
// without anybody writing it down (an answer that was cut off) was not waiting, so whoever may have been is left out.
#pragma once

#include "harness/assess/ledger_check.hpp"
#include "harness/assess/ledger_life.hpp"

namespace assay {

class OrderCheck {
 public:
  explicit OrderCheck(LedgerInput const& input);

  void see(std::span<LedgerRow const> rows, RunLife const& life);
  // A breach for each run that was passed over by more batches than the input tolerates.
  void finish(LedgerFigures& figures);

 private:
  struct Waiting {
    TimePoint ready, asked;  // certainly waiting in between; asked == never: to the end
    RunId run;
    std::uint32_t run_class = 0;
  };
  struct Given {
    TimePoint sent, asked, claimed;
    RunId run;
    ClaimToken token;
    std::uint32_t run_class = 0;
    std::uint32_t kind = 0;  // of the runner that received it; none: nobody did
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  void check_fifo(LedgerFigures& figures) const;
  void check_priority(LedgerFigures& figures) const;
  // `waiting` and `given` that may not pass each other. A batch passes a run when it was asked for after the run was
  // ready and answered before the run itself was asked for.
  void check(LedgerFigures& figures, char const* invariant, std::vector<Waiting const*> waiting,
             std::vector<Given const*> given) const;

  LedgerInput const& input_;
  std::vector<std::vector<bool>> fits_;  // by class and kind
  std::vector<std::uint32_t> line_of_;   // by class: those of the same tags and priority have the same number
  std::vector<Waiting> waiting_;
  std::vector<Given> given_;
};

}  // namespace assay
