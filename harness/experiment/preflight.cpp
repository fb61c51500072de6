#include "harness/experiment/preflight.hpp"

#include "harness/services/postgres_service.hpp"
#include "harness/services/private_folder.hpp"
#include "harness/services/redis_service.hpp"
#include "simulated_runners/identity.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace assay {

namespace {

struct GivenServer {
  std::string_view option;
  std::string url;
};

std::optional<GivenServer> given_for(BackendEntry const& backend, RunRequest const& request) {
  if (backend.service == "postgresql" && request.postgres_url)
    return GivenServer{"--postgres-url", ExternalPostgres{*request.postgres_url}.url()};
  if (backend.service == "redis" && request.redis_url)
    return GivenServer{"--redis-url", ExternalRedis{*request.redis_url}.url()};
  return std::nullopt;
}

void try_one(Scenario const& scenario, BackendEntry const& backend, GivenServer const& server,
             RunRequest const& request) {
  PrivateFolder const folder{temporary_folder(), "assay-preflight-"};
  auto const nobody = make_identities(scenario.fleet, 1, scenario.seed);
  CoordinatorOptions const options{.program = request.coordinator,
                                   .backend = backend.name,
                                   .store_url = server.url,
                                   .temporary_store = true,
                                   .spec = scenario.coordinator,
                                   .connections = 16,
                                   .folder = folder.path(),
                                   .identities = identities_json(nobody, make_submitter_token(scenario.seed))};
  CoordinatorProcess coordinator{options};
  if (!coordinator.stop())
    throw Failure{ExitStatus::unreachable, fmt::format("{}: {}", backend.name, coordinator.last_words())};
}

}  // namespace

void require_store_to_disturb(Scenario const& scenario, BackendEntry const& backend, RunRequest const& request) {
  bool const disturbed =
      std::ranges::any_of(scenario.faults, [](FaultSpec const& fault) { return fault.whom == FaultSpec::Whom::store; });
  if (!disturbed) return;
  if (backend.service != "postgresql" && backend.service != "redis")
    throw Failure{ExitStatus::bad_input, fmt::format("faults: {} has no server that a fault could happen to; take "
                                                     "`whom: coordinators`, or a PostgreSQL or Redis backend",
                                                     backend.name)};
  if (auto const given = given_for(backend, request))
    throw Failure{ExitStatus::bad_input,
                  fmt::format("{}: this scenario disturbs its server, which takes a private one; leave the option out",
                              given->option)};
}

void try_given_servers(std::vector<Scenario> const& scenarios, RunRequest const& request) {
  std::set<std::string> tried;
  for (auto const& scenario : scenarios) {
    auto const& name = scenario.levels.front().backend;
    if (!tried.insert(name).second) continue;
    auto const backend = std::ranges::find(request.backends, name, &BackendEntry::name);
    auto const server = given_for(*backend, request);
    if (!server) continue;
    try {
      try_one(scenario, *backend, *server, request);
    } catch (Failure const& failure) {
      throw Failure{failure.status(), fmt::format("{}: {}", server->option, failure.what())};
    }
  }
}

}  // namespace assay
