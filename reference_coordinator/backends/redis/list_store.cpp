#include "reference_coordinator/backends/redis/list_store.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace assay::redis {

namespace {

constexpr std::size_t ended_kept = 100'000;
constexpr std::int64_t believed_alive_ms = 5000;

std::int64_t unix_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::uint64_t number_in(Value const& value) {
  std::uint64_t number = 0;
  std::from_chars(value.text.data(), value.text.data() + value.text.size(), number);
  return value.kind == Value::Kind::integer ? static_cast<std::uint64_t>(value.integer) : number;
}

// "…\r\nused_memory:1048576\r\n…"
double used_memory(std::string const& info) {
  constexpr std::string_view name = "used_memory:";
  auto const at = info.find(name);
  double bytes = 0;
  if (at != std::string::npos) std::from_chars(info.data() + at + name.size(), info.data() + info.size(), bytes);
  return bytes;
}

}  // namespace

ListStore::ListStore(std::shared_ptr<Link> link, std::uint64_t epoch, ReplySettings replies, bool remove_at_close,
                     std::shared_ptr<ReplyCounts> counts)
    : link_{std::move(link)},
      epoch_{epoch},
      replies_{replies},
      remove_at_close_{remove_at_close},
      counts_{std::move(counts)} {
  link_->on_write([this](Commands& commands) {
    if (!counts_told_) tell_counts(commands);
  });
}

ListStore::~ListStore() {
  link_->on_write(nullptr);
  link_->close();
}

Awaitable<Result<std::vector<Outcome>>> ListStore::submit(std::vector<RunSpec> runs) {
  std::vector<Outcome> outcomes;
  Commands commands;
  for (auto const& run : runs) {
    // A list has no place for when a run may be taken.
    bool const fits = is_acceptable(run) && run.delay <= Duration::zero();
    outcomes.push_back(fits ? Outcome::ok : Outcome::rejected);
    if (!fits) continue;
    if (lists_.insert(run.required).second) commands.add({"SADD", tag_sets_key, run.required.key()});
    Task const task{run.id, 1, run.max_attempts, run.priority, epoch_, run.payload, {}};
    commands.add({"LPUSH", tasks_key(run.required), encode(task)});
  }
  auto const answers = co_await link_->run(std::move(commands));
  if (!answers) {
    lists_.clear();  // nobody may have been told of a new one
    co_return answers.error();
  }
  if (auto const error = first_error(*answers)) co_return *error;
  co_return outcomes;
}

// Demands of one offer share its lists, one after the other, for as long as something is missing.
Awaitable<Result<std::vector<Claim>>> ListStore::claim(std::vector<Demand> demands, Duration) {
  std::vector<Claim> claims;
  std::map<TagSet, std::vector<std::uint32_t>> by_offer;
  for (std::uint32_t i = 0; i < demands.size(); ++i) {
    if (demands[i].count > 0) by_offer[demands[i].offered].push_back(i);
  }
  if (by_offer.empty()) co_return claims;
  for (auto const& [offered, askers] : by_offer) {
    std::size_t wanted = 0;
    for (auto const i : askers) wanted += demands[i].count;
    std::vector<Task> tasks;
    auto const error = co_await pop(offered, wanted, tasks);
    std::size_t asker = 0;
    std::uint32_t given = 0;
    for (auto& task : tasks) {
      if (given == demands[askers[asker]].count) {
        ++asker;
        given = 0;
      }
      ++given;
      Claim claim;
      claim.demand = askers[asker];
      claim.run = task.run;
      claim.attempt = task.attempt;
      claim.token = {epoch_, ++last_token_};
      claim.required = task.required;
      claim.priority = task.priority;
      claim.payload = task.payload;
      held_.emplace(claim.token.counter, std::move(task));
      claims.push_back(std::move(claim));
    }
    if (!tasks.empty()) {
      counts_changed();
      link_->write_soon();
    }
    // What was popped before must be given out all the same: nobody else has it.
    if (error && claims.empty()) co_return *error;
    if (error) break;
  }
  counters_.claim_attempts += std::max<std::size_t>(1, claims.size());
  co_return claims;
}

void ListStore::counts_changed() { counts_told_ = false; }

