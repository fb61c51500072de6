#include "reports/assets.hpp"

#include <cstddef>

// ASSAY_ECHARTS and ASSAY_REPORTS are folders, set by CMakeLists.txt, which also rebuilds this object when a file
// changes.
#define ASSAY_ASSET(name, file)                                                               \
  asm(".section .rodata\n"                                                                    \
      ".balign 16\n"                                                                          \
      "assay_asset_" #name "_begin:\n.incbin \"" file "\"\nassay_asset_" #name                \
      "_end:\n"                                                                               \
      ".byte 0\n"                                                                             \
      ".previous\n"                                                                           \
      ".global assay_asset_" #name "_begin\n.global assay_asset_" #name "_end\n");            \
  extern "C" char const assay_asset_##name##_begin[];                                         \
  extern "C" char const assay_asset_##name##_end[];                                           \
  namespace assay::assets {                                                                   \
  std::string_view name() {                                                                   \
    return {assay_asset_##name##_begin,                                                       \
            static_cast<std::size_t>(assay_asset_##name##_end - assay_asset_##name##_begin)}; \
  }                                                                                           \
  }

ASSAY_ASSET(echarts_js, ASSAY_ECHARTS "/dist/echarts.min.js")
ASSAY_ASSET(echarts_licence, ASSAY_ECHARTS "/LICENSE")
ASSAY_ASSET(echarts_notice, ASSAY_ECHARTS "/NOTICE")
ASSAY_ASSET(chart_functions_js, ASSAY_REPORTS "/charts/chart_functions.js")
ASSAY_ASSET(duktape_host_js, ASSAY_REPORTS "/charts/duktape_host.js")
ASSAY_ASSET(page_js, ASSAY_REPORTS "/page/page.js")
ASSAY_ASSET(page_css, ASSAY_REPORTS "/page/page.css")
