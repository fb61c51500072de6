#include "reference_coordinator/backends/sqlite/run_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>

namespace assay::sqlite {

namespace {

constexpr int version = 1;
constexpr int application_id = 0x61737379;  // "assy", in the file's header

// `at`, in microseconds of the machine's monotonic clock: delayed, ready at; ready, since; claimed, end of the lease.
// The indexes are partial, so that a finished run is in none of them but its id's. Payloads have a table of their own:
// an update of a row writes all of it.
constexpr char const* tables = R"sql(
  CREATE TABLE about (version INTEGER NOT NULL, last_epoch INTEGER NOT NULL, boot TEXT NOT NULL,
                      boot_unix INTEGER NOT NULL);
  CREATE TABLE tag_set (id INTEGER PRIMARY KEY, tags BLOB NOT NULL UNIQUE);
  CREATE TABLE run (place INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, tag_set INTEGER NOT NULL,
                    priority INTEGER NOT NULL, state INTEGER NOT NULL, at INTEGER NOT NULL,
                    max_attempts INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
                    epoch INTEGER NOT NULL DEFAULT 0, counter INTEGER NOT NULL DEFAULT 0,
                    said INTEGER NOT NULL DEFAULT 0, runner BLOB NOT NULL DEFAULT x'', result BLOB NOT NULL DEFAULT x'');
  CREATE INDEX run_ready ON run (tag_set, priority DESC, place) WHERE state = 1;
  CREATE INDEX run_lease ON run (at) WHERE state = 2;
  CREATE INDEX run_delayed ON run (at) WHERE state = 0;
  CREATE TABLE payload (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
  CREATE TABLE tally (state INTEGER PRIMARY KEY, runs INTEGER NOT NULL);
  INSERT INTO tally (state, runs) VALUES (0, 0), (1, 0), (2, 0), (3, 0), (4, 0);
)sql";

std::int64_t microseconds_of(TimePoint time) {
  return std::chrono::floor<microseconds>(time.time_since_epoch()).count();
}

// Never earlier than asked for.
std::int64_t microseconds_of(TimePoint now, Duration later) {
  return std::chrono::ceil<microseconds>((now + later).time_since_epoch()).count();
}

std::string this_boot() {
  std::string id;
  std::getline(std::ifstream{"/proc/sys/kernel/random/boot_id"}, id);
  return id;
}

}  // namespace

struct RunFile::Statements {
  explicit Statements(Database& database)
      : new_tag_sets{database.prepare("SELECT id, tags FROM tag_set WHERE id > ? ORDER BY id")},
        intern{database.prepare("INSERT INTO tag_set (tags) VALUES (?)")},
        submit{database.prepare("INSERT INTO run (id, tag_set, priority, state, at, max_attempts) "
                                "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING")},
        keep_payload{database.prepare("INSERT INTO payload (place, bytes) VALUES (?, ?)")},
        head{database.prepare("SELECT priority, place, at FROM run WHERE state = 1 AND tag_set = ? AND priority < ? "
                              "ORDER BY priority DESC, place LIMIT 1")},
        claim{database.prepare("UPDATE run SET state = 2, said = 0, attempts = attempts + 1, epoch = ?, counter = ?, "
                               "at = ?, runner = ? WHERE place = ? RETURNING id, attempts, tag_set, priority")},
        payload{database.prepare("SELECT bytes FROM payload WHERE place = ?")},
        look{database.prepare("SELECT place, state, epoch, counter, said, attempts, max_attempts FROM run "
                              "WHERE id = ?")},
        renew{database.prepare("UPDATE run SET at = ? WHERE place = ?")},
        move{database.prepare("UPDATE run SET state = ?, attempts = ?, at = ? WHERE place = ?")},
        say{database.prepare("UPDATE run SET state = ?, said = ?, result = ?, at = ? WHERE place = ?")},
        expired{database.prepare("SELECT place, id, attempts, max_attempts FROM run WHERE state = 2 AND at < ? "
                                 "ORDER BY at LIMIT ?")},
        due{database.prepare("SELECT place, attempts FROM run WHERE state = 0 AND at <= ? ORDER BY at LIMIT ?")},
        find{database.prepare("SELECT state, tag_set, priority, attempts, runner, result FROM run WHERE id = ?")},
        tally{database.prepare("SELECT state, runs FROM tally")},
        count{database.prepare("UPDATE tally SET runs = runs + ? WHERE state = ?")} {}

