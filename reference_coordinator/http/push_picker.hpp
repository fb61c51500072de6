// Which runner gets a run, when several that may take it have a free slot: a pure class per way to choose, asked by the
// PushRoom for every run. Source 004 picks at random; the others are what it leaves for later. To add one: a class, its
// name in picker_names(), a line in make_picker(). Easy to get wrong: where several are equal the choice is random, or
// the first runner to connect would get everything.
#pragma once

#include "harness/base/random.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace assay {

struct Candidate {
  std::uint32_t runner = 0;        // the room's number for it
  std::uint32_t busy = 0;          // runs it works now
  std::uint32_t slots = 1;         // runs it can work at once, > busy
  std::uint32_t capabilities = 0;  // tags it offers

  double load() const { return static_cast<double>(busy) / slots; }
};

class Picker {
 public:
  virtual ~Picker() = default;
  // The index of one of the candidates, of which there is at least one.
  virtual std::size_t pick(std::span<Candidate const> candidates) = 0;
};

// "random": each with the same probability. "least_loaded": the lowest share of taken slots. "two_choices": the less
// loaded of two random ones (Mitzenmacher 2001). "capability_aware": the runner that offers fewest tags, so that those
// which can do more stay free for what needs them; of these the least loaded.
std::span<std::string_view const> picker_names();

// nullptr: no picker has this name.
std::unique_ptr<Picker> make_picker(std::string_view name, std::uint64_t seed);

}  // namespace assay
