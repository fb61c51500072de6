#include "reference_coordinator/http/coordinator.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/json.hpp>

#include <csignal>
#include <cstdlib>

namespace assay {

namespace {

namespace json = boost::json;
using Signals = asio::basic_signal_set<Executor>;

ExitStatus status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::misconfigured:
    case ErrorKind::rejected: return ExitStatus::bad_input;
    default: return ExitStatus::unreachable;
  }
}

template <class Visit>
void each_flag(Capabilities const& capabilities, Visit visit) {
  visit("fifo", capabilities.fifo);
  visit("priority", capabilities.priority);
  visit("tags", capabilities.tags);
  visit("fenced_completion", capabilities.fenced_completion);
  visit("release_keeps_attempt", capabilities.release_keeps_attempt);
  visit("delay", capabilities.delay);
  visit("exact_depth", capabilities.exact_depth);
  visit("several_coordinators", capabilities.several_coordinators);
  visit("offers", capabilities.offers);
}

json::object to_json(Capabilities const& capabilities) {
  json::object result{{"durability", to_string(capabilities.durability)}, {"wake", to_string(capabilities.wake)}};
  each_flag(capabilities, [&](std::string_view name, bool has) { result[name] = has; });
  result["batch_limit"] = capabilities.batch_limit;
  if (capabilities.longest_lease != Duration::max()) {
    result["longest_lease"] = format_duration(capabilities.longest_lease);
  }
  return result;
}

std::string ready_line(Server const& server, Backend const& backend, StoreFacts const& facts) {
  json::object told;
  for (auto const& [name, value] : facts) told[name] = value;
  return json::serialize(json::object{{"listening", server.listening()},
                                      {"backend", backend.name},
                                      {"facts", std::move(told)},
                                      {"capabilities", to_json(backend.capabilities)}});
}

Awaitable<void> flush_each_second(protocol::Ledger& ledger, Clock const& clock, Signal& stop) {
  for (;;) {  // GCC 12 miscompiles a co_await within a loop's condition
    bool const stopped = co_await stop.wait_until(clock.now() + seconds{1});
    if (stopped) co_return;
    if (!ledger.flush()) spdlog::error("ledger: not all lines could be written; they are kept");
  }
}

Awaitable<void> stop_at_once_on_a_second_signal(Signals& signals, Server& server) {
  auto const [error, number] = co_await signals.async_wait(as_result);
  if (error) co_return;
  spdlog::warn("a second signal: cutting off what is in progress");
  server.abort_all();
}

// When even this is not enough the store hangs: nothing that waits for it can be ended, and so no object it uses can be
// destroyed. What is not in the store was never acknowledged.
Awaitable<void> leave_at(TimePoint when, protocol::Ledger& ledger) {
  co_await sleep_until(when);
  ledger.flush();
  fmt::print(stderr, "assay-coordinator: the store does not answer: leaving without closing it\n");
  std::_Exit(static_cast<int>(ExitStatus::unreachable));
}

