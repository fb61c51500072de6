// What is asked of the user's servers before anything is measured: that the first trial, or the tenth, would not fail
// for a reason that could have been told at once. Called by run_assessment() with the scenario of every level.
#pragma once

#include "harness/experiment/assessment_run.hpp"

namespace assay {

// Throws Failure{bad_input} when a fault is for the store, and the backend has no server or the user gave his own.
void require_store_to_disturb(Scenario const& scenario, BackendEntry const& backend, RunRequest const& request);

// Opens each backend once on the server that was given for it, and closes it again. Throws Failure, naming the option:
// bad_input for what the user has to change (a URL, a role, a schema that is there already), unreachable otherwise.
void try_given_servers(std::vector<Scenario> const& scenarios, RunRequest const& request);

}  // namespace assay
