// Turns an assessment into the files that people and CI read. Called by `assay run` and `assay report`; the assessment
// (with its timelines) is the only input, so that the same folder always gives the same files.
#pragma once

#include "harness/assess/assessment.hpp"

#include <filesystem>
#include <string>

namespace assay {

// report.html, decision.md, junit.xml and charts/*.png in `folder`, which exists; files of the same names are replaced,
// and pictures of charts that this assessment does not have are removed. Throws Failure when a file cannot be written,
// ChartError when a chart cannot be drawn.
void write_report(std::filesystem::path const& folder, Assessment const& assessment);

// An architecture decision record: question, conditions, evidence by criterion, acceptance boxes, verdict, what would
// change it, how to check it again.
std::string decision_markdown(Assessment const& assessment);

// One suite per trial, with a case for its completion, each objective, each validity guard, its books and its ledger;
// and one for the verdict. `failure`: missed, broken. `error`: could not be decided. `skipped`: not available on this
// machine.
std::string junit_xml(Assessment const& assessment);

}  // namespace assay
