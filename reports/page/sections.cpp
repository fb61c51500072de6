#include "reports/evidence.hpp"
#include "reports/page/page.hpp"
#include "reports/tables.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace assay {
namespace {

// Text in which `…` is code, as the policy's authors and the command line write it.
Markup prose(std::string_view text) {
  Markup result;
  while (!text.empty()) {
    auto const open = text.find('`');
    auto const close = open == std::string_view::npos ? open : text.find('`', open + 1);
    result += text.substr(0, close == std::string_view::npos ? close : open);
    if (close == std::string_view::npos) break;
    result += element("code", {text.substr(open + 1, close - open - 1)});
    text.remove_prefix(close + 1);
  }
  return result;
}

Markup paragraph(std::string const& text) { return element("p", {prose(text)}); }

Markup section(std::string_view id, std::string_view heading, std::initializer_list<Markup> content) {
  Markup body;
  for (auto const& part : content) body += part;
  return element("section", {{"id", id}}, {element("h2", {heading}), element("div", {{"class", "content"}}, {body})});
}

Markup folded(std::string_view summary, Markup const& content) {
  return element("details", {element("summary", {summary}), content});
}

// Nothing where the chart does not exist.
Markup figure(std::vector<DrawnChart> const& charts, std::string_view id) {
  for (auto const& [chart, svg] : charts) {
    if (chart.id != id) continue;
    auto const height = fmt::format("height:{}px", chart.height);
    auto const label = chart.title + ". " + chart.takeaway + " " + chart.alternative;
    auto const plot = element(
        "div", {{"class", "plot"}, {"data-chart", chart.id}, {"style", height}, {"role", "img"}, {"aria-label", label}},
        {});
    return element("figure", {{"id", "chart-" + chart.id}},
                   {element("figcaption", {element("h3", {chart.title}), element("p", {chart.takeaway})}), plot,
                    element("noscript", {element("div", {{"class", "still"}, {"role", "img"}, {"aria-label", label}},
                                                 {Markup::raw(svg)})})});
  }
  return {};
}

Markup key_figure(std::string const& name, std::string const& value, std::string const& detail) {
  return element("div", {element("dt", {name}), element("dd", {value, element("small", {detail})})});
}

Markup key_figures(Assessment const& assessment) {
  auto const* main = main_trial(assessment);
  if (!main) return {};
  auto const interval = [](Estimate const& e) {
    return e.low && e.high ? "95 % interval " + range_text(*e.low, *e.high)
                           : std::string{"too few samples for an interval"};
  };
  auto const at = fmt::format("{} runners", main->runners);
  std::uint64_t lost = 0;
  std::uint64_t doubled = 0;
  std::uint64_t accepted = 0;
  for (auto const& trial : assessment.trials) {
    lost += trial.ledger.lost;
    doubled += trial.ledger.doubled;
    accepted += trial.ledger.accepted;
  }
  Markup figures;
  if (has_percentiles(*main)) {
    figures += key_figure("Claim latency p99, " + at, duration_text(main->claim_latency.p99.value),
                          interval(main->claim_latency.p99));
    figures += key_figure("Dispatch latency p99, " + at, duration_text(main->dispatch_latency.p99.value),
                          interval(main->dispatch_latency.p99));
  } else if (auto const* const calls = claim_calls(*main); calls && main->stable) {
    figures += key_figure("Time inside a claim p95, " + at, duration_text(calls->latency.p95.value),
                          interval(calls->latency.p95));
  } else {
    figures += key_figure("Claim latency, " + at, main->stable ? "–" : "unstable",
                          main->stable ? "nothing was measured" : "the backlog grew throughout");
  }
  figures += key_figure("Runs per second, " + at, number_text(main->completed_per_s),
                        is_backlog(*main) ? fmt::format("of a backlog of {}", count_text(main->books.offered))
                                          : fmt::format("offered: {}", number_text(main->offered_per_s)));
  figures += key_figure("Lost or doubled runs", count_text(lost + doubled),
                        fmt::format("of {} accepted in all trials", count_text(accepted)));
  return element("dl", {{"class", "keys"}}, {figures});
}

// Why a trial is no evidence, in a few words; the rules and figures are in the section on trust.
std::string flaws(TrialResult const& trial) {
  std::vector<std::string> found;
  if (trial.partial) found.push_back("interrupted");
  if (!trial.failure.empty()) found.push_back(trial.failure);
  if (!trial.books.balance) found.push_back("the books do not balance");
  for (auto const& guard : trial.guards)
    if (guard.state == Guard::State::failed)
      found.push_back(
          fmt::format("{} is {}, bound {}", guard.name, number_text(guard.measured), number_text(guard.bound)));
  return fmt::format("{}", fmt::join(found, "; "));
}

Markup notices(Assessment const& assessment) {
  Markup result;
  if (assessment.partial)
    result += element(
        "div", {{"class", "notice"}},
        {paragraph("This assessment was interrupted. What was measured until then is here; nothing is judged by it.")});
  Markup list;
  std::size_t flawed = 0;
  for (auto const& trial : assessment.trials) {
    if (trial.valid()) continue;
    ++flawed;
    list += element("li", {element("b", {name_of(assessment, trial)}), ": ", flaws(trial)});
  }
  if (flawed > 0)
    result += element(
        "div", {{"class", "notice"}},
        {paragraph(fmt::format("{} of {} not valid: whatever the percentiles say, nothing is judged by {}.", flawed,
                               plural(assessment.trials.size(), "trial") + (flawed == 1 ? " is" : " are"),
                               flawed == 1 ? "it" : "them")),
         element("ul", {list})});
  return result;
}

Markup reason_item(Reason const& reason) {
  static constexpr std::array<std::string_view, 4> classes{"refuted", "met", "undecided", "note"};
  std::vector<std::string> evidence;
  if (reason.figure) {
    evidence.push_back(in_unit(*reason.figure, reason.unit));
    if (reason.finding != Reason::Finding::note) evidence.push_back("bound " + bound_of(reason));
  }
  if (reason.n > 0) evidence.push_back("n = " + count_text(reason.n));
  if (!reason.trials.empty()) evidence.push_back(fmt::format("{}", fmt::join(reason.trials, ", ")));
  return element("li", {{"class", classes[static_cast<std::size_t>(reason.finding)]}},
                 {element("span", {{"class", "finding"}}, {word_of(reason.finding)}),
                  element("div", {element("h3", {title_of(reason)}), paragraph(reason.text),
                                  evidence.empty() ? Markup{}
                                                   : element("p", {{"class", "evidence"}},
                                                             {fmt::format("{}", fmt::join(evidence, " · "))})})});
}

Markup bullet_list(std::vector<std::string> const& items) {
  Markup list;
  for (auto const& item : items) list += element("li", {prose(item)});
  return element("ul", {list});
}

Markup verdict(Assessment const& assessment) {
  auto const& v = assessment.verdict;
  return element("section", {{"id", "verdict"}, {"class", "verdict " + to_string(v.decision)}},
                 {element("p", {{"class", "question"}}, {assessment.question}), element("h1", {title_of(v.decision)}),
                  element("p", {{"class", "headline"}}, {v.headline}), notices(assessment), key_figures(assessment)});
}

Markup reasons(Assessment const& assessment) {
  Markup list;
  for (auto const& reason : assessment.verdict.reasons) list += reason_item(reason);
  return section(
      "reasons", "What would call for a queue, and what was found",
      {element("ul", {{"class", "reasons"}}, {list}),
       paragraph(fmt::format("Judged by the policy “{}”. A finding is “refuted” or “met” only with 95 % confidence.",
                             assessment.policy))});
}

Markup comparisons(Assessment const& assessment) {
  Markup tables;
  for (auto const& table : comparison_tables(assessment)) tables += to_html(table);
  if (tables.empty()) return {};
  return section("comparisons", "Compared with " + assessed_series(assessment),
                 {tables, paragraph("Of several repeats the worst speaks. A comparison decides nothing by itself.")});
}

Markup compression_note(Assessment const& assessment) {
  if (assessment.time_compression == 1) return {};
  bool const orchestrators =
      std::ranges::any_of(assessment.trials, [](auto const& trial) { return trial.orchestrators.has_value(); });
  if (orchestrators)
    return element(
        "p", {{"class", "aside"}},
        {fmt::format("Time was compressed {0}-fold: runs, poll intervals and cold starts were {0} times shorter "
                     "than in the system that is modelled, and all rates here are {0} times as high. Delays "
                     "of orchestrators are given back {0} times longer.",
                     number_text(assessment.time_compression))});
  return element(
      "p", {{"class", "aside"}},
      {fmt::format(
          "Time was compressed {0}-fold: arrivals came {0} times faster and runs were {0} times shorter than in the "
          "system "
          "that is modelled. Waiting for a free runner is therefore given back {0} times longer; dispatch latency is "
          "as it was measured, at {0} times the load.",
          number_text(assessment.time_compression))});
}

Markup conditions(Assessment const& assessment) {
  Markup list;
  for (auto const& [name, value] : assessment.conditions)
    list += element("div", {element("dt", {name}), element("dd", {value})});
  Markup backends;
  for (auto const& backend : assessment.backends)
    backends += element(
        "p", {element("b", {backend.name}), ": ", backend.description, ". Durability: ", backend.durability, "."});
  return section("conditions", "Conditions",
                 {assessment.description.empty() ? Markup{} : paragraph(assessment.description),
                  element("dl", {{"class", "pairs"}}, {list}), backends, to_html(backends_table(assessment))});
}

Markup what_next(Assessment const& assessment) {
  Markup boxes;
  for (auto const& box : assessment.verdict.acceptance)
    boxes += element("li", {{"class", box.ticked ? "ticked" : "open"}},
                     {element("b", {box.ticked ? "Done: " : "Open: "}), box.text, element("small", {box.evidence})});
  return section("next", "What would change this",
                 {bullet_list(assessment.verdict.what_would_change_it), element("h3", {"How to check again"}),
                  bullet_list(assessment.verdict.next_steps), boxes.empty() ? Markup{} : element("h3", {"Acceptance"}),
                  boxes.empty() ? Markup{} : element("ul", {{"class", "boxes"}}, {boxes})});
}

Markup latency(Assessment const& assessment, std::vector<DrawnChart> const& charts) {
  auto const responses = folded("Response times and schedule lag", to_html(response_table(assessment)));
  bool const waited =
      std::ranges::any_of(assessment.trials, [](TrialResult const& trial) { return trial.claim_latency.n > 0; });
  if (!waited)
    return section("latency", "Latency",
                   {paragraph("No runner waited for runs, so there is no claim latency. How long the store took for a "
                              "claim is told below."),
                    responses});
  return section("latency", "Latency",
                 {element("div", {{"class", "breakout"}}, {to_html(latency_table(assessment))}),
                  paragraph("Claim latency = dispatch latency + runner shortage, run by run. “Erlang C” is the "
                            "shortage that queueing theory "
                            "predicts for a coordinator that costs nothing."),
                  figure(charts, "latency-parts"), responses});
}

}  // namespace

