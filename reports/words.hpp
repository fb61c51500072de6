// How figures are written in every report, so that the page, the decision record and JUnit say the same thing the same
// way.
#pragma once

#include "harness/assess/assessment.hpp"

#include <optional>
#include <string>

namespace assay {

// Histograms cannot tell durations below 64 ns apart (HistogramRange): such a one is written as 0 and has no place on a
// log axis.
inline constexpr double indiscernible_ms = 64e-6;

std::string duration_text(double ms);                   // "870 µs", "4.56 ms", "12.3 s"; "0" for 0
std::string bound_text(double ms);                      // "5 s", "250 ms": a bound is a round figure and exact
std::string range_text(double low_ms, double high_ms);  // "4.1–5.2 ms": the unit once when both share it
std::string estimate_text(Estimate const& ms);          // "4.56 ms [4.12–5.21 ms]"; no brackets without an interval
std::string count_text(std::uint64_t n);                // "12 345", grouped by narrow no-break spaces
std::string number_text(double value);                  // two or three significant digits, grouped, no exponent
std::string percent_text(double share);                 // 0.123 → "12.3 %"
std::string in_unit(double value, std::string const& unit);  // "ms" as a duration, "12/s", else "1.2 cores"
std::string in_unit(Estimate const& figure, std::string const& unit);
std::string unit_of(ObjectiveResult const& objective);  // of its metric, by harness/assess/figure_names.hpp

// A percentile of a trial for a table cell: "–" without samples, "unstable" where the backlog grew throughout, because
// a percentile of a growing queue is a statement about when the measurement stopped.
std::string latency_cell(TrialResult const& trial, LatencyFigures const& latency, Estimate LatencyFigures::*quantile);
// What an objective measured, by the same rule.
std::string objective_cell(TrialResult const& trial, ObjectiveResult const& objective);

std::string title_of(Decision decision);                      // "Not needed"
std::string title_of(Reason const& reason);                   // the policy's words, or "Runner shortage"
std::string bound_of(Reason const& reason);                   // "5 s", "0.8 cores"
std::string word_of(Reason::Finding finding);                 // "Refuted"
std::string word_of(ObjectiveResult::State state);            // "Met"
std::string word_of(Guard::State state);                      // "Passed"
std::string plural(std::uint64_t n, std::string const& one);  // "1 trial", "3 trials"

}  // namespace assay
