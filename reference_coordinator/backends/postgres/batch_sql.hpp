// The SQL of postgres-batch: its tables and its statements. README.md here tells why they are cut this way.
// Easy to get wrong: a change of a table is a new version in batch_schema(), or old databases are read with new
// statements.
#pragma once

#include "reference_coordinator/backends/postgres/schema.hpp"

#include <vector>

namespace assay::postgres {

// Whose row of `tally` a statement counts in. Each is used by one connection only: two would wait for each other's
// commit.
enum class TallyOf : std::int32_t { complete = 1, fail = 2, sweep = 3 };

Schema batch_schema();

// What each connection is set to before its statements are prepared; batch_sql.cpp tells why.
std::vector<std::string> steady_plans();

std::vector<Prepared> submit_statements();    // place, submit, submit_matched, submit_delayed
std::vector<Prepared> claim_statements();     // new_tag_sets, claim_heads, claim_lanes, claim_merged, undo_claims
std::vector<Prepared> complete_statements();  // complete
std::vector<Prepared> tend_statements();      // renew, fail, release
std::vector<Prepared> control_statements();  // intern_lock, intern, new_tag_sets, sweep, release_due, depth, find, look

}  // namespace assay::postgres