// Along with whatever is written next: once for all reports of a batch, and before any of them can be answered.
void ListStore::tell_counts(Commands& commands) {
  counts_told_ = true;
  std::string const epoch = std::to_string(epoch_);
  commands.add({"HSET", counts_key, epoch + ":claimed", std::to_string(held_.size() - ending_), epoch + ":completed",
                std::to_string(completed_ + completing_), epoch + ":dead", std::to_string(dead_ + dying_),
                epoch + ":alive", std::to_string(unix_ms())});
}

Awaitable<std::optional<Error>> ListStore::pop(TagSet offered, std::size_t wanted, std::vector<Task>& tasks) {
  std::vector<TagSet> fitting;
  for (auto const& list : lists_) {
    if (offered.includes(list)) fitting.push_back(list);
  }
  for (std::size_t next = 0;;) {
    // With the first list comes the number of lists, in case others have made new ones.
    Commands commands;
    commands.add({"SCARD", tag_sets_key});
    if (next < fitting.size()) {
      commands.add({"RPOP", tasks_key(fitting[next]), std::to_string(wanted - tasks.size())});
    }
    auto const answers = co_await link_->run(std::move(commands));
    if (!answers) co_return answers.error();
    if (auto const error = first_error(*answers)) co_return *error;
    if (next < fitting.size()) {
      for (auto const& item : (*answers)[1].items) {
        auto task = decode_task(item.text);
        if (!task) co_return Error{ErrorKind::misconfigured, "a list of tasks holds what is none of ours"};
        task->required = fitting[next];
        tasks.push_back(std::move(*task));
      }
      ++next;
    }
    if (tasks.size() == wanted) co_return std::nullopt;
    if (static_cast<std::size_t>((*answers)[0].integer) > lists_.size()) {
      Commands all;
      all.add({"SMEMBERS", tag_sets_key});
      auto const names = co_await link_->run(std::move(all));
      if (!names) co_return names.error();
      if (auto const error = first_error(*names)) co_return *error;
      for (auto const& name : names->front().items) {
        TagSet const list = TagSet::from_key(name.text);
        if (lists_.insert(list).second && offered.includes(list)) fitting.push_back(list);
      }
    }
    if (next == fitting.size()) co_return std::nullopt;
  }
}

// `ok`: the claim is held. Another coordinator's claims are not known here.
Outcome ListStore::outcome_of(ClaimRef const& claim, End wanted) const {
  if (claim.token.epoch != epoch_) return Outcome::unknown_run;
  auto const held = held_.find(claim.token.counter);
  if (held != held_.end()) return held->second.run == claim.run ? Outcome::ok : Outcome::unknown_run;
  auto const ended = ended_.find(claim.token.counter);
  if (ended == ended_.end() || ended->second.run != claim.run) return Outcome::unknown_run;
  if (ended->second.how == End::released || wanted == End::released) return Outcome::stale_token;
  return ended->second.how == wanted ? Outcome::already_done : Outcome::rejected;
}

