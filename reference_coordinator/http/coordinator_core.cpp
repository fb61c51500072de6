#include "reference_coordinator/http/coordinator_core.hpp"

#include "harness/base/random.hpp"
#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace assay {

namespace {

Duration lease_of(CoreOptions const& options, Backend const& backend) {
  return std::min(options.lease, backend.capabilities.longest_lease);
}

std::optional<Error> check_offer(CoreOptions const& options, Backend const& backend) {
  if (options.offer == Duration{0}) return std::nullopt;
  if (!backend.capabilities.leases) {
    return Error{ErrorKind::misconfigured, "--offer: it keeps no leases that could have two stages"};
  }
  Duration const lease = lease_of(options, backend);
  if (options.offer < lease) return std::nullopt;
  return Error{ErrorKind::misconfigured, fmt::format("--offer: {} is not less than the lease, {}",
                                                     format_duration(options.offer), format_duration(lease))};
}

MatcherOptions matching(CoreOptions const& options, Backend const& backend, WakeUp* wake_up,
                        std::function<void(SweepResult const&)> on_sweep,
                        std::function<void(std::span<Claim const>)> on_give_back, std::function<bool()> on_work) {
  MatcherOptions matching;
  matching.lease = options.offer > Duration{0} ? options.offer : lease_of(options, backend);
  matching.sweep_interval = options.sweep_interval;
  matching.sync_match = backend.capabilities.sync_match;
  matching.dispatcher.seed = random_seed();
  matching.dispatcher.max_batch = std::min(matching.dispatcher.max_batch, backend.capabilities.batch_limit);
  matching.on_sweep = std::move(on_sweep);
  matching.on_give_back = std::move(on_give_back);
  if (options.push_runs) matching.on_work = std::move(on_work);
  if (wake_up != nullptr) matching.on_surplus = [wake_up] { wake_up->announce(); };
  if (options.complain) {
    matching.on_error = [complain = options.complain](Error const& error) {
      complain(fmt::format("store: {}", to_string(error)));
    };
  }
  return matching;
}

ApiOptions serving(CoreOptions const& options, Backend const& backend, ReplyPath* replies) {
  ApiOptions serving;
  serving.backend = backend.name;
  serving.lease = lease_of(options, backend);
  serving.offer = options.offer;
  serving.max_attempts = options.max_attempts;
  serving.reply_lookup = options.reply_lookup;
  serving.replies = replies;
  serving.push = options.push_runs;
  serving.fenced = options.push.fenced;
  return serving;
}

}  // namespace

Awaitable<Result<std::unique_ptr<CoordinatorCore>>> CoordinatorCore::open(asio::io_context& context, Clock const& clock,
                                                                          Backend const& backend,
                                                                          Identities const& identities,
                                                                          CoreOptions options) {
  if (auto mistake = check_offer(options, backend)) co_return *std::move(mistake);
  // Before the store, which would have to be closed again.
  protocol::Ledger ledger;
  if (!options.ledger.empty()) ledger = protocol::Ledger{options.ledger};
  auto opened = co_await backend.open(context, clock, options.store);
  if (!opened) co_return opened.error();
  std::unique_ptr<CoordinatorCore> core{new CoordinatorCore{context.get_executor(), clock, backend, identities, options,
                                                            std::move(*opened), std::move(ledger)}};
  co_return core;
}

// The Api comes after the matcher it needs, so what the matcher tells reaches it through us.
CoordinatorCore::CoordinatorCore(Executor executor, Clock const& clock, Backend const& backend,
                                 Identities const& identities, CoreOptions const& options, OpenedStore opened,
                                 protocol::Ledger ledger)
    : executor_{executor},
      clock_{clock},
      complain_{options.complain},
      opened_{std::move(opened)},
      store_{std::move(opened_.store), clock},
      matcher_{executor, clock, store_,
               matching(
                   options, backend, opened_.wake_up.get(), [this](SweepResult const& result) { api_.swept(result); },
                   [this](std::span<Claim const> claims) { api_.given_back(claims); },
                   [this] { return push_->work_may_exist(); })},
      ledger_{std::move(ledger)},
      api_{executor, clock, store_, matcher_, identities, ledger_, serving(options, backend, opened_.replies.get())},
      stop_flushing_{executor},
      flushing_ended_{executor} {
  if (!options.push_runs) return;
  PushOptions pushing = options.push;
  pushing.claim_deadline = std::min(pushing.claim_deadline, backend.capabilities.longest_lease);
  pushing.max_batch =
      static_cast<std::uint32_t>(std::min<std::size_t>(pushing.max_batch, backend.capabilities.batch_limit));
  pushing.seed = random_seed();
  pushing.on_broken = [this](auto const&... what) { api_.broken(what...); };
  pushing.on_error = [this](Error const& error) { complain(fmt::format("store: {}", to_string(error))); };
  push_.emplace(executor, clock, store_, matcher_, api_.counts(), std::move(pushing));
}

void CoordinatorCore::start() {
  flushing_ = true;
  asio::co_spawn(executor_, flush_each_second(), [this](std::exception_ptr) {
    flushing_ = false;
    flushing_ended_.notify();
  });
  if (opened_.replies) {
    opened_.replies->listen([this](RunId const& run, Reply const& reply) { api_.desk().tell(run, reply); });
  }
  if (opened_.wake_up) opened_.wake_up->listen([this] { matcher_.work_may_exist(); });
  matcher_.start();
  if (push_) push_->start();
  api_.start();
}

Awaitable<void> CoordinatorCore::stop_matching() {
  api_.desk().stop();
  return matcher_.stop();
}

Awaitable<bool> CoordinatorCore::stop() {
  if (push_) co_await push_->end_stop();
  co_await matcher_.stop();  // again: for what the last requests gave back
  co_await api_.stop();
  stop_flushing_.notify();
  while (flushing_) co_await flushing_ended_.wait_until();
  if (opened_.replies) co_await opened_.replies->close();
  if (opened_.wake_up) co_await opened_.wake_up->close();
  co_await store_.close();
  co_return ledger_.flush();
}

Awaitable<void> CoordinatorCore::flush_each_second() {
  for (;;) {  // GCC 12 miscompiles a co_await within a loop's condition
    bool const stopped = co_await stop_flushing_.wait_until(clock_.now() + seconds{1});
    if (stopped) co_return;
    if (!ledger_.flush()) complain("ledger: not all lines could be written; they are kept");
  }
}

void CoordinatorCore::complain(std::string const& line) const {
  if (complain_) complain_(line);
}

}  // namespace assay
