// Which index a claim uses and whether it sorts, read from the server's own plan and told as a fact of the opened
// store, so that a report shows it instead of somebody's belief. Easy to get wrong: these sessions plan once
// (plan_cache_mode), so the plan over the empty tables is the one that full tables get, too.
#pragma once

#include "reference_coordinator/backends/postgres/connection.hpp"

#include <string>

namespace assay::postgres {

// Asks for the plan of a statement that this connection has prepared: "claim ('', 1)". Executes nothing.
Command explain(std::string const& call);

// Of its answer, what reads or sorts rows, from the outside in: "Incremental Sort; Sort Key: …; Index Scan using …".
std::string plan_in_a_line(Rows const& explained);

}  // namespace assay::postgres
