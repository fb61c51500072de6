// Writes the reports of the sample assessments into a folder, for the browser test to open: sample_report <folder>.
#include "reports/report.hpp"
#include "tests/golden/sample_assessment.hpp"

#include <cstdio>
#include <exception>
#include <filesystem>

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("usage: sample_report <folder>\n", stderr), 2;
  try {
    std::filesystem::path const folder{argv[1]};
    std::filesystem::create_directories(folder / "sample");
    std::filesystem::create_directories(folder / "troubled");
    assay::write_report(folder / "sample", assay::sample_assessment());
    assay::write_report(folder / "troubled", assay::troubled_assessment());
  } catch (std::exception const& error) {
    return std::fprintf(stderr, "sample_report: %s\n", error.what()), 1;
  }
  return 0;
}
