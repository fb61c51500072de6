#include "reference_coordinator/http/push_picker.hpp"

#include <array>
#include <compare>

namespace assay {

namespace {

constexpr std::array<std::string_view, 4> names{"random", "least_loaded", "two_choices", "capability_aware"};

// One of the best by `before`, each equally likely: the k-th of them replaces the one kept with probability 1/k.
template <class Before>
std::size_t best_of(std::span<Candidate const> candidates, Random& random, Before before) {
  std::size_t best = 0;
  std::uint64_t equal = 1;
  for (std::size_t i = 1; i < candidates.size(); ++i) {
    if (before(candidates[i], candidates[best])) {
      best = i;
      equal = 1;
    } else if (!before(candidates[best], candidates[i]) && random.below(++equal) == 0) {
      best = i;
    }
  }
  return best;
}

bool less_loaded(Candidate const& a, Candidate const& b) { return a.load() < b.load(); }

bool less_capable(Candidate const& a, Candidate const& b) {
  return a.capabilities != b.capabilities ? a.capabilities < b.capabilities : less_loaded(a, b);
}

class RandomPicker final : public Picker {
 public:
  explicit RandomPicker(Random random) : random_{random} {}
  std::size_t pick(std::span<Candidate const> candidates) override { return random_.below(candidates.size()); }

 private:
  Random random_;
};

class TwoChoices final : public Picker {
 public:
  explicit TwoChoices(Random random) : random_{random} {}
  std::size_t pick(std::span<Candidate const> candidates) override {
    std::size_t const first = random_.below(candidates.size());
    if (candidates.size() == 1) return first;
    std::size_t second = random_.below(candidates.size() - 1);
    if (second >= first) ++second;
    return less_loaded(candidates[second], candidates[first]) ? second : first;
  }

 private:
  Random random_;
};

template <bool (*before)(Candidate const&, Candidate const&)>
class BestPicker final : public Picker {
 public:
  explicit BestPicker(Random random) : random_{random} {}
  std::size_t pick(std::span<Candidate const> candidates) override { return best_of(candidates, random_, before); }

 private:
  Random random_;
};

}  // namespace

std::span<std::string_view const> picker_names() { return names; }

std::unique_ptr<Picker> make_picker(std::string_view name, std::uint64_t seed) {
  Random const random = Random::stream(seed, "picker");
  if (name == names[0]) return std::make_unique<RandomPicker>(random);
  if (name == names[1]) return std::make_unique<BestPicker<less_loaded>>(random);
  if (name == names[2]) return std::make_unique<TwoChoices>(random);
  if (name == names[3]) return std::make_unique<BestPicker<less_capable>>(random);
  return nullptr;
}

}  // namespace assay