  Statement new_tag_sets, intern, submit, keep_payload, head, claim, payload, look, renew, move, say, expired, due,
      find, tally, count;
};

RunFile::RunFile(std::filesystem::path const& file, RetryPolicy retry) : database_{file}, retry_{retry} {
  // Write-ahead log and FULL: a commit is one append and one sync, after which the disk has it.
  database_.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;");
  database_.run("BEGIN IMMEDIATE");
  open_tables(file);
  epoch_ = static_cast<std::uint64_t>(
      std::stoll(database_.value_of("UPDATE about SET last_epoch = last_epoch + 1 RETURNING last_epoch")));
  move_times_to_this_boot();
  database_.run("COMMIT");
  sql_ = std::make_unique<Statements>(database_);
}

RunFile::~RunFile() = default;

void RunFile::open_tables(std::filesystem::path const& file) {
  auto const refuse = [&](std::string const& why) {
    throw Trouble{SQLITE_NOTADB, fmt::format("'{}' {}", file.string(), why)};
  };
  if (database_.value_of("SELECT count(*) FROM sqlite_schema") == "0") {
    database_.run(fmt::format("PRAGMA application_id = {}", application_id));
    database_.run(tables);
    Statement about = database_.prepare("INSERT INTO about VALUES (?, 0, ?, 0)");
    about.with(version, this_boot()).run();
  } else if (database_.value_of("PRAGMA application_id") != std::to_string(application_id)) {
    refuse("is a database that assay did not make: give another file");
  } else if (std::string const found = database_.value_of("SELECT version FROM about");
             found != std::to_string(version)) {
    refuse(fmt::format("has version {} and this assay needs {}: finish with the other one, or give another file", found,
                       version));
  }
}

// The monotonic clock starts again with the machine. What happened before is placed by the wall clock, which otherwise
// nothing here depends on.
void RunFile::move_times_to_this_boot() {
  auto const wall = std::chrono::system_clock::now().time_since_epoch();
  std::int64_t const boot_unix =
      std::chrono::duration_cast<microseconds>(wall).count() - microseconds_of(std::chrono::steady_clock::now());
  Statement moved = database_.prepare(
      "UPDATE run SET at = at + (SELECT boot_unix FROM about) - ? WHERE state <= 2 AND (SELECT boot FROM about) <> ?");
  moved.with(boot_unix, this_boot()).run();
  database_.prepare("UPDATE about SET boot = ?, boot_unix = ?").with(this_boot(), boot_unix).run();
}

StoreFacts RunFile::facts() {
  std::string const synchronous = database_.value_of("PRAGMA synchronous");
  return {{"sqlite_version", sqlite3_libversion()},
          {"journal_mode", database_.value_of("PRAGMA journal_mode")},
          {"synchronous", synchronous == "2" ? "full" : synchronous},
          {"page_size", database_.value_of("PRAGMA page_size")},
          {"epoch", std::to_string(epoch_)}};
}

void RunFile::begin() {
  database_.run("BEGIN IMMEDIATE");
  sql_->new_tag_sets.with(tag_sets_.newest());
  while (sql_->new_tag_sets.step()) {
    tag_sets_.learn(static_cast<std::int32_t>(sql_->new_tag_sets.integer(0)), sql_->new_tag_sets.bytes(1));
  }
}

void RunFile::commit() {
  for (std::size_t state = 0; state < changes_.size(); ++state) {
    if (changes_[state] != 0) sql_->count.with(changes_[state], static_cast<std::int64_t>(state)).run();
  }
  database_.run("COMMIT");
  changes_.fill(0);
}

void RunFile::roll_back() noexcept {
  try {
    if (database_.in_transaction()) database_.run("ROLLBACK");
  } catch (Trouble const&) {
    // The next BEGIN will say what is wrong with the file.
  }
  changes_.fill(0);
  tag_sets_ = TagSets{};  // some of them may not have been kept
}

Outcome RunFile::submit(RunSpec const& run, TimePoint now) {
  if (!is_acceptable(run)) return Outcome::rejected;
  RunState const state = run.delay > Duration::zero() ? RunState::delayed : RunState::ready;
  std::int32_t const tag_set = intern(run.required);
  sql_->submit
      .with(run.id, tag_set, run.priority, static_cast<int>(state), microseconds_of(now, run.delay), run.max_attempts)
      .run();
  if (database_.changed() == 0) return Outcome::already_done;
  sql_->keep_payload.with(database_.last_rowid(), run.payload).run();
  ++changes_[static_cast<std::size_t>(state)];
  return Outcome::ok;
}

std::int32_t RunFile::intern(TagSet const& required) {
  if (auto const known = tag_sets_.id_of(required)) return *known;
  std::string const key = required.key();
  sql_->intern.with(key).run();
  auto const id = static_cast<std::int32_t>(database_.last_rowid());
  tag_sets_.learn(id, key);
  return id;
}

std::vector<Claim> RunFile::claim(std::vector<Demand> const& demands, Duration lease, TimePoint now) {
  std::vector<Claim> claims;
  std::int64_t const until = microseconds_of(now, lease);
  std::map<std::int32_t, std::optional<Head>> heads;  // by tag set: only what this claim takes changes them
  for (std::uint32_t i = 0; i < demands.size(); ++i) {
    Demand const& demand = demands[i];
    std::vector<std::int32_t> const& fitting = tag_sets_.fitting(demand.offered);
    for (std::uint32_t n = 0; n < demand.count; ++n) {
      std::optional<Head>* best = nullptr;
      std::int32_t best_set = 0;
      for (std::int32_t const set : fitting) {
        auto const [head, unknown] = heads.try_emplace(set);
        if (unknown) head->second = head_of(set);
        auto const before = [](Head const& a, Head const& b) {
          return a.priority != b.priority ? a.priority > b.priority : a.place < b.place;
        };
        if (head->second && (best == nullptr || before(*head->second, **best))) {
          best = &head->second;
          best_set = set;
        }
      }
      if (best == nullptr) break;
      claims.push_back(take((*best)->place, demand, until));
      claims.back().demand = i;
      *best = head_of(best_set);
    }
  }
  return claims;
}

std::optional<RunFile::Head> RunFile::head_of(std::int32_t tag_set, int below) {
  Statement& head = sql_->head.with(tag_set, below);
  if (!head.step()) return std::nullopt;
  Head const found{static_cast<int>(head.integer(0)), head.integer(1), head.integer(2)};
  head.reset();
  return found;
}

Claim RunFile::take(std::int64_t place, Demand const& demand, std::int64_t until) {
  Claim claim;
  claim.token = {epoch_, next_counter_++};
  Statement& taken = sql_->claim.with(claim.token.epoch, claim.token.counter, until, demand.runner, place);
  taken.step();
  claim.run = taken.run_id(0);
  claim.attempt = static_cast<int>(taken.integer(1));
  claim.required = tag_sets_.of(static_cast<std::int32_t>(taken.integer(2)));
  claim.priority = static_cast<int>(taken.integer(3));
  taken.run();
  Statement& payload = sql_->payload.with(place);
  payload.step();
  claim.payload = payload.bytes(0);
  payload.reset();
  count(RunState::ready, RunState::claimed);
  return claim;
}

// What a report with this token answers when the run is not held by it: docs/contract.md, "What each report answers".
std::variant<RunFile::Held, Outcome> RunFile::held(ClaimRef const& claim, Said repeated) {
  Statement& look = sql_->look.with(claim.run);
  if (!look.step()) return Outcome::unknown_run;
  Held const held{look.integer(0), static_cast<int>(look.integer(5)), static_cast<int>(look.integer(6))};
  auto const state = static_cast<RunState>(look.integer(1));
  ClaimToken const last{static_cast<std::uint64_t>(look.integer(2)), static_cast<std::uint64_t>(look.integer(3))};
  auto const said = static_cast<Said>(look.integer(4));
  look.reset();
  if (last != claim.token || last.counter == 0) return Outcome::stale_token;
  if (state == RunState::claimed) return held;
  if (said == Said::nothing || repeated == Said::nothing) return Outcome::stale_token;
  return said == repeated ? Outcome::already_done : Outcome::rejected;
}

Outcome RunFile::renew(ClaimRef const& claim, Duration lease, TimePoint now) {
  auto const found = held(claim, Said::nothing);
  if (auto const* refused = std::get_if<Outcome>(&found)) return *refused;
  sql_->renew.with(microseconds_of(now, lease), std::get<Held>(found).place).run();
  return Outcome::ok;
}

Outcome RunFile::complete(Completion const& completion, TimePoint now) {
  if (completion.result.size() > max_payload_bytes) return Outcome::rejected;
  auto const found = held({completion.run, completion.token}, Said::completed);
  if (auto const* refused = std::get_if<Outcome>(&found)) return *refused;
  say(std::get<Held>(found).place, RunState::claimed, RunState::completed, Said::completed, completion.result,
      microseconds_of(now));
  return Outcome::ok;
}

Outcome RunFile::fail(FailedAttempt const& failure, TimePoint now) {
  if (failure.cause.size() > max_payload_bytes) return Outcome::rejected;
  auto const found = held({failure.run, failure.token}, Said::failed);
  if (auto const* refused = std::get_if<Outcome>(&found)) return *refused;
  Held const& run = std::get<Held>(found);
  RunState const next = run.attempts >= run.max_attempts ? RunState::dead : RunState::delayed;
  say(run.place, RunState::claimed, next, Said::failed, failure.cause,
      microseconds_of(now, retry_.delay_after(run.attempts)));
  return Outcome::ok;
}

Outcome RunFile::release(ClaimRef const& claim, TimePoint now) {
  auto const found = held(claim, Said::nothing);
  if (auto const* refused = std::get_if<Outcome>(&found)) return *refused;
  Held const& run = std::get<Held>(found);
  move(run.place, RunState::claimed, RunState::ready, run.attempts - 1, microseconds_of(now));
  return Outcome::ok;
}

SweepResult RunFile::sweep(std::size_t max, TimePoint now) {
  struct Found {
    std::int64_t place;
    int attempts;
    RunId id;
    bool last;
  };
  std::int64_t const at = microseconds_of(now);
  std::vector<Found> found;  // first all, because an update would change the index that is being read
  Statement& expired = sql_->expired.with(at, static_cast<std::int64_t>(max));
  while (expired.step()) {
    found.push_back({expired.integer(0), static_cast<int>(expired.integer(2)), expired.run_id(1),
                     expired.integer(2) >= expired.integer(3)});
  }
  SweepResult result;
  for (Found const& run : found) {
    if (run.last) {
      say(run.place, RunState::claimed, RunState::dead, Said::nothing, "lease expired", at);
      result.dead.push_back(run.id);
    } else {
      move(run.place, RunState::claimed, RunState::ready, run.attempts, at);
      result.requeued.push_back(run.id);
    }
  }
  found.clear();
  Statement& due = sql_->due.with(at, static_cast<std::int64_t>(max));
  while (due.step()) found.push_back({due.integer(0), static_cast<int>(due.integer(1)), {}, false});
  for (Found const& run : found) move(run.place, RunState::delayed, RunState::ready, run.attempts, at);
  result.released = found.size();
  return result;
}

Depth RunFile::depth(TimePoint now) {
  Depth depth;
  std::array<std::int64_t, 5> runs = changes_;
  while (sql_->tally.step()) runs.at(static_cast<std::size_t>(sql_->tally.integer(0))) += sql_->tally.integer(1);
  auto const of = [&](RunState state) { return static_cast<std::uint64_t>(runs[static_cast<std::size_t>(state)]); };
  depth.delayed = of(RunState::delayed);
  depth.ready = of(RunState::ready);
  depth.claimed = of(RunState::claimed);
  depth.completed = of(RunState::completed);
  depth.dead = of(RunState::dead);
  // Who has been ready longest of those that are next in their tag set and priority.
  for (std::int32_t set = 1; set <= tag_sets_.newest(); ++set) {
    for (auto head = head_of(set); head; head = head_of(set, head->priority)) {
      depth.oldest_ready_age =
          std::max<Duration>(depth.oldest_ready_age, microseconds{microseconds_of(now) - head->since});
    }
  }
  return depth;
}

std::optional<RunView> RunFile::find(RunId id) {
  Statement& found = sql_->find.with(id);
  if (!found.step()) return std::nullopt;
  RunView view;
  view.id = id;
  view.state = static_cast<RunState>(found.integer(0));
  view.required = tag_sets_.of(static_cast<std::int32_t>(found.integer(1)));
  view.priority = static_cast<int>(found.integer(2));
  view.attempts = static_cast<int>(found.integer(3));
  view.runner = found.bytes(4);
  if (view.state == RunState::completed || view.state == RunState::dead) view.result = found.bytes(5);
  found.reset();
  return view;
}

void RunFile::move(std::int64_t place, RunState from, RunState to, int attempts, std::int64_t at) {
  sql_->move.with(static_cast<int>(to), attempts, at, place).run();
  count(from, to);
}

void RunFile::say(std::int64_t place, RunState from, RunState to, Said said, std::string_view result, std::int64_t at) {
  sql_->say.with(static_cast<int>(to), static_cast<int>(said), result, at, place).run();
  count(from, to);
}

void RunFile::count(RunState from, RunState to) {
  --changes_[static_cast<std::size_t>(from)];
  ++changes_[static_cast<std::size_t>(to)];
}

}  // namespace assay::sqlite
