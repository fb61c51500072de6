// The SQLite backend's thinking: state of every run, places, tokens, leases and delays in one file, and the verbs of
// ClaimStore one item at a time. Everything happens inside a transaction that the Writer begins and ends; all methods
// throw Trouble, and then the transaction must be rolled back. Not for two threads at once. Easy to get wrong: several
// processes may have the file open, so nothing is remembered between transactions but what never changes (tag sets).
#pragma once

#include "reference_coordinator/backends/sqlite/database.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "reference_coordinator/claim_core/tag_sets.hpp"

#include <array>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace assay::sqlite {

class RunFile {
 public:
  // Creates or checks the tables, and takes the next epoch. Refuses a file that is not ours, or of another version.
  RunFile(std::filesystem::path const& file, RetryPolicy retry);
  ~RunFile();

  StoreFacts facts();

  void begin();
  void commit();
  void roll_back() noexcept;

  Outcome submit(RunSpec const& run, TimePoint now);
  // Demand by demand, each highest priority first, then in the order of places.
  std::vector<Claim> claim(std::vector<Demand> const& demands, Duration lease, TimePoint now);
  Outcome renew(ClaimRef const& claim, Duration lease, TimePoint now);
  Outcome complete(Completion const& completion, TimePoint now);
  Outcome fail(FailedAttempt const& failure, TimePoint now);
  Outcome release(ClaimRef const& claim, TimePoint now);
  SweepResult sweep(std::size_t max, TimePoint now);
  Depth depth(TimePoint now);
  std::optional<RunView> find(RunId id);

 private:
  enum class Said : std::uint8_t { nothing, completed, failed };  // the last report accepted, by the last token
  struct Held {                                                   // a run that the reported token holds
    std::int64_t place = 0;
    int attempts = 0;
    int max_attempts = 0;
  };
  struct Head {  // the first ready run of a tag set, or of those of it below some priority
    int priority = 0;
    std::int64_t place = 0;
    std::int64_t since = 0;
  };
  struct Statements;

  void open_tables(std::filesystem::path const& file);
  void move_times_to_this_boot();
  std::int32_t intern(TagSet const& required);
  std::optional<Head> head_of(std::int32_t tag_set, int below = highest_priority + 1);
  Claim take(std::int64_t place, Demand const& demand, std::int64_t until);
  std::variant<Held, Outcome> held(ClaimRef const& claim, Said repeated);
  void move(std::int64_t place, RunState from, RunState to, int attempts, std::int64_t at);
  void say(std::int64_t place, RunState from, RunState to, Said said, std::string_view result, std::int64_t at);
  void count(RunState from, RunState to);

  Database database_;
  RetryPolicy retry_;
  std::uint64_t epoch_ = 0;
  std::uint64_t next_counter_ = 1;
  std::unique_ptr<Statements> sql_;
  TagSets tag_sets_;
  std::array<std::int64_t, 5> changes_{};  // of the number of runs in each state, by this transaction
};

}  // namespace assay::sqlite