Awaitable<int> coordinate(asio::io_context& context, Backend const& backend, CoordinatorOptions const& options,
                          std::function<void(std::string const&)> const& ready) {
  SystemClock const clock;
  Executor const executor = context.get_executor();
  if (options.identities.empty()) {
    throw Failure{ExitStatus::bad_input,
                  "--identities: a JSON file is expected, "
                  R"({"runners":[{"token":"…","name":"…","tags":["linux"]}],"submitters":[{"token":"…","name":"…"}]})"};
  }
  Identities const identities = Identities::load(options.identities);
  protocol::Ledger ledger;
  if (!options.ledger.empty()) ledger = protocol::Ledger{options.ledger};

  auto opened = co_await backend.open(context, clock, options.store);
  if (!opened)
    throw Failure{status_of(opened.error().kind), fmt::format("{}: {}", backend.name, opened.error().detail)};
  MeasuredStore store{std::move(opened->store), clock};

  Api* told = nullptr;  // of what sweeps find; it needs the matcher and so comes after it
  Duration const lease = std::min(options.lease, backend.capabilities.longest_lease);
  MatcherOptions matching;
  matching.lease = lease;
  matching.sweep_interval = options.sweep_interval;
  matching.dispatcher.seed = random_seed();
  matching.dispatcher.max_batch = std::min(matching.dispatcher.max_batch, backend.capabilities.batch_limit);
  matching.on_sweep = [&told](SweepResult const& result) { told->swept(result); };
  if (opened->wake_up) matching.on_surplus = [&wake_up = *opened->wake_up] { wake_up.announce(); };
  matching.on_error = [](Error const& error) { spdlog::warn("store: {}", to_string(error)); };
  PushDesk* pushed = nullptr;  // likewise
  if (options.push_runs) matching.on_work = [&pushed] { return pushed->work_may_exist(); };
  Matcher matcher{executor, clock, store, std::move(matching)};
  ApiOptions serving;
  serving.backend = backend.name;
  serving.lease = lease;
  serving.max_attempts = options.max_attempts;
  serving.reply_lookup = options.reply_lookup;
  serving.push = options.push_runs;
  serving.fenced = options.push.fenced;
  Api api{executor, clock, store, matcher, identities, ledger, std::move(serving)};
  told = &api;
  std::optional<PushDesk> push;
  if (options.push_runs) {
    PushOptions pushing = options.push;
    pushing.claim_deadline = std::min(pushing.claim_deadline, backend.capabilities.longest_lease);
    pushing.max_batch =
        static_cast<std::uint32_t>(std::min<std::size_t>(pushing.max_batch, backend.capabilities.batch_limit));
    pushing.seed = random_seed();
    pushing.on_broken = [&api](auto const&... what) { api.broken(what...); };
    pushing.on_error = [](Error const& error) { spdlog::warn("store: {}", to_string(error)); };
    pushed = &push.emplace(executor, clock, store, matcher, api.counts(), std::move(pushing));
  }
  std::optional<Failure> failure;
  std::optional<Server> server;
  try {
    server.emplace(context, api, pushed, options.server);
  } catch (Failure const& problem) {
    failure = problem;
  }
  if (failure) {
    if (opened->wake_up) co_await opened->wake_up->close();
    co_await store.close();
    throw *failure;
  }

  Signals signals{executor, SIGTERM, SIGINT};
  Signal stop_flushing{executor};
  Signal flushing_ended{executor};
  bool flushing = true;
  asio::co_spawn(executor, flush_each_second(ledger, clock, stop_flushing), [&](std::exception_ptr) {
    flushing = false;
    flushing_ended.notify();
  });
  if (opened->wake_up) opened->wake_up->listen([&matcher] { matcher.work_may_exist(); });
  matcher.start();
  if (push) push->start();
  api.start();
  server->start();
  ready(ready_line(*server, backend, opened->facts));
  spdlog::info("serving {} runners and submitters on {} over {}", identities.size(), server->listening(), backend.name);

  auto const [error, number] = co_await signals.async_wait(as_result);
  spdlog::info("signal {}: stopping", number);
  TimePoint const deadline = clock.now() + options.stop_time;
  asio::co_spawn(executor, leave_at(deadline + seconds{10}, ledger), asio::detached);
  asio::co_spawn(executor, stop_at_once_on_a_second_signal(signals, *server), asio::detached);
  if (push) push->begin_stop();
  server->begin_stop();
  api.desk().stop();
  co_await matcher.stop();
  bool const all_answered = co_await server->end_stop(deadline);
  if (!all_answered) spdlog::warn("requests were still in progress after {}", format_duration(options.stop_time));
  if (push) co_await push->end_stop();
  co_await matcher.stop();  // what the last connections gave back
  co_await api.stop();
  stop_flushing.notify();
  while (flushing) co_await flushing_ended.wait_until();
  boost::system::error_code ignored;
  signals.cancel(ignored);
  if (opened->wake_up) co_await opened->wake_up->close();
  co_await store.close();
  if (!ledger.flush()) throw Failure{ExitStatus::internal_error, "ledger: not all lines could be written"};
  co_return static_cast<int>(ExitStatus::pass);
}

}  // namespace

int run_coordinator(Backend const& backend, CoordinatorOptions const& options,
                    std::function<void(std::string const&)> const& ready) {
  asio::io_context context{1};
  int status = 0;
  std::exception_ptr failure;
  asio::co_spawn(context, coordinate(context, backend, options, ready), [&](std::exception_ptr problem, int result) {
    failure = problem;
    status = result;
    context.stop();  // leave_at() must not keep us
  });
  context.run();
  if (failure) std::rethrow_exception(failure);
  return status;
}

std::string encode_backends(std::vector<Backend> const& backends) {
  json::array list;
  for (auto const& backend : backends) {
    json::object entry{{"name", backend.name},
                       {"description", backend.description},
                       {"service", backend.service},
                       {"missing", backend.missing}};
    if (backend.missing.empty()) entry["capabilities"] = to_json(backend.capabilities);
    list.push_back(std::move(entry));
  }
  return json::serialize(json::object{{"backends", std::move(list)}});
}

std::string describe(Capabilities const& capabilities) {
  std::string text =
      fmt::format("durability: {} · wake: {}", to_string(capabilities.durability), to_string(capabilities.wake));
  each_flag(capabilities,
            [&](std::string_view name, bool has) { text += fmt::format(" · {}{}", has ? "" : "no ", name); });
  if (capabilities.longest_lease != Duration::max()) {
    text += fmt::format(" · leases of at most {}", format_duration(capabilities.longest_lease));
  }
  return text;
}

}  // namespace assay
