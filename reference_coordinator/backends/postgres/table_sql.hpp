// The SQL that the one-table strategies share: postgres-skip-locked, postgres-optimistic and postgres-cas differ in how
// they claim, in their indexes, and in nothing else. Easy to get wrong: a change of the table is a new version in
// table_schema().
#pragma once

#include "reference_coordinator/backends/postgres/schema.hpp"

#include <string>
#include <vector>

namespace assay::postgres {

// SQL in which {0} stands for the schema's name.
struct TableStrategy {
  std::string schema;
  std::vector<std::string> indexes;  // CREATE INDEX …
  std::vector<Prepared> claiming;    // statements, on top of table_statements()
  std::string explained;             // "claim ('', 1)": of these, what looks for runs; its plan is told as a fact
};

Schema table_schema(TableStrategy const& strategy);
// submit, renew, complete, fail, release, look, sweep, release_due, depth, find, and those of the strategy.
std::vector<Prepared> table_statements(TableStrategy const& strategy);

// For each connection. A set of tags in the query makes the planner expect few runs, and then it would rather fetch and
// sort all that are ready than walk their index in order until one fits. And plans are made once, over empty tables.
std::vector<std::string> table_session();

// What a claim of one run writes. $1 is the statement's own, $2 epoch, $3 counter, $4 lease in microseconds, $5 runner.
inline constexpr char const* take_run =
    "SET state = 2, said = 0, attempts = attempts + 1, orchestrator = $2::int8, epoch = $2::int8, counter = $3::int8, "
    "lease_until = now() + $4::int8 * interval '1 microsecond', runner = $5::text";

}  // namespace assay::postgres
