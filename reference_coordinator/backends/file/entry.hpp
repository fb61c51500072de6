// A run of the file queue, as its file's name tells it. The name is the state: a move of the file from one folder to
// another is the only thing that changes hands, and it succeeds for one mover only. Names in queued/ sort in the order
// in which runs leave. A claimed name carries token and worker, so that only the claim that made it can move it on.
// Easy to get wrong: finished runs are named by their id alone, and keep the rest in their file's end (record.hpp).
#pragma once

#include "reference_coordinator/claim_core/claim_store.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace assay::file {

enum class Folder : std::uint8_t { queued, delayed, claimed, done, dead };
inline constexpr std::size_t folder_count = 5;
char const* name_of(Folder folder);

struct Entry {
  Folder folder = Folder::queued;
  int priority = 0;
  std::uint64_t place = 0;  // in the order of submission
  RunId id;
  int attempts = 0, max_attempts = 3;
  std::uint64_t tag_set = 0;  // TagFiles' number; 0: no tags
  ClaimToken token;           // of the last claim; counter 0: none yet
  bool failed = false;        // … which said so
  std::int64_t due_us = 0;    // delayed: of the machine's monotonic clock
  std::string worker;         // claimed: who, as far as a file name can say it

  std::string name() const;  // in its folder

  friend bool leaves_before(Entry const& a, Entry const& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.place < b.place;
  }
};

// Nothing when it is no name of ours.
std::optional<Entry> parse_entry(Folder folder, std::string_view name);

// Letters, digits, ".", "-"; anything else is "-"; at most 64.
std::string as_worker(std::string_view runner);

}  // namespace assay::file
