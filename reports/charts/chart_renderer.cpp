#include "reports/charts/chart_renderer.hpp"

#include "reports/assets.hpp"

#include <cairo.h>
#include <duktape.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace assay {
namespace {

// Duktape calls this where it cannot go on at all (a broken heap), and it must not return.
[[noreturn]] void on_fatal(void*, char const* message) {
  std::fputs(message ? message : "the JavaScript engine of the charts failed", stderr);
  std::abort();
}

// measure_text_width(text, px, bold) -> width in px, by the font the picture will be drawn with.
duk_ret_t measure_text_width(duk_context* context) {
  duk_push_heap_stash(context);
  duk_get_prop_string(context, -1, "cairo");
  auto* cairo = static_cast<cairo_t*>(duk_get_pointer(context, -1));
  cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                         duk_get_boolean(context, 2) ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cairo, duk_get_number(context, 1));
  cairo_text_extents_t extents;
  cairo_text_extents(cairo, duk_get_string(context, 0), &extents);
  duk_push_number(context, extents.x_advance);
  return 1;
}

}  // namespace

struct ChartRenderer::Heap {
  Heap()
      : surface{cairo_image_surface_create(CAIRO_FORMAT_ARGB32, 1, 1)},
        cairo{cairo_create(surface)},
        context{duk_create_heap(nullptr, nullptr, nullptr, nullptr, on_fatal)} {
    if (!context) throw ChartError{"charts: no memory for the JavaScript engine"};
    duk_push_heap_stash(context);
    duk_push_pointer(context, cairo);
    duk_put_prop_string(context, -2, "cairo");
    duk_pop(context);
    duk_push_c_function(context, measure_text_width, 3);
    duk_put_global_string(context, "measure_text_width");
    load("duktape_host.js", assets::duktape_host_js());
    load("echarts.min.js", assets::echarts_js());
    load("chart_functions.js", assets::chart_functions_js());
    duk_get_global_string(context, "prepare_host");
    if (duk_pcall(context, 0) != DUK_EXEC_SUCCESS) fail("prepare_host");
    duk_pop(context);
  }

  ~Heap() {
    if (context) duk_destroy_heap(context);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
  }

  Heap(Heap const&) = delete;
  Heap& operator=(Heap const&) = delete;

  void load(char const* file, std::string_view source) {
    if (duk_peval_lstring(context, source.data(), source.size()) != DUK_EXEC_SUCCESS) fail(file);
    duk_pop(context);
  }

  [[noreturn]] void fail(std::string_view what) {
    std::string message = duk_safe_to_string(context, -1);
    duk_pop(context);
    throw ChartError{fmt::format("chart {}: {}", what, message)};
  }

  cairo_surface_t* surface;
  cairo_t* cairo;
  duk_context* context;
};

ChartRenderer::ChartRenderer() : heap_{std::make_unique<Heap>()} {}
ChartRenderer::~ChartRenderer() = default;
ChartRenderer::ChartRenderer(ChartRenderer&&) noexcept = default;
ChartRenderer& ChartRenderer::operator=(ChartRenderer&&) noexcept = default;

std::string ChartRenderer::svg(std::string_view name, boost::json::value const& option, int width, int height) {
  auto* context = heap_->context;
  auto json = boost::json::serialize(option);
  duk_get_global_string(context, "render_chart");
  duk_push_lstring(context, json.data(), json.size());
  duk_push_int(context, width);
  duk_push_int(context, height);
  if (duk_pcall(context, 3) != DUK_EXEC_SUCCESS) heap_->fail(name);
  duk_size_t size = 0;
  char const* text = duk_get_lstring(context, -1, &size);
  std::string result{text ? text : "", size};
  duk_pop(context);
  return result;
}

}  // namespace assay
