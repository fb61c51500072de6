// Who the runners of a fleet are: a name, a secret and tags each. The harness makes them, writes them to the file that
// `assay-coordinator --identities` reads, and hands the same ones to the Fleet. Made from the trial's seed, so that a
// trial can be replayed; they are secrets of a private coordinator on loopback, nothing else.
#pragma once

#include "harness/scenario/scenario.hpp"

#include <span>
#include <string>
#include <vector>

namespace assay {

struct RunnerIdentity {
  std::string token;  // 32 hexadecimal digits
  std::string name;   // "runner-17"; numbers start at 1
  std::vector<std::string> tags;
  std::size_t kind = 0;  // index into FleetSpec::kinds
};

// Kinds are dealt by deal_kinds() (scenario.hpp): by share, and evenly mixed.
std::vector<RunnerIdentity> make_identities(FleetSpec const& fleet, int runners, std::uint64_t seed);
std::string make_submitter_token(std::uint64_t seed);

// {"runners":[{"token","name","tags":[…]}],"submitters":[{"token","name"}]}
std::string identities_json(std::span<RunnerIdentity const> runners, std::string_view submitter_token);

}  // namespace assay