Markup page_sections(Assessment const& assessment, std::vector<DrawnChart> const& charts) {
  Markup page = verdict(assessment);
  page += element("section", {{"class", "wide"}},
                  {figure(charts, "call-latency"), figure(charts, "claim-latency"), compression_note(assessment),
                   figure(charts, "throughput")});
  page += reasons(assessment);
  page += comparisons(assessment);
  if (!assessment.published.empty())
    page += section("published", "The document",
                    {element("div", {{"class", "breakout"}}, {to_html(published_table(assessment))})});
  page += what_next(assessment);
  page += conditions(assessment);
  page += latency(assessment, charts);
  if (auto const backlog = backlog_table(assessment); !backlog.rows.empty()) {
    page += section(
        "backlog", "Backlog",
        {element("div", {{"class", "breakout"}}, {to_html(backlog)}),
         paragraph("Each trial began with so many runs waiting, and none came afterwards. A claim's time is that "
                   "of one call to the store.")});
  }
  page += section("cpu", "Processor time", {figure(charts, "cpu"), to_html(cpu_table(assessment))});
  page +=
      section("store", "Store writes",
              {figure(charts, "store-latency"), figure(charts, "pending-writes"), to_html(pending_table(assessment)),
               folded("Every operation of every trial", to_html(store_table(assessment)))});
  if (auto const figures = store_figures_table(assessment)) {
    page += section("store-figures", "What the backend tells", {to_html(*figures)});
  }
  auto const failures = figure(charts, "failed-claims");
  page += section("failed-claims", "Failed claims",
                  {failures.empty() ? paragraph("No claim failed in any trial. Polls that ended without a run are not "
                                                "failures; they are counted apart.")
                                    : failures,
                   to_html(claims_table(assessment))});
  if (auto const orchestrators = orchestrators_table(assessment); !orchestrators.rows.empty()) {
    page += section(
        "orchestrators", "Orchestrators",
        {element("div", {{"class", "breakout"}}, {to_html(orchestrators)}),
         paragraph("“Limit”: min(runs of a poll ÷ poll interval, runs at once ÷ (start + run length)) × "
                   "orchestrators, as run; those that were killed count while they lived. “With polls”: a place "
                   "that becomes free waits for its orchestrator's next poll, unless the next run waits in its "
                   "hands (no `clamp`). Where less was offered, less gets done.")});
  }
  if (auto const sources = sources_table(assessment); !sources.rows.empty()) {
    page +=
        section("sources", "Sources",
                {element("div", {{"class", "breakout"}}, {to_html(sources)}),
                 paragraph("Shares are of the measured phase. Where sources take turns (`fair_by_source`), one that "
                           "submits more than its part waits for itself; first in, first out it makes the others "
                           "wait as long.")});
  }
  if (auto const orphans = orphans_table(assessment); !orphans.rows.empty()) {
    page += section("orphans", "Runs of runners that were killed",
                    {paragraph("Such a run is given out again when its lease is over, or when its runner's connection "
                               "breaks where there is one. Otherwise it stays claimed by the dead, where nobody else "
                               "can have it. `assay ledger DIR --run ID` tells its life."),
                     to_html(orphans)});
  }
  page += section("requests", "Requests per minute",
                  {figure(charts, "requests"),
                   paragraph("“Published” is what the source of the question states. “By the formulas” is what hold, "
                             "heartbeat interval and runs per "
                             "runner give at the modelled scale. “As run” is what was counted in the measured phase, "
                             "time compression included."),
                   to_html(requests_table(assessment))});
  page += section("timeline", "Timeline", {figure(charts, "timeline")});
  Markup broken;
  for (auto const& trial : assessment.trials)
    if (!trial.ledger.breaches.empty()) {
      broken = to_html(breaches_table(assessment));
      break;
    }
  page += section(
      "validity", "Can these figures be trusted?",
      {to_html(objectives_table(assessment)), broken, to_html(ledger_table(assessment)),
       to_html(books_table(assessment)), folded("Validity guards of every trial", to_html(guards_table(assessment)))});
  page += section("environment", "Environment",
                  {to_html(pairs_table("Machine and software", assessment.environment)), paragraph("To run it again:"),
                   element("pre", {element("code", {assessment.command})}),
                   paragraph(fmt::format("Seed {}. The assessment took {}. Every figure here is in summary.json, the "
                                         "histograms and timeline.csv beside this "
                                         "page; `assay report` renders it again from them.",
                                         assessment.seed, duration_text(assessment.wall_s * 1000)))});
  return page;
}

}  // namespace assay
