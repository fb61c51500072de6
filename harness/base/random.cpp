#include "harness/base/random.hpp"

#include <bit>
#include <cmath>
#include <random>

namespace assay {

namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (auto& word : state_) word = split_mix(seed);
}

Random Random::stream(std::uint64_t seed, std::string_view name, std::uint64_t index) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a: stable across platforms, unlike std::hash
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  std::uint64_t mixed = hash ^ split_mix(seed);
  mixed = split_mix(mixed) + index;
  return Random{split_mix(mixed)};
}

std::uint64_t Random::operator()() {
  std::uint64_t const result = std::rotl(state_[1] * 5, 7) * 9;
  std::uint64_t const t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Random::uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

// 1 − u is in (0, 1], so that the logarithm is finite.
double Random::exponential(double mean) { return -mean * std::log(1.0 - uniform()); }

std::uint64_t Random::below(std::uint64_t n) {
  // Lemire's multiply-shift with rejection: unbiased (Lemire 2019, "Fast random integer generation in an interval").
  std::uint64_t const threshold = (0 - n) % n;
  for (;;) {
    auto const product = static_cast<Wide>((*this)()) * n;
    if (static_cast<std::uint64_t>(product) >= threshold) return static_cast<std::uint64_t>(product >> 64);
  }
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace assay
