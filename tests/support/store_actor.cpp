// store_actor BACKEND URL VERB [ARGUMENT…]: another process on the same store, for tests that kill, stop and resume it
// or shift its wall clock. The verbs that are killed say with SIGUSR1 and SIGUSR2 where the operation begins and has
// its answer (traced_child.hpp).
#include "tests/support/store_actor.hpp"
#include "reference_coordinator/claim_core/backend.hpp"
#include "tests/support/run_coroutine.hpp"

#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>

namespace assay::test {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error{to_string(result.error())};
  return *std::move(result);
}

::sigset_t just(int signal) {
  ::sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  return set;
}

void say(std::string const& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

class Actor {
 public:
  Actor(Backend const& backend, std::string url) {
    StoreOptions options;
    options.url = std::move(url);
    options.connections = backend.name == "sqlite" ? 0 : 1;
    store_ = std::move(must(run_coroutine(io_, backend.open(io_, clock_, std::move(options)))).store);
  }
  ~Actor() { run_coroutine(io_, store_->close()); }
  Actor(Actor const&) = delete;
  Actor& operator=(Actor const&) = delete;

  int act(std::string_view verb, std::vector<std::string> const& arguments) {
    if (verb == "submit") {  // SEED COUNT TAG
      auto runs = actor_runs(std::stoull(arguments.at(0)), std::stoul(arguments.at(1)), arguments.at(2));
      ::raise(SIGUSR1);
      must(run_coroutine(io_, store_->submit(std::move(runs))));
      ::raise(SIGUSR2);
    } else if (verb == "submit_and_claim") {  // SEED COUNT TAG LEASE_MS
      auto runs = actor_runs(std::stoull(arguments.at(0)), std::stoul(arguments.at(1)), arguments.at(2));
      std::vector<Demand> demands = demand(arguments.at(1), arguments.at(2));
      ::raise(SIGUSR1);
      must(run_coroutine(io_, store_->submit_and_claim(std::move(runs), std::move(demands),
                                                       milliseconds{std::stoll(arguments.at(3))})));
      ::raise(SIGUSR2);
    } else if (verb == "claim") {  // COUNT TAG LEASE_MS
      ::raise(SIGUSR1);
      claim(arguments);
      ::raise(SIGUSR2);
    } else if (verb == "complete") {  // COUNT TAG LEASE_MS
      std::vector<Completion> done;
      for (Claim const& claim : claim(arguments)) done.push_back({claim.run, claim.token, "by the actor"});
      ::raise(SIGUSR1);
      must(run_coroutine(io_, store_->complete(std::move(done))));
      ::raise(SIGUSR2);
    } else if (verb == "sweep") {
      ::raise(SIGUSR1);
      must(run_coroutine(io_, store_->sweep(1000)));
      ::raise(SIGUSR2);
    } else if (verb == "sweep_and_tell") {
      auto const swept = must(run_coroutine(io_, store_->sweep(1000)));
      say("swept " + std::to_string(swept.requeued.size() + swept.dead.size()) + " released " +
          std::to_string(swept.released));
    } else if (verb == "hold") {  // COUNT TAG LEASE_MS: completes when told by SIGUSR1
      std::vector<Completion> done;
      for (Claim const& claim : claim(arguments)) {
        done.push_back({claim.run, claim.token, "by the actor"});
        say("holds " + to_string(claim.run) + " " + to_string(claim.token));
      }
      say("waiting");
      int signal = 0;
      ::sigset_t const told = just(SIGUSR1);
      ::sigwait(&told, &signal);
      for (Outcome const outcome : must(run_coroutine(io_, store_->complete(std::move(done))))) {
        say("completed " + std::string{to_string(outcome)});
      }
      say("told");
    } else {
      throw std::runtime_error{"no such verb: " + std::string{verb}};
    }
    return 0;
  }

 private:
  static std::vector<Demand> demand(std::string const& count, std::string const& tag) {
    std::vector<Demand> demands;
    demands.push_back({TagSet::from_key(tag), "the-actor", static_cast<std::uint32_t>(std::stoul(count))});
    return demands;
  }

  std::vector<Claim> claim(std::vector<std::string> const& arguments) {
    std::vector<Demand> demands = demand(arguments.at(0), arguments.at(1));
    return must(run_coroutine(io_, store_->claim(std::move(demands), milliseconds{std::stoll(arguments.at(2))})));
  }

  asio::io_context io_;
  SystemClock clock_;
  std::unique_ptr<ClaimStore> store_;
};

}  // namespace
}  // namespace assay::test

int main(int argc, char** argv) {
  using namespace assay;
  try {
    if (argc < 4) throw std::runtime_error{"BACKEND URL VERB [ARGUMENT…] are expected"};
    Backend const* const backend = find_backend(argv[1]);
    if (backend == nullptr) throw std::runtime_error{"no such backend"};
    if (std::string_view{argv[3]} == "hold") {  // for every thread that a store may start
      ::sigset_t const told = test::just(SIGUSR1);
      ::sigprocmask(SIG_BLOCK, &told, nullptr);
    }
    return test::Actor{*backend, argv[2]}.act(argv[3], {argv + 4, argv + argc});
  } catch (std::exception const& problem) {
    std::fprintf(stderr, "store_actor: %s\n", problem.what());
    return 1;
  }
}
