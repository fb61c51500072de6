// The files that travel inside the program, so that nothing but the binary is needed at run time: ECharts and its
// licence from node_modules (pinned in package-lock.json), and the page's own scripts and styles from this folder. To
// add one: a line here, a line in assets.cpp, a name in CMakeLists.txt.
#pragma once

#include <string_view>

namespace assay::assets {

std::string_view echarts_js();
std::string_view echarts_licence();
std::string_view echarts_notice();
std::string_view chart_functions_js();
std::string_view duktape_host_js();
std::string_view page_js();
std::string_view page_css();

}  // namespace assay::assets
