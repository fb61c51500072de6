#include "reports/report.hpp"

#include "harness/base/error.hpp"
#include "reports/charts/chart_renderer.hpp"
#include "reports/page/page.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace assay {
namespace {

namespace fs = std::filesystem;

// By way of a second name: a reader, or a full disk, never leaves half a report.
void write_file(fs::path const& path, std::string_view bytes) {
  auto draft = path;
  draft += ".part";
  std::ofstream out{draft, std::ios::binary | std::ios::trunc};
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  std::error_code error;
  if (out) fs::rename(draft, path, error);
  if (!out || error) {
    auto const why = error ? error.message() : std::string{std::strerror(errno)};
    fs::remove(draft, error);
    throw Failure{ExitStatus::internal_error, fmt::format("{}: not written: {}", path.string(), why)};
  }
}

}  // namespace

void write_report(fs::path const& folder, Assessment const& assessment) {
  write_file(folder / "decision.md", decision_markdown(assessment));
  write_file(folder / "junit.xml", junit_xml(assessment));

  ChartRenderer renderer;
  std::vector<DrawnChart> charts;
  for (auto& chart : charts_of(assessment)) {
    auto svg = renderer.svg(chart.id, chart.option, chart.width, chart.height);
    charts.push_back({std::move(chart), std::move(svg)});
  }
  auto const pictures = folder / "charts";
  std::error_code error;
  fs::remove_all(pictures, error);
  if (!error) fs::create_directory(pictures, error);
  if (error)
    throw Failure{ExitStatus::internal_error, fmt::format("{}: not written: {}", pictures.string(), error.message())};
  for (auto const& [chart, svg] : charts) write_file(pictures / (chart.id + ".png"), png(chart.id, framed(chart, svg)));
  write_file(folder / "report.html", report_html(assessment, charts));
}

}  // namespace assay
