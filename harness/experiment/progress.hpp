// What a person sees while trials run, on stderr: one line that is redrawn on a terminal, a line every ten seconds in a
// pipe or in CI. The summary is not progress and goes to stdout (harness/cli).
#pragma once

#include "harness/base/clock.hpp"

#include <cstdio>
#include <string>
#include <string_view>

namespace assay {

struct ProgressState {
  std::string_view phase;  // "connecting", "warm-up", "measure", "drain"
  std::size_t parked = 0, runners = 0;
  double offered_per_s = 0, accepted_per_s = 0;
  Duration claim_p50{}, claim_p99{};  // of the last second; 0 when nothing was claimed
  double backlog = 0;
  Duration trial_left{}, left{};  // of this trial, of everything
};

class Progress {
 public:
  // `stream` is stderr in the program. Colour only on a terminal and without NO_COLOR.
  explicit Progress(std::FILE* stream);

  void note(std::string_view line);  // a line of its own, kept
  void begin_trial(std::size_t number, std::size_t of, std::string label);
  void update(ProgressState const& state, TimePoint now);
  void end_trial(std::string_view result);

 private:
  void erase();
  void draw(std::string const& line);

  std::FILE* stream_;
  bool terminal_, colour_;
  std::string head_;  // "2/5 500 runners · postgres-batch"
  TimePoint last_line_{};
  bool drawn_ = false;
};

}  // namespace assay
