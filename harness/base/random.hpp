// Seeded random streams. One seed names a whole trial; each actor draws from its own stream, split from that seed by a
// name, so that adding an actor changes no other actor's draws. xoshiro256** (Blackman & Vigna 2018), seeded by SplitMix64.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace assay {

class Random {
 public:
  using result_type = std::uint64_t;  // a UniformRandomBitGenerator

  explicit Random(std::uint64_t seed);

  // An independent stream for `name`, `index`; the same (seed, name, index) always gives the same stream.
  static Random stream(std::uint64_t seed, std::string_view name, std::uint64_t index = 0);

  std::uint64_t operator()();
  static constexpr std::uint64_t min() { return 0; }
  static constexpr std::uint64_t max() { return ~std::uint64_t{0}; }

  double uniform();                      // [0, 1)
  double exponential(double mean);       // mean > 0
  std::uint64_t below(std::uint64_t n);  // [0, n), n > 0

 private:
  std::array<std::uint64_t, 4> state_;
};

// A seed from the operating system, for when the user gave none. It is printed and stored, so that it can be replayed.
std::uint64_t random_seed();

}  // namespace assay
