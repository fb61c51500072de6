#include "reference_coordinator/backends/file/file_queue.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::file {

namespace {

// A batch is kept until its runs are on the disk, which is seen to for so many together.
constexpr std::uint64_t batches_kept = 64;

}  // namespace

FileQueue::FileQueue(std::filesystem::path const& folder, Kind kind, RetryPolicy retry)
    : folder_{folder, kind == Kind::index}, retry_{retry} {
  catalogue_ = kind == Kind::index ? index_catalogue(folder_) : scan_catalogue(folder_);
  RunFolder::Exclusive const only_we{folder_};
  finish_batches(folder_.batches());
  constexpr auto end_of_time = std::numeric_limits<std::int64_t>::max();
  if (!folder_.machine_restarted()) return;
  finish_batches(folder_.unpacked());  // what of them had not reached the disk is made again
  folder_.forget_unpacked();
  sweep_at(end_of_time, std::numeric_limits<std::size_t>::max());
}

// The machine's clock, which nobody sets. It starts again with the machine, and with it ended all who held a lease.
std::int64_t FileQueue::now_us() const {
  return std::chrono::duration_cast<microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<Outcome> FileQueue::submit(std::vector<RunSpec> const& runs) {
  RunFolder::Exclusive const only_we{folder_};
  finish_batches(folder_.batches());
  auto const unfinished = catalogue_->unfinished();
  std::vector<Outcome> outcomes;
  std::vector<Record> records;
  std::unordered_set<RunId> here;
  for (RunSpec const& run : runs) {
    bool const good = is_acceptable(run);
    bool const known = good && (unfinished.contains(run.id) || here.contains(run.id) || catalogue_->finished(run.id));
    outcomes.push_back(!good ? Outcome::rejected : known ? Outcome::already_done : Outcome::ok);
    if (!good || known) continue;
    here.insert(run.id);
    folder_.number_of(run.required);
    Record record;
    record.id = run.id;
    record.tags = run.required.key();
    record.priority = run.priority;
    record.max_attempts = run.max_attempts;
    record.delay = run.delay;
    record.payload = run.payload;
    records.push_back(std::move(record));
  }
  if (records.size() == 1) {
    unpack(records, true);
  } else if (!records.empty()) {
    // First as one file, so that a crash leaves all of them or none.
    std::string const name = fmt::format("{:x}-{:x}.batch", folder_.epoch(), ++last_batch_);
    folder_.write_batch(name, records);
    try {
      unpack(records, false);
      folder_.set_unpacked(name);
      if (last_batch_ % batches_kept == 0) folder_.forget_unpacked();
    } catch (Trouble& trouble) {
      trouble.in_doubt = true;  // whoever comes next unpacks it
      throw;
    }
  }
  return outcomes;
}

// Whoever wrote one that is still there was killed: everybody unpacks under the lock.
void FileQueue::finish_batches(std::vector<std::string> const& names) {
  for (std::string const& name : names) {
    std::vector<Record> missing;
    for (Record& record : folder_.read_batch(name)) {
      if (!catalogue_->find(record.id)) missing.push_back(std::move(record));
    }
    unpack(missing, false);
    folder_.set_unpacked(name);
  }
}

void FileQueue::unpack(std::vector<Record> const& records, bool durable) {
  if (records.empty()) return;
  std::uint64_t place = folder_.take_places(records.size());
  for (Record const& record : records) {
    Entry entry;
    entry.folder = record.delay > Duration::zero() ? Folder::delayed : Folder::queued;
    entry.priority = record.priority;
    entry.place = place++;
    entry.id = record.id;
    entry.max_attempts = record.max_attempts;
    entry.tag_set = folder_.number_of(TagSet::from_key(record.tags));
    entry.due_us = now_us() + std::chrono::ceil<microseconds>(record.delay).count();
    folder_.make(entry, record, durable);
    catalogue_->moved(nullptr, &entry);
  }
}

std::vector<Claim> FileQueue::claim(std::vector<Demand> const& demands, Duration lease) {
  std::vector<Claim> claims;
  try {
    for (std::uint32_t i = 0; i < demands.size(); ++i) {
      for (std::uint32_t n = 0; n < demands[i].count; ++n) {
        auto taken = take_one(demands[i], lease);
        if (!taken) break;
        taken->demand = i;
        claims.push_back(std::move(*taken));
      }
    }
  } catch (Trouble const&) {
    if (claims.empty()) throw;  // what was taken must be told
  }
  if (claims.empty()) ++counters_.claim_attempts;
  return claims;
}

// One attempt per look at the folder; who loses the race for the file looks again, as its caller would at once.
std::optional<Claim> FileQueue::take_one(Demand const& demand, Duration lease) {
  for (;;) {
    auto const ready = catalogue_->first_ready(demand.offered);
    if (!ready) return std::nullopt;
    ++counters_.claim_attempts;
    Entry claimed = *ready;
    claimed.folder = Folder::claimed;
    claimed.token = {folder_.epoch(), ++last_token_};
    claimed.failed = false;
    ++claimed.attempts;
    claimed.worker = as_worker(demand.runner);
    if (!move(*ready, claimed)) {
      ++counters_.claim_conflicts;
      continue;
    }
    // Killed here, the lease is missing, and the time of the move stands for it (RunFolder::lease_end_us).
    auto record = folder_.read(claimed);
    if (!record) continue;  // somebody found it so long ago that it counts as lost
    folder_.write_lease(claimed, {claimed.token, claimed.attempts,
                                  now_us() + std::chrono::ceil<microseconds>(lease).count(), claimed.worker});
    Claim claim;
    claim.run = claimed.id;
    claim.attempt = claimed.attempts;
    claim.token = claimed.token;
    claim.required = folder_.tags_of(claimed.tag_set);
    claim.priority = claimed.priority;
    claim.payload = std::move(record->payload);
    return claim;
  }
}

std::vector<Outcome> FileQueue::renew(std::vector<ClaimRef> const& claims, Duration lease) {
  std::vector<Outcome> outcomes;
  for (ClaimRef const& claim : claims) {
    RunFolder::Exclusive const only_we{folder_};  // a sweep must not take it back meanwhile
    auto const found = held(claim, Said::nothing);
    if (auto const* refused = std::get_if<Outcome>(&found)) {
      outcomes.push_back(*refused);
      continue;
    }
    Entry const& entry = std::get<Entry>(found);
    bool const there = folder_.write_lease(
        entry, {entry.token, entry.attempts, now_us() + std::chrono::ceil<microseconds>(lease).count(), entry.worker});
    outcomes.push_back(there ? Outcome::ok : refusal(claim, Said::nothing));
  }
  return outcomes;
}

std::vector<Outcome> FileQueue::complete(std::vector<Completion> const& completions) {
  std::vector<Outcome> outcomes;
  for (Completion const& completion : completions) {
    outcomes.push_back(report({completion.run, completion.token}, completion.result, Said::completed));
  }
  return outcomes;
}

std::vector<Outcome> FileQueue::fail(std::vector<FailedAttempt> const& failures) {
  std::vector<Outcome> outcomes;
  for (FailedAttempt const& failure : failures) {
    RunFolder::Exclusive const only_we{folder_};  // it may go back to where runs come from
    outcomes.push_back(report({failure.run, failure.token}, failure.cause, Said::failed));
  }
  return outcomes;
}

Outcome FileQueue::report(ClaimRef const& claim, std::string const& text, Said said) {
  if (text.size() > max_payload_bytes) return Outcome::rejected;
  try {
    auto const found = held(claim, said);
    if (auto const* refused = std::get_if<Outcome>(&found)) return *refused;
    Entry const& entry = std::get<Entry>(found);
    Entry next = entry;
    next.failed = said == Said::failed;
    if (said == Said::completed) {
      next.folder = Folder::done;
    } else if (entry.attempts >= entry.max_attempts) {
      next.folder = Folder::dead;
    } else {
      next.folder = Folder::delayed;
      next.due_us = now_us() + std::chrono::ceil<microseconds>(retry_.delay_after(entry.attempts)).count();
    }
    if (!text.empty() || said == Said::failed) folder_.write_result(claim.run, claim.token, text);
    complete_lease(entry);
    return move(entry, next) ? Outcome::ok : refusal(claim, said);
  } catch (Trouble const& trouble) {
    if (to_error(trouble).kind == ErrorKind::misconfigured) throw;
    return Outcome::unavailable;
  }
}

std::vector<Outcome> FileQueue::release(std::vector<ClaimRef> const& claims) {
  std::vector<Outcome> outcomes;
  for (ClaimRef const& claim : claims) {
    RunFolder::Exclusive const only_we{folder_};
    auto const found = held(claim, Said::nothing);
    if (auto const* refused = std::get_if<Outcome>(&found)) {
      outcomes.push_back(*refused);
      continue;
    }
    Entry next = std::get<Entry>(found);
    next.folder = Folder::queued;
    --next.attempts;
    outcomes.push_back(move(std::get<Entry>(found), next) ? Outcome::ok : refusal(claim, Said::nothing));
  }
  return outcomes;
}

SweepResult FileQueue::sweep(std::size_t max) {
  RunFolder::Exclusive const only_we{folder_};
  finish_batches(folder_.batches());
  return sweep_at(now_us(), max);
}

SweepResult FileQueue::sweep_at(std::int64_t now, std::size_t max) {
  SweepResult result;
  for (Entry const& entry : catalogue_->all(Folder::claimed)) {
    if (result.requeued.size() + result.dead.size() >= max) break;
    if (folder_.lease_end_us(entry, now) >= now) continue;
    bool const last = entry.attempts >= entry.max_attempts;
    Entry next = entry;
    next.folder = last ? Folder::dead : Folder::queued;
    if (last) complete_lease(entry);
    if (move(entry, next)) (last ? result.dead : result.requeued).push_back(entry.id);
  }
  for (Entry const& entry : catalogue_->all(Folder::delayed)) {
    if (result.released >= max) break;
    if (entry.due_us > now) continue;
    Entry next = entry;
    next.folder = Folder::queued;
    if (move(entry, next)) ++result.released;
  }
  return result;
}

std::optional<RunView> FileQueue::find(RunId run) {
  for (;;) {  // until it stands still for long enough to be read
    auto const entry = catalogue_->find(run);
    if (!entry) return std::nullopt;
    auto const record = folder_.read(*entry);
    if (!record) continue;
    RunView view;
    view.id = run;
    view.required = TagSet::from_key(record->tags);
    view.priority = record->priority;
    view.attempts = entry->attempts;
    view.runner = record->lease.worker;
    switch (entry->folder) {
      case Folder::queued: view.state = RunState::ready; break;
      case Folder::delayed: view.state = RunState::delayed; break;
      case Folder::claimed: view.state = RunState::claimed; break;
      case Folder::done: view.state = RunState::completed; break;
      case Folder::dead: view.state = RunState::dead; break;
    }
    if (view.state == RunState::claimed) view.runner = entry->worker;
    if (view.state == RunState::completed || view.state == RunState::dead) {
      view.attempts = record->lease.attempts;
      auto const said = folder_.read_result(run, record->lease.token);
      view.result = said.value_or(view.state == RunState::dead ? "the lease of the last attempt ran out" : "");
    }
    return view;
  }
}

std::variant<Entry, Outcome> FileQueue::held(ClaimRef const& claim, Said repeated) {
  auto entry = catalogue_->find_claimed(claim.run);
  if (entry && entry->token == claim.token) return *entry;
  return refusal(claim, repeated);
}

// What a report with this token answers when the run is not held by it: docs/contract.md, "What each report answers".
Outcome FileQueue::refusal(ClaimRef const& claim, Said repeated) {
  auto const entry = catalogue_->find(claim.run);
  if (!entry) return Outcome::unknown_run;
  Said said = Said::nothing;
  if (entry->folder == Folder::queued || entry->folder == Folder::delayed) {
    if (entry->token == claim.token && entry->failed) said = Said::failed;
  } else if (entry->folder != Folder::claimed) {
    auto const record = folder_.read(*entry);
    bool const by_this = record && record->lease.token == claim.token && claim.token.counter != 0;
    if (by_this && entry->folder == Folder::done) said = Said::completed;
    if (by_this && entry->folder == Folder::dead && folder_.read_result(claim.run, claim.token)) said = Said::failed;
  }
  if (said == Said::nothing || repeated == Said::nothing) return Outcome::stale_token;
  return said == repeated ? Outcome::already_done : Outcome::rejected;
}

// A finished run's name is its id alone: who had it is in its file then, even if its claim was killed before that.
void FileQueue::complete_lease(Entry const& entry) {
  auto const record = folder_.read(entry);
  if (record && record->lease.token != entry.token) {
    folder_.write_lease(entry, {entry.token, entry.attempts, 0, entry.worker});
  }
}

bool FileQueue::move(Entry const& from, Entry const& to) {
  if (!folder_.move(from, to)) return false;
  catalogue_->moved(&from, &to);
  return true;
}

}  // namespace assay::file
