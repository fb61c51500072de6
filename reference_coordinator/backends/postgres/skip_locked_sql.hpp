// The SQL of postgres-skip-locked: one table and a statement for each verb.
#pragma once

#include "reference_coordinator/backends/postgres/schema.hpp"

#include <vector>

namespace assay::postgres {

Schema skip_locked_schema();
std::vector<Prepared> skip_locked_statements();

}  // namespace assay::postgres
