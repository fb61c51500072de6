#include "reports/evidence.hpp"
#include "reports/page/markup.hpp"
#include "reports/report.hpp"
#include "reports/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace assay {
namespace {

// Counts while it writes: a suite's totals stand in its opening tag.
class Suite {
 public:
  Suite(std::string name, double seconds) : name_{std::move(name)}, seconds_{seconds} {}

  void pass(std::string_view test) { add(test, ""); }
  void fail(std::string_view test, std::string_view type, std::string_view message) {
    ++failures_;
    add(test, outcome("failure", type, message));
  }
  void error(std::string_view test, std::string_view type, std::string_view message) {
    ++errors_;
    add(test, outcome("error", type, message));
  }
  void skip(std::string_view test, std::string_view message) {
    ++skipped_;
    add(test, fmt::format("<skipped message=\"{}\"/>", escape_markup(message)));
  }

  int tests() const { return tests_; }
  int failures() const { return failures_; }
  int errors() const { return errors_; }
  int skipped() const { return skipped_; }

  std::string xml() const {
    return fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n{}  "
        "</testsuite>\n",
        escape_markup(name_), tests_, failures_, errors_, skipped_, seconds_, cases_);
  }

 private:
  static std::string outcome(std::string_view element, std::string_view type, std::string_view message) {
    return fmt::format("<{0} type=\"{1}\" message=\"{2}\">{2}</{0}>", element, escape_markup(type),
                       escape_markup(message));
  }

  void add(std::string_view test, std::string const& content) {
    ++tests_;
    cases_ += fmt::format("    <testcase classname=\"assay.{}\" name=\"{}\" time=\"0\">{}</testcase>\n",
                          escape_markup(name_), escape_markup(test), content);
  }

  std::string name_;
  double seconds_;
  int tests_ = 0, failures_ = 0, errors_ = 0, skipped_ = 0;
  std::string cases_;
};

void add_objective(Suite& suite, TrialResult const& trial, ObjectiveResult const& objective) {
  auto const message = fmt::format("measured {}, n = {}{}{}", objective_cell(trial, objective), objective.n,
                                   objective.reason.empty() ? "" : "; ", objective.reason);
  auto const name = "objective " + objective.text;
  switch (objective.state) {
    case ObjectiveResult::State::met: return suite.pass(name);
    case ObjectiveResult::State::missed: return suite.fail(name, "missed", message);
    case ObjectiveResult::State::undecided: return suite.error(name, "undecided", message);
  }
}

void add_guard(Suite& suite, Guard const& guard) {
  auto const name = "guard " + guard.name;
  switch (guard.state) {
    case Guard::State::passed: return suite.pass(name);
    case Guard::State::failed:
      return suite.error(
          name, "invalid",
          fmt::format("measured {}, rule: {}. {}", number_text(guard.measured), guard.rule, guard.detail));
    case Guard::State::not_available: return suite.skip(name, guard.detail.empty() ? "not available" : guard.detail);
  }
}

void add_ledger(Suite& suite, LedgerFigures const& ledger) {
  auto const breaches = [&](std::initializer_list<std::string_view> invariants) {
    std::string text;
    for (auto const& breach : ledger.breaches)
      for (auto const& invariant : invariants)
        if (breach.invariant == invariant) text += fmt::format("\n{}: {}", breach.invariant, breach.what);
    return text;
  };
  auto const check = [&](std::string_view name, std::string const& message) {
    message.empty() ? suite.pass(name) : suite.fail(name, "invariant", message);
  };
  auto const counted = [](std::uint64_t n, std::string_view what, std::string const& details) {
    return n == 0 && details.empty() ? std::string{} : fmt::format("{} {}{}", n, what, details);
  };
  check("ledger I1 nothing is lost", counted(ledger.lost, "lost", breaches({"I1"})));
  check("ledger I2-I4 nothing is doubled", counted(ledger.doubled, "doubled", breaches({"I2", "I3", "I4"})));
  std::map<std::string, std::string> others;
  for (auto const& breach : ledger.breaches)
    if (breach.invariant != "I1" && breach.invariant != "I2" && breach.invariant != "I3" && breach.invariant != "I4")
      others[breach.invariant] += (others[breach.invariant].empty() ? "" : "\n") + breach.what;
  for (auto const& [invariant, what] : others) suite.fail("ledger " + invariant, "invariant", what);
  constexpr std::array checked{"I5 tags fit",
                               "I6 first in, first out",
                               "I7 higher priorities first",
                               "I8 attempts are bounded",
                               "I9 lost leases are ready in time",
                               "I10 the store's counts add up",
                               "I12 nothing stays behind"};
  for (std::string const name : checked) {
    auto const number = name.substr(0, name.find(' '));
    if (others.contains(number)) continue;
    auto const unchecked = std::find_if(ledger.unchecked.begin(), ledger.unchecked.end(),
                                        [&](auto const& why) { return why.starts_with(number + ":"); });
    if (unchecked == ledger.unchecked.end())
      suite.pass("ledger " + name);
    else
      suite.skip("ledger " + name, *unchecked);
  }
}

Suite suite_of(TrialResult const& trial) {
  Suite suite{trial.id, trial.measured_s};
  if (trial.failure.empty() && !trial.partial)
    suite.pass("completed");
  else
    suite.error("completed", "partial", trial.failure.empty() ? "interrupted" : trial.failure);
  for (auto const& objective : trial.objectives) add_objective(suite, trial, objective);
  for (auto const& guard : trial.guards) add_guard(suite, guard);
  auto const& books = trial.books;
  if (books.balance)
    suite.pass("books balance");
  else
    suite.fail("books balance", "invariant",
               fmt::format("offered {}, started {}, shed {}, succeeded {}, failed {}, abandoned {}, in flight {}",
                           books.offered, books.started, books.shed, books.succeeded, books.failed, books.abandoned,
                           books.in_flight));
  add_ledger(suite, trial.ledger);
  return suite;
}

}  // namespace

std::string junit_xml(Assessment const& assessment) {
  std::vector<Suite> suites;
  for (auto const& trial : assessment.trials) suites.push_back(suite_of(trial));
  Suite verdict{"verdict", assessment.wall_s};
  auto const name = "verdict " + title_of(assessment.verdict.decision);
  if (assessment.verdict.decision == Decision::inconclusive)
    verdict.error(name, "inconclusive", assessment.verdict.headline);
  else
    verdict.pass(name);
  suites.push_back(std::move(verdict));

  int tests = 0, failures = 0, errors = 0, skipped = 0;
  std::string body;
  for (auto const& suite : suites) {
    tests += suite.tests();
    failures += suite.failures();
    errors += suite.errors();
    skipped += suite.skipped();
    body += suite.xml();
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"assay {}\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\" "
      "skipped=\"{}\" time=\"{:.3f}\">\n{}</testsuites>\n",
      escape_markup(assessment.scenario_name), tests, failures, errors, skipped, assessment.wall_s, body);
}

}  // namespace assay
