// The tables of the reports, from the assessment alone. Each trial is a row, in the order in which it ran.
#pragma once

#include "harness/assess/assessment.hpp"
#include "reports/table.hpp"

#include <optional>
#include <vector>

namespace assay {

Table reasons_table(Assessment const& assessment);  // the verdict's evidence, criterion by criterion
// Other series beside the assessed one, a table for each figure that was compared; none where there is only one series.
std::vector<Table> comparison_tables(Assessment const& assessment);
Table latency_table(Assessment const& assessment);   // claim latency, dispatch latency, runner shortage
Table response_table(Assessment const& assessment);  // response times of submissions, reports, heartbeats
Table cpu_table(Assessment const& assessment);
Table backlog_table(Assessment const& assessment);  // time inside a claim; no rows where no trial had a backlog
Table store_table(Assessment const& assessment);
// Nothing when no backend of the assessment tells anything of its own.
std::optional<Table> store_figures_table(Assessment const& assessment);
Table pending_table(Assessment const& assessment);
Table claims_table(Assessment const& assessment);         // failed claims by cause
Table orchestrators_table(Assessment const& assessment);  // a row for each trial with orchestrators
Table requests_table(Assessment const& assessment);
Table backends_table(Assessment const& assessment);  // what each backend declares and what its server said of itself
Table objectives_table(Assessment const& assessment);
Table published_table(Assessment const& assessment);  // what the source document states, beside what was measured
Table guards_table(Assessment const& assessment);
Table books_table(Assessment const& assessment);
Table ledger_table(Assessment const& assessment);
Table sources_table(Assessment const& assessment);  // what each source got; no rows where runs name none
Table orphans_table(Assessment const& assessment);  // runs of runners that were killed; no rows where none was
Table breaches_table(Assessment const& assessment);
Table pairs_table(std::string caption, std::vector<std::pair<std::string, std::string>> const& pairs);

}  // namespace assay
