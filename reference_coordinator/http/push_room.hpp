// Who is connected for push, and which slots are free: a plain class fed by the PushDesk with connections, dispatches
// and ends of runs. Easy to get wrong: a runner that reconnects holds runs from before ("busy"), of which this gateway
// knows nothing but their number; each report of a run that it did not dispatch frees one of them.
#pragma once

#include "harness/base/clock.hpp"
#include "reference_coordinator/claim_core/claim_store.hpp"
#include "reference_coordinator/http/push_picker.hpp"

#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace assay {

using PushRunnerId = std::uint32_t;  // never used again for another connection

class PushRoom {
 public:
  struct Working {
    ClaimToken token;
    std::string source;  // of the run
    TimePoint since;
  };

  PushRunnerId join(std::string name, TagSet tags, std::uint32_t slots, std::uint32_t busy);
  // What it worked on, as far as it was dispatched from here.
  std::vector<ClaimRef> leave(PushRunnerId runner);
  void drain(PushRunnerId runner);  // no more runs

  // The runner that gets a run which requires this, by the picker; nothing when no slot is free for it.
  std::optional<PushRunnerId> pick(TagSet const& required, Picker& picker);
  // How many could take such a run now. For giving the most demanding runs first.
  std::size_t fitting(TagSet const& required) const;

  void begin(PushRunnerId runner, RunId const& run, Working working);
  // The run keeps this runner busy no more. What was known of it, when it was dispatched from here.
  std::optional<Working> end(PushRunnerId runner, RunId const& run);

  // Free slots by distinct offer.
  std::map<TagSet, std::uint32_t> free_slots() const;
  bool has_free_slot() const;

  std::size_t runners() const { return runners_.size(); }
  std::string const& name_of(PushRunnerId runner) const { return runners_.at(runner).name; }

 private:
  struct Connected {
    std::string name;
    TagSet tags;
    std::uint32_t slots = 1;
    std::uint32_t before = 0;  // runs it holds that were not dispatched from here
    bool draining = false;
    std::unordered_map<RunId, Working> working;

    std::uint32_t busy() const { return before + static_cast<std::uint32_t>(working.size()); }
    bool free() const { return !draining && busy() < slots; }
  };

  std::map<PushRunnerId, Connected> runners_;
  PushRunnerId next_ = 1;
  std::vector<Candidate> candidates_;  // of pick(), kept for its memory
};

}  // namespace assay
