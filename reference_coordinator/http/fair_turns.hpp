// Whose runs are given out next, so that every source gets the same runner time however long its runs are: deficit
// round robin (Shreedhar and Varghese 1995), in which a run costs what the runs of its source have taken on average. A
// pure class, used by the PushDesk when it claims. Easy to get wrong: a source that has nothing to run must not save up
// turns, so what it could not use is told by unused(), which takes its deficit away.
#pragma once

#include "harness/base/clock.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace assay {

class FairTurns {
 public:
  // How many of `slots` each of these sources may fill, in their order; the sum is `slots`. Charged at once.
  std::vector<std::uint32_t> share(std::uint32_t slots, std::span<std::string const> sources);

  // So many of the source's turns found nothing to run: given back, and its deficit forgotten.
  void unused(std::string const& source, std::uint32_t turns);

  // A run of this source ended after keeping its slot for `taken`.
  void finished(std::string const& source, Duration taken);

  // What a run of this source is charged, in seconds of a slot.
  double cost_of(std::string const& source) const;

 private:
  struct Account {
    double deficit = 0;  // seconds it may still use
    double mean = 0;     // of its runs; an exponential average, so that it follows a source that changes
    std::uint64_t finished = 0;
    std::uint64_t last_turn = 0;
  };

  std::map<std::string, Account> accounts_;
  std::uint64_t turns_ = 0;
};

}  // namespace assay
