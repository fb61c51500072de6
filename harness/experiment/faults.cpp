#include "harness/experiment/faults.hpp"

#include "harness/base/text.hpp"

#include <fmt/format.h>

#include <csignal>

namespace assay {

namespace {

constexpr Duration look_interval = milliseconds{10};

std::string_view verb_of(FaultSpec::What what) {
  switch (what) {
    case FaultSpec::What::restart: return "restart";
    case FaultSpec::What::stop: return "stop";
    case FaultSpec::What::kill: return "kill";
    case FaultSpec::What::drop: return "cut off";
  }
  return "";
}

std::string whom_in_words(FaultSpec const& fault, FleetSpec const& fleet) {
  if (fault.whom == FaultSpec::Whom::coordinators) return "coordinator";
  return fleet.orchestrator ? "orchestrator" : "runner";
}

}  // namespace

std::string in_words(FaultSpec const& fault, FleetSpec const& fleet) {
  bool const runners = fault.whom == FaultSpec::Whom::runners;
  std::string const whom = whom_in_words(fault, fleet);
  std::string text = fmt::format("{}: {} ", humanize(fault.at), verb_of(fault.what));
  if (fault.whom == FaultSpec::Whom::store) return text + fmt::format("the store, for {}", humanize(fault.lasting));
  text += fault.number == 0   ? fmt::format("all {}s", whom)
          : fault.number == 1 ? fmt::format("the first {}", whom)
                              : fmt::format("the first {} {}s", fault.number, whom);
  if (fault.every > Duration{0}) text += fmt::format(", one each {}", humanize(fault.every));
  if (fault.every == Duration{0} && !runners && fault.number != 1) text += ", one after the other";
  if (fault.lasting > Duration{0}) text += fmt::format(", for {} each", humanize(fault.lasting));
  return text;
}

FaultInjector::FaultInjector(asio::io_context& context, Scenario const& scenario, int runners, Targets targets)
    : executor_{context.get_executor()},
      scenario_{scenario},
      runners_{runners},
      targets_{targets},
      ended_{context.get_executor()} {}

Awaitable<void> FaultInjector::run(TimePoint start) {
  start_ = start;
  for (FaultSpec const& fault : scenario_.faults) {
    ++running_;
    asio::co_spawn(executor_, carry_out(fault), [this](std::exception_ptr problem) {
      --running_;
      ended_.notify();
      if (problem) std::rethrow_exception(problem);
    });
  }
  while (running_ > 0) co_await ended_.wait_until();
}

Awaitable<void> FaultInjector::carry_out(FaultSpec fault) {
  co_await wait_until(start_ + fault.at);
  if (stopping_) co_return;
  if (fault.whom == FaultSpec::Whom::runners) {
    std::size_t const every_one = static_cast<std::size_t>(runners_);
    std::size_t const hit = fault.number == 0 ? every_one : std::min(every_one, static_cast<std::size_t>(fault.number));
    targets_.generator.disturb(fault);
    TimePoint const now = clock_.now();
    TimePoint const over = now + fault.every * (hit - 1) + fault.lasting;
    auto const whom = whom_in_words(fault, scenario_.fleet);
    done_.push_back({fmt::format("{} {}{}", verb_of(fault.what), whom, hit == 1 ? "" : "s"), now, over});
    co_return;
  }
  if (fault.whom == FaultSpec::Whom::store) {
    co_await to_store(fault);
    co_return;
  }
  std::size_t const all = targets_.coordinators.processes().size();
  std::size_t const number = fault.number == 0 ? all : std::min(all, static_cast<std::size_t>(fault.number));
  for (std::size_t i = 0; i < number && !stopping_; ++i) {
    co_await wait_until(start_ + fault.at + fault.every * i);
    if (!stopping_) co_await to_coordinator(fault, i);
  }
}

Awaitable<void> FaultInjector::to_coordinator(FaultSpec fault, std::size_t index) {
  CoordinatorProcess& process = targets_.coordinators.processes()[index];
  targets_.watch.expect_away(index);
  std::size_t const noted = done_.size();
  done_.push_back({fmt::format("{} coordinator {}", verb_of(fault.what), index + 1), clock_.now(), TimePoint::max()});
  TimePoint const back_at = clock_.now() + fault.lasting;
  if (fault.what == FaultSpec::What::stop) {
    process.signal(SIGSTOP);
    co_await wait_until(back_at);
    process.signal(SIGCONT);
    done_[noted].end = clock_.now();
    targets_.watch.back(index);
    co_return;
  }
  process.signal(fault.what == FaultSpec::What::kill ? SIGKILL : SIGTERM);
  while (process.running()) co_await sleep_until(clock_.now() + look_interval);
  co_await wait_until(back_at);
  std::function<void()> const start_again = [&process] { process.start_again(); };
  co_await do_aside(start_again);
  done_[noted].end = clock_.now();
  if (failure_.empty()) targets_.watch.back(index);
}

Awaitable<void> FaultInjector::to_store(FaultSpec fault) {
  PrivateServer& server = *targets_.server;
  // One that is still coming back from the fault before.
  while (targets_.store_watch.away() && failure_.empty() && !stopping_)
    co_await sleep_until(clock_.now() + look_interval);
  if (!failure_.empty() || stopping_) co_return;
  targets_.store_watch.expect_away();
  std::size_t const noted = done_.size();
  done_.push_back({fmt::format("{} the store", verb_of(fault.what)), clock_.now(), TimePoint::max()});
  TimePoint const back_at = clock_.now() + fault.lasting;
  bool const stands_still = fault.what == FaultSpec::What::stop;
  bool const killed = fault.what == FaultSpec::What::kill;
  std::function<void()> const go = [&server, stands_still, killed] {
    stands_still ? server.stand_still() : killed ? server.crash() : server.stop();
  };
  co_await do_aside(go);
  co_await wait_until(back_at);
  std::function<void()> const come_back = [&server, stands_still] { stands_still ? server.go_on() : server.start(); };
  co_await do_aside(come_back);
  done_[noted].end = clock_.now();
  if (failure_.empty()) targets_.store_watch.back();
}

// Also when the trial is over: the last counts are asked of all coordinators.
Awaitable<void> FaultInjector::do_aside(std::function<void()> blocking) {
  bool done = false;
  std::string problem;
  Signal ended{executor_};
  asio::post(blocking_, [&] {
    try {
      blocking();
    } catch (std::exception const& failure) {
      problem = failure.what();
    }
    asio::post(executor_, [&] {
      done = true;
      ended.notify();
    });
  });
  while (!done) co_await ended.wait_until();
  if (!problem.empty()) failure_ = problem;
}

Awaitable<void> FaultInjector::wait_until(TimePoint when) {
  while (!stopping_ && clock_.now() < when) {
    co_await sleep_until(std::min(when, clock_.now() + look_interval));
  }
}

}  // namespace assay
