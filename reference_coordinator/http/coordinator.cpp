#include "reference_coordinator/http/coordinator.hpp"

#include "harness/base/text.hpp"
#include "reference_coordinator/http/coordinator_core.hpp"

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
  visit("leases", capabilities.leases);
  visit("lookup", capabilities.lookup);
  visit("several_coordinators", capabilities.several_coordinators);
  visit("sync_match", capabilities.sync_match);
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
  CoreOptions core_options;
  core_options.store = options.store;
  core_options.ledger = options.ledger;
  core_options.lease = options.lease;
  core_options.offer = options.offer;
  core_options.sweep_interval = options.sweep_interval;
  core_options.max_attempts = options.max_attempts;
  core_options.reply_lookup = options.reply_lookup;
  core_options.push_runs = options.push_runs;
  core_options.push = options.push;
  core_options.complain = [](std::string const& line) { spdlog::warn("{}", line); };
  auto opened = co_await CoordinatorCore::open(context, clock, backend, identities, std::move(core_options));
  if (!opened)
    throw Failure{status_of(opened.error().kind), fmt::format("{}: {}", backend.name, opened.error().detail)};
  CoordinatorCore& core = **opened;

  std::optional<Failure> failure;
  std::optional<Server> server;
  try {
    server.emplace(context, core.api(), core.push(), options.server);
  } catch (Failure const& problem) {
    failure = problem;
  }
  if (failure) {
    co_await core.stop();
    throw *failure;
  }

  Signals signals{executor, SIGTERM, SIGINT};
  core.start();
  server->start();
  ready(ready_line(*server, backend, core.facts()));
  spdlog::info("serving {} runners and submitters on {} over {}", identities.size(), server->listening(), backend.name);

  auto const [error, number] = co_await signals.async_wait(as_result);
  spdlog::info("signal {}: stopping", number);
  TimePoint const deadline = clock.now() + options.stop_time;
  asio::co_spawn(executor, leave_at(deadline + seconds{10}, core.ledger()), asio::detached);
  asio::co_spawn(executor, stop_at_once_on_a_second_signal(signals, *server), asio::detached);
  if (core.push() != nullptr) core.push()->begin_stop();
  server->begin_stop();
  co_await core.stop_matching();
  bool const all_answered = co_await server->end_stop(deadline);
  if (!all_answered) spdlog::warn("requests were still in progress after {}", format_duration(options.stop_time));
  bool const ledger_complete = co_await core.stop();
  boost::system::error_code ignored;
  signals.cancel(ignored);
  if (!ledger_complete) throw Failure{ExitStatus::internal_error, "ledger: not all lines could be written"};
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