Awaitable<Result<std::vector<Outcome>>> ListStore::renew(std::vector<ClaimRef> claims, Duration) {
  std::vector<Outcome> outcomes;
  for (auto const& claim : claims) outcomes.push_back(outcome_of(claim, End::released));
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> ListStore::complete(std::vector<Completion> completions) {
  std::vector<Outcome> outcomes;
  std::vector<ClaimRef> accepted;
  Commands commands;
  for (auto& completion : completions) {
    ClaimRef const claim{completion.run, completion.token};
    bool const again =
        std::any_of(accepted.begin(), accepted.end(), [&](auto const& a) { return a.token == claim.token; });
    outcomes.push_back(again ? Outcome::already_done : outcome_of(claim, End::completed));
    if (outcomes.back() != Outcome::ok) continue;
    Reply reply{RunState::completed, std::move(completion.result)};
    send_reply(commands, held_.at(claim.token.counter), std::move(reply));
    accepted.push_back(claim);
  }
  if (accepted.empty()) co_return outcomes;
  ending_ += accepted.size();
  completing_ += accepted.size();
  counts_changed();
  auto const answers = co_await link_->run(std::move(commands));
  ending_ -= accepted.size();
  completing_ -= accepted.size();
  auto const error = answers ? first_error(*answers) : std::optional{answers.error()};
  if (error) {  // not counted until the report comes again
    counts_changed();
    co_return *error;
  }
  completed_ += accepted.size();
  for (auto const& claim : accepted) end(claim.token, claim.run, End::completed);
  counts_->sent += accepted.size();
  if (replies_.path == ReplySettings::Path::pubsub) {
    for (std::size_t i = 0; i < accepted.size(); ++i) counts_->unheard += (*answers)[i].integer == 0 ? 1U : 0U;
  }
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> ListStore::fail(std::vector<FailedAttempt> failures) {
  std::vector<Outcome> outcomes;
  std::uint64_t died = 0;
  std::vector<ClaimRef> accepted;
  Commands commands;
  for (auto& failure : failures) {
    ClaimRef const claim{failure.run, failure.token};
    bool const again =
        std::any_of(accepted.begin(), accepted.end(), [&](auto const& a) { return a.token == claim.token; });
    outcomes.push_back(again ? Outcome::already_done : outcome_of(claim, End::failed));
    if (outcomes.back() != Outcome::ok) continue;
    Task task = held_.at(claim.token.counter);
    if (task.attempt < task.max_attempts) {  // at once, at the end of the line
      ++task.attempt;
      commands.add({"LPUSH", tasks_key(task.required), encode(task)});
    } else {
      Reply reply{RunState::dead, std::move(failure.cause)};
      send_reply(commands, task, std::move(reply));
      ++died;
    }
    accepted.push_back(claim);
  }
  ending_ += accepted.size();
  dying_ += died;
  counts_changed();
  auto const answers = co_await link_->run(std::move(commands));
  ending_ -= accepted.size();
  dying_ -= died;
  auto const error = answers ? first_error(*answers) : std::optional{answers.error()};
  if (error) {
    counts_changed();
    co_return *error;
  }
  dead_ += died;
  counts_->sent += died;
  for (auto const& claim : accepted) end(claim.token, claim.run, End::failed);
  co_return outcomes;
}

Awaitable<Result<std::vector<Outcome>>> ListStore::release(std::vector<ClaimRef> claims) {
  std::vector<Outcome> outcomes;
  std::vector<ClaimRef> accepted;
  Commands commands;
  for (auto const& claim : claims) {
    outcomes.push_back(outcome_of(claim, End::released));
    if (outcomes.back() != Outcome::ok) continue;
    accepted.push_back(claim);
  }
  // The one that was popped first has to be the next one again.
  for (auto claim = accepted.rbegin(); claim != accepted.rend(); ++claim) {
    Task const& task = held_.at(claim->token.counter);
    commands.add({"RPUSH", tasks_key(task.required), encode(task)});
  }
  ending_ += accepted.size();
  counts_changed();
  auto const answers = co_await link_->run(std::move(commands));
  ending_ -= accepted.size();
  auto const error = answers ? first_error(*answers) : std::optional{answers.error()};
  if (error) {
    counts_changed();
    co_return *error;
  }
  for (auto const& claim : accepted) end(claim.token, claim.run, End::released);
  co_return outcomes;
}

void ListStore::send_reply(Commands& commands, Task const& task, Reply reply) {
  using Path = ReplySettings::Path;
  using Ttl = ReplySettings::Ttl;
  std::string const text = encode(ReplyMessage{task.run, std::move(reply)});
  if (replies_.path == Path::pubsub) {
    commands.add({"PUBLISH", replies_key(task.coordinator), text});
    return;
  }
  if (replies_.path == Path::shared_queue) {
    commands.add({"LPUSH", replies_key(task.coordinator), text});
    return;
  }
  std::string const key = response_key(task.run);
  std::string const lifetime = std::to_string(replies_.seconds);
  switch (replies_.ttl) {
    case Ttl::expire:
      commands.add({"MULTI"});
      commands.add({"LPUSH", key, text});
      commands.add({"EXPIRE", key, lifetime});
      commands.add({"EXEC"});
      break;
    // Meant as a time to live; LPUSH knows none and pushes "EX" and the number behind the result.
    case Ttl::faulty: commands.add({"LPUSH", key, text, "EX", lifetime}); break;
    case Ttl::none:
    case Ttl::cleanup: commands.add({"LPUSH", key, text}); break;
  }
}

void ListStore::end(ClaimToken token, RunId const& run, End how) {
  held_.erase(token.counter);
  ended_[token.counter] = {run, how};
  ended_order_.push_back(token.counter);
  if (ended_order_.size() <= ended_kept) return;
  ended_.erase(ended_order_.front());
  ended_order_.pop_front();
}

// No lease ends, and nothing is delayed.
Awaitable<Result<SweepResult>> ListStore::sweep(std::size_t) { co_return SweepResult{}; }

// What a coordinator holds that has not been heard of for a while went with it: those runs are in no state any more,
// which is the truth.
Awaitable<Result<Depth>> ListStore::depth() {
  std::int64_t const now = unix_ms();
  Commands commands;
  tell_counts(commands);  // again: what was told before may have been lost with its connection
  commands.add({"HGETALL", counts_key});
  commands.add({"DBSIZE"});
  commands.add({"INFO", "memory"});
  std::size_t const first_list = commands.size();
  for (auto const& list : lists_) commands.add({"LLEN", tasks_key(list)});
  auto const answers = co_await link_->run(std::move(commands));
  if (!answers) co_return answers.error();
  if (auto const error = first_error(*answers)) co_return *error;
  auto const& a = *answers;
  Depth depth;
  for (std::size_t i = first_list; i < a.size(); ++i) depth.ready += number_in(a[i]);
  std::map<std::string, std::map<std::string, std::uint64_t>> counts;  // by coordinator
  for (std::size_t i = 0; i + 1 < a[1].items.size(); i += 2) {
    std::string const& field = a[1].items[i].text;
    auto const colon = field.find(':');
    counts[field.substr(0, colon)][field.substr(colon + 1)] = number_in(a[1].items[i + 1]);
  }
  for (auto& [coordinator, its] : counts) {
    depth.completed += its["completed"];
    depth.dead += its["dead"];
    if (now - static_cast<std::int64_t>(its["alive"]) <= believed_alive_ms) depth.claimed += its["claimed"];
  }
  keys_ = static_cast<double>(number_in(a[2]));
  memory_ = used_memory(a[3].text);
  co_return depth;
}

Awaitable<Result<std::optional<RunView>>> ListStore::find(RunId) { co_return std::optional<RunView>{}; }

StoreCounters ListStore::counters() const {
  StoreCounters counters = counters_;
  counters.reconnects = link_->reconnects();
  return counters;
}

std::vector<StoreFigure> ListStore::figures() const {
  auto const number = [](std::uint64_t value) { return static_cast<double>(value); };
  auto const& c = *counts_;
  return {{"keys", keys_, StoreFigure::Of::store},
          {"memory_bytes", memory_, StoreFigure::Of::store},
          {"replies_sent", number(c.sent), StoreFigure::Of::coordinator},
          {"replies_heard", number(c.heard), StoreFigure::Of::coordinator},
          {"replies_unheard", number(c.unheard), StoreFigure::Of::coordinator},
          {"replies_unwanted", number(c.unwanted), StoreFigure::Of::coordinator},
          {"reply_reconnects", number(c.reconnects), StoreFigure::Of::coordinator},
          {"cleaned_keys", number(c.cleaned), StoreFigure::Of::coordinator},
          {"cleanup_ms_max", c.cleanup_ms_max, StoreFigure::Of::store}};
}

Awaitable<void> ListStore::close() {
  if (remove_at_close_) {
    std::string cursor = "0";
    do {
      Commands commands;
      commands.add({"SCAN", cursor, "MATCH", every_key, "COUNT", "1000"});
      auto const answers = co_await link_->run(std::move(commands));
      if (!answers || first_error(*answers) || answers->front().items.size() != 2) break;
      cursor = answers->front().items[0].text;
      std::vector<std::string> words{"UNLINK"};
      for (auto const& key : answers->front().items[1].items) words.push_back(key.text);
      if (words.size() == 1) continue;
      Commands removal;
      removal.add(words);
      auto const removed = co_await link_->run(std::move(removal));
      if (!removed) break;
    } while (cursor != "0");
  } else {
    Commands farewell;  // what this one holds is lost now, and must not be counted as held
    std::string const epoch = std::to_string(epoch_);
    farewell.add({"HDEL", counts_key, epoch + ":claimed", epoch + ":alive"});
    counts_told_ = true;
    auto const told = co_await link_->run(std::move(farewell));
    static_cast<void>(told);
  }
  link_->close();
}

}  // namespace assay::redis
