#include "reports/evidence.hpp"
#include "reports/report.hpp"
#include "reports/tables.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace assay {
namespace {

// Own words may hold Markdown (`assay run …`); they are the program's or the policy author's, not a stranger's, but a
// line break would end the item.
std::string bullet_lines(std::vector<std::string> const& items) {
  std::string result;
  for (auto item : items) {
    for (char& c : item)
      if (c == '\n' || c == '\r') c = ' ';
    result += fmt::format("- {}\n", item);
  }
  return result;
}

std::string heading(std::string_view text) { return fmt::format("\n## {}\n\n", text); }

}  // namespace

std::string decision_markdown(Assessment const& assessment) {
  auto const& v = assessment.verdict;
  std::string out =
      fmt::format("# {}\n\n", escape_markdown(assessment.question.empty() ? assessment.title : assessment.question));
  out += fmt::format("- **Verdict:** {}\n- **Date:** {}\n- **Scenario:** {} ({})\n- **Policy:** {}\n",
                     title_of(v.decision), escape_markdown(assessment.started_utc), escape_markdown(assessment.title),
                     escape_markdown(assessment.scenario_name), escape_markdown(assessment.policy));
  if (assessment.partial) out += "- **Partial:** the assessment was interrupted; nothing is judged by what is here.\n";

  out += heading("Decision") + fmt::format("**{}.** {}\n", title_of(v.decision), escape_markdown(v.headline));

  out += heading("Evidence") + to_markdown(reasons_table(assessment));
  out +=
      "\nA finding is “refuted” or “met” only with 95 % confidence. Figures are the worst of the trials that count; "
      "brackets are 95 % intervals.\n";
  for (auto const& reason : v.reasons)
    if (!reason.trials.empty())
      out += fmt::format("\n- {}: {}", escape_markdown(title_of(reason)),
                         escape_markdown(fmt::format("{}", fmt::join(reason.trials, ", "))));
  out += "\n";

  if (auto const tables = comparison_tables(assessment); !tables.empty()) {
    out += heading("Compared with " + escape_markdown(assessed_series(assessment)));
    for (auto const& table : tables)
      out += fmt::format("{}\n{}.\n\n", to_markdown(table), escape_markdown(table.caption));
    out.pop_back();
  }
  if (!assessment.published.empty())
    out += heading("What the document says") + to_markdown(published_table(assessment));
  out += heading("Latency") + to_markdown(latency_table(assessment));
  out += heading("Failed claims") + to_markdown(claims_table(assessment));
  if (auto const orchestrators = orchestrators_table(assessment); !orchestrators.rows.empty())
    out += heading("Orchestrators") + to_markdown(orchestrators);
  if (auto const sources = sources_table(assessment); !sources.rows.empty())
    out += heading("Sources") + to_markdown(sources);
  if (auto const orphans = orphans_table(assessment); !orphans.rows.empty())
    out += heading("Runs of runners that were killed") + to_markdown(orphans);
  out += heading("Writes and backlog") + to_markdown(pending_table(assessment));
  if (auto const backlog = backlog_table(assessment); !backlog.rows.empty())
    out += heading("Backlog") + to_markdown(backlog);
  out += heading("Processor time") + to_markdown(cpu_table(assessment));
  out += heading("Lost and doubled runs") + to_markdown(ledger_table(assessment));

  out += heading("Conditions") + to_markdown(pairs_table("", assessment.conditions));
  if (!assessment.backends.empty()) out += fmt::format("\n{}", to_markdown(backends_table(assessment)));
  out += fmt::format("\n{}", to_markdown(pairs_table("", assessment.environment)));

  if (!v.acceptance.empty()) {
    out += heading("Acceptance");
    for (auto const& box : v.acceptance)
      out += fmt::format("- [{}] {} ({})\n", box.ticked ? 'x' : ' ', escape_markdown(box.text),
                         escape_markdown(box.evidence));
  }
  out += heading("What would change it") + bullet_lines(v.what_would_change_it);
  out += heading("How to check it again") + bullet_lines(v.next_steps);
  if (!assessment.command.empty()) out += fmt::format("\n    {}\n", assessment.command);
  return out;
}

}  // namespace assay
