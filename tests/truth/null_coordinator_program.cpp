// The null coordinator as the program that a trial starts: takes assay-coordinator's arguments, as far as they concern
// it, and what it is to do to its callers from the environment variable ASSAY_TRUTH, a JSON object (truth_trial.cpp).
#include "harness/null_coordinator/null_coordinator.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <boost/json.hpp>

#include <csignal>
#include <cstdlib>
#include <string_view>

namespace {

namespace json = boost::json;
using assay::Duration;

assay::NullCoordinator* serving = nullptr;

extern "C" void stop_serving(int) {
  if (serving != nullptr) serving->stop();
}

assay::NullCoordinatorOptions planted(json::object const& wanted) {
  auto const ns = [&](char const* key) { return Duration{wanted.at(key).to_number<std::int64_t>()}; };
  assay::NullCoordinatorOptions options;
  options.answer.mean = ns("answer_ns");
  options.delivery.mean = ns("delivery_ns");
  options.runs.double_claim_every = wanted.at("double_claim_every").to_number<std::uint64_t>();
  options.runs.lose_every = wanted.at("lose_every").to_number<std::uint64_t>();
  options.slow_share = wanted.at("slow_share").to_number<double>();
  options.slow_by = ns("slow_by_ns");
  options.clock_skew = ns("clock_skew_ns");
  options.stall.length = ns("stall_length_ns");
  options.stall.first = std::chrono::steady_clock::now() + ns("stall_after_ns");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, stop_serving);
  char const* const wanted = std::getenv("ASSAY_TRUTH");
  if (wanted == nullptr) {
    fmt::print(stderr, "ASSAY_TRUTH is not set\n");
    return 2;
  }
  auto options = planted(json::parse(wanted).as_object());
  for (int i = 1; i + 1 < argc; ++i) {
    std::string_view const name = argv[i];
    if (name == "--ledger") options.ledger = argv[i + 1];
    if (name == "--max-attempts") options.max_attempts = std::atoi(argv[i + 1]);
  }
  try {
    assay::NullCoordinator coordinator{options};
    serving = &coordinator;
    fmt::print("{{\"listening\":\"127.0.0.1:{}\",\"facts\":{{}}}}\n", coordinator.port());
    std::fflush(stdout);
    coordinator.run();
    serving = nullptr;
  } catch (std::exception const& problem) {
    fmt::print(stderr, "{}\n", problem.what());
    return 1;
  }
  return 0;
}
