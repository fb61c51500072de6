// What one match costs: poll parked → batch → run claimed from the memory backend's table → assignment. The promises
// (issue 2): O(1) in the backlog (1,000 against 1,000,000 ready runs within 2×), at least 1,000,000 matches/s on one
// thread, with 300 tag sets × 5 priorities. Only the match is timed; completing the runs and refilling the backlog is
// not.
#include "harness/base/random.hpp"
#include "reference_coordinator/backends/memory/run_table.hpp"
#include "reference_coordinator/claim_core/dispatcher.hpp"

#include <benchmark/benchmark.h>

#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

namespace assay {
namespace {

// The pairs out of 25 tags are 300 required sets.
constexpr std::size_t tag_count = 25;

TagSet tags(std::vector<std::size_t> const& numbers) {
  std::vector<std::string> names;
  for (std::size_t const number : numbers) names.push_back("tag-" + std::to_string(number));
  return TagSet{std::move(names)};
}

class Workload {
 public:
  // Each offer is `tags_per_offer` of the 25 tags: 10 include 45 of the required sets, 25 include all 300.
  Workload(std::size_t backlog, std::size_t tags_per_offer) : table_{options()}, dispatcher_{Dispatcher::Options{}} {
    for (std::size_t a = 0; a < tag_count; ++a) {
      for (std::size_t b = a + 1; b < tag_count; ++b) required_.push_back(tags({a, b}));
    }
    for (int i = 0; i < 100; ++i) {
      std::vector<std::size_t> numbers(tag_count);
      for (std::size_t n = 0; n < tag_count; ++n) numbers[n] = n;
      for (std::size_t n = 0; n < tags_per_offer; ++n) std::swap(numbers[n], numbers[n + random_.below(tag_count - n)]);
      numbers.resize(tags_per_offer);
      offers_.push_back(tags(numbers));
    }
    for (std::size_t i = 0; i < backlog; ++i) submit();
  }

  // Parks `polls` polls, hands them out as one batch and gives them their runs.
  void match(std::size_t polls) {
    for (std::size_t i = 0; i < polls; ++i) {
      dispatcher_.park(runner_, offers_[next_offer_++ % offers_.size()], 1, now_, now_ + seconds{30});
    }
    auto batch = dispatcher_.next_batch(now_);
    std::vector<Claim> claims;
    claims.reserve(polls);
    for (std::uint32_t i = 0; i < batch->demands.size(); ++i) {
      table_.claim(batch->demands[i], i, seconds{60}, now_, claims);
    }
    answers_.push_back(dispatcher_.batch_done(batch->id, std::move(claims)));
  }

  // The result: how many matches there were since the last time.
  std::size_t complete_and_refill() {
    std::size_t matches = 0;
    for (BatchAnswer const& answer : answers_) {
      matches += answer.assigned.size();
      for (AssignedPoll const& assigned : answer.assigned) {
        for (Claim const& claim : assigned.claims) {
          table_.complete({claim.run, claim.token, {}});
          submit();
        }
      }
    }
    answers_.clear();
    dispatcher_.dismiss_all();
    dispatcher_.work_may_exist();
    now_ += milliseconds{1};
    return matches;
  }

 private:
  static RunTable::Options options() {
    RunTable::Options options;
    options.epoch = 1;
    options.remembered = 10'000;
    return options;
  }

  void submit() {
    RunSpec spec;
    spec.id = make_run_id(1, random_);
    spec.required = required_[random_.below(required_.size())];
    spec.priority = static_cast<int>(random_.below(5));
    spec.payload = "payload";
    table_.submit(std::move(spec), now_);
  }

  Random random_{42};
  RunTable table_;
  Dispatcher dispatcher_;
  std::vector<TagSet> required_, offers_;
  std::string runner_ = "runner-0001";
  std::vector<BatchAnswer> answers_;
  std::size_t next_offer_ = 0;
  TimePoint now_{seconds{1}};
};

// The thread's own CPU time: on a machine that is shared, wall time measures the neighbours.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Arguments: ready runs, polls per batch, tags per offer. Each iteration is 256 matches.
void match(benchmark::State& state) {
  auto const backlog = static_cast<std::size_t>(state.range(0));
  auto const polls = static_cast<std::size_t>(state.range(1));
  Workload workload{backlog, static_cast<std::size_t>(state.range(2))};
  std::size_t matches = 0;
  for (auto _ : state) {
    double const started = cpu_seconds();
    for (std::size_t done = 0; done < 256; done += polls) workload.match(polls);
    state.SetIterationTime(cpu_seconds() - started);
    matches += workload.complete_and_refill();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(matches));
}

BENCHMARK(match)
    ->ArgNames({"backlog", "polls", "tags"})
    ->ArgsProduct({{1'000, 1'000'000}, {256, 1}, {10}})
    ->ArgsProduct({{1'000, 1'000'000}, {256}, {25}})
    ->UseManualTime();

}  // namespace
}  // namespace assay
