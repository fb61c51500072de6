// No lost wake-ups, no lost claims, no hammering: the dispatcher against a model store, in random interleavings of
// everything that can happen between two events of the loop. In the model a commit and its event are two steps, and so
// are the moment a batch is handed out, the moment the store looks, and the moment its answer arrives.
#include "harness/base/random.hpp"
#include "reference_coordinator/claim_core/dispatcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace assay {
namespace {

class World {
 public:
  explicit World(std::uint64_t seed) : random_{seed}, dispatcher_{options(seed)} {
    for (auto& weight : weights_) total_weight_ += weight = 1 + random_.below(10);
    unknown_percent_ = random_.below(3) * 30;
  }

  // Each world has its own mix: some starve the polls, some the runs, some are mostly failures.
  void step() {
    std::uint64_t ticket = random_.below(total_weight_);
    std::size_t action = 0;
    while (ticket >= weights_[action]) ticket -= weights_[action++];
    switch (action) {
      case 0: return submit();
      case 1: return tell();
      case 2: return park();
      case 3: return cancel();
      case 4: return expire();
      case 5: return hand_out();
      case 6: return look();
      case 7: return answer();
      case 8: return release();
      default: return fail();
    }
  }

  // Nothing new happens; what is under way ends. Says how many batches that took.
  int drain() {
    int batches = 0;
    for (;;) {
      while (!told_later_.empty()) tell();
      hand_out();
      if (in_flight_.empty()) {
        if (unwanted_.empty() && told_later_.empty()) {
          auto const resume = dispatcher_.next_event();
          if (!resume || *resume > now_ + longest_pause) return batches;
          now_ = *resume;  // the end of a pause after an error, or of a short hold
          expire();
        }
        release();
        continue;
      }
      ++batches;
      if (batches > 10'000) return batches;
      look();
      answer();
    }
  }

  void check_quiet() {
    for (TagSet const& offered : parked_offers()) {
      for (auto const& [required, count] : ready_) {
        if (count > 0 && offered.includes(required)) {
          FAIL() << "a poll that offers '" << offered.key() << "' sleeps although a run of '" << required.key()
                 << "' is ready";
        }
      }
    }
    std::uint64_t ready = 0;
    for (auto const& [required, count] : ready_) ready += count;
    EXPECT_EQ(ready + assigned_, submitted_) << "a run was lost or doubled";
  }

 private:
  struct Out {
    Batch batch;
    std::optional<std::vector<Claim>> looked;
  };

  static constexpr Duration longest_pause = seconds{2};

  static Dispatcher::Options options(std::uint64_t seed) {
    Random random = Random::stream(seed, "options");
    Dispatcher::Options options;
    options.max_batch = 1 + random.below(6);
    options.max_in_flight = 1 + random.below(3);
    options.longest_pause = longest_pause;
    options.seed = seed;
    return options;
  }

  TagSet random_tags() {
    std::vector<std::string> tags;
    for (char const* tag : {"a", "b", "c"}) {
      if (random_.below(2) == 0) tags.emplace_back(tag);
    }
    return TagSet{tags};
  }

  void submit() {
    auto const runs = 1 + random_.below(3);
    TagSet const required = random_tags();
    ready_[required] += runs;
    submitted_ += runs;
    told_later_.push_back({required, runs});
  }

  void tell() {
    if (told_later_.empty()) return;
    auto const [required, runs] = told_later_.front();
    told_later_.pop_front();
    if (random_.below(100) < unknown_percent_) {
      dispatcher_.work_may_exist();
    } else {
      dispatcher_.work_may_exist(required, runs);
    }
  }

  void park() {
    TagSet const offered = random_tags();
    auto const max = static_cast<std::uint32_t>(1 + random_.below(3));
    // Some holds end during the random part, the others not before the drain does.
    Duration const hold =
        random_.below(3) == 0 ? Duration{milliseconds{random_.below(100)}} : Duration{std::chrono::hours{24}};
    PollId const poll = dispatcher_.park("r", offered, max, now_, now_ + hold);
    polls_.emplace(poll, offered);
  }

  void cancel() {
    if (polls_.empty()) return;
    auto poll = polls_.begin();
    std::advance(poll, static_cast<std::ptrdiff_t>(random_.below(polls_.size())));
    EXPECT_TRUE(dispatcher_.cancel(poll->first));
    polls_.erase(poll);
  }

  void expire() {
    now_ += milliseconds{random_.below(10)};
    for (PollId const poll : dispatcher_.expire(now_)) EXPECT_EQ(polls_.erase(poll), 1U) << "answered twice";
  }

  void hand_out() {
    auto batch = dispatcher_.next_batch(now_);
    if (!batch) return;
    EXPECT_FALSE(batch->demands.empty());
    in_flight_.push_back({std::move(*batch), std::nullopt});
  }

  Out* some_batch() { return in_flight_.empty() ? nullptr : &in_flight_[random_.below(in_flight_.size())]; }

  void look() {
    Out* const out = some_batch();
    if (out == nullptr || out->looked) return;
    out->looked.emplace();
    for (std::uint32_t i = 0; i < out->batch.demands.size(); ++i) {
      Demand const& demand = out->batch.demands[i];
      for (std::uint32_t n = 0; n < demand.count; ++n) {
        auto const fitting = std::find_if(ready_.begin(), ready_.end(), [&](auto const& entry) {
          return entry.second > 0 && demand.offered.includes(entry.first);
        });
        if (fitting == ready_.end()) break;
        --fitting->second;
        Claim claim;
        claim.demand = i;
        claim.required = fitting->first;
        out->looked->push_back(claim);
      }
    }
  }

  void answer() {
    Out* const out = some_batch();
    if (out == nullptr || !out->looked) return;
    BatchAnswer const answer = dispatcher_.batch_done(out->batch.id, *out->looked);
    for (AssignedPoll const& assigned : answer.assigned) {
      EXPECT_EQ(polls_.erase(assigned.poll), 1U) << "assigned to a poll that had left, or twice";
      EXPECT_FALSE(assigned.claims.empty());
      assigned_ += assigned.claims.size();
    }
    unwanted_.insert(unwanted_.end(), answer.unwanted.begin(), answer.unwanted.end());
    in_flight_.erase(in_flight_.begin() + (out - in_flight_.data()));
  }

  // The store rolls back; nothing is told of what is ready again.
  void fail() {
    Out* const out = some_batch();
    if (out == nullptr) return;
    if (out->looked) {
      for (Claim const& claim : *out->looked) ++ready_[claim.required];
    }
    dispatcher_.batch_failed(out->batch.id, now_);
    in_flight_.erase(in_flight_.begin() + (out - in_flight_.data()));
  }

  void release() {
    for (Claim const& claim : unwanted_) {
      ++ready_[claim.required];
      told_later_.push_back({claim.required, 1});
    }
    unwanted_.clear();
  }

  std::set<TagSet> parked_offers() const {
    std::set<TagSet> offers;
    for (auto const& [poll, offered] : polls_) offers.insert(offered);
    return offers;
  }

  Random random_;
  std::array<std::uint64_t, 10> weights_{};  // of the actions in step()
  std::uint64_t total_weight_ = 0;
  std::uint64_t unknown_percent_;  // of the events
  Dispatcher dispatcher_;
  TimePoint now_{seconds{1}};
  std::map<TagSet, std::uint64_t> ready_;
  std::deque<std::pair<TagSet, std::uint64_t>> told_later_;
  std::map<PollId, TagSet> polls_;
  std::vector<Out> in_flight_;
  std::vector<Claim> unwanted_;
  std::uint64_t submitted_ = 0, assigned_ = 0;
};

TEST(DispatcherPropertyTest, NoWakeIsLostInAnyInterleaving) {
  std::uint64_t const first_seed = random_seed();
  for (std::uint64_t i = 0; i < 4000; ++i) {
    std::uint64_t const seed = first_seed + i;
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world{seed};
    for (int round = 0; round < 10; ++round) {
      for (int step = 0; step < 40; ++step) world.step();
      EXPECT_LT(world.drain(), 500) << "it asks again and again";
      world.check_quiet();
      EXPECT_EQ(world.drain(), 0) << "it asks although nothing happened";
    }
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace assay
