// report.html: one file that needs no network. The assessment's figures as text and tables, its charts as options that
// ECharts, embedded, draws in the reader's light or dark colours; without scripts (mail, a CI's artefact viewer) the
// same charts as still pictures. To add a section: page/sections.cpp.
#pragma once

#include "reports/charts/chart.hpp"
#include "reports/page/markup.hpp"

#include <map>
#include <string>
#include <vector>

namespace assay {

struct DrawnChart {
  Chart chart;
  std::string svg;  // of a ChartRenderer
};

std::string report_html(Assessment const& assessment, std::vector<DrawnChart> const& charts);

// What stands between <main> and </main>.
Markup page_sections(Assessment const& assessment, std::vector<DrawnChart> const& charts);

}  // namespace assay
