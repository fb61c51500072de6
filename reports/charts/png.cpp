#include "reports/charts/chart_renderer.hpp"

#include <cairo.h>
#include <fmt/format.h>
#include <librsvg/rsvg.h>

#include <cmath>
#include <memory>

// fontconfig and cairo keep the fonts they have found until the process ends, out of LeakSanitizer's sight.
#ifdef __SANITIZE_ADDRESS__
extern "C" char const* __lsan_default_suppressions();
extern "C" char const* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
#endif

namespace assay {
namespace {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};

using SvgHandle = std::unique_ptr<RsvgHandle, Releaser<g_object_unref>>;
using Surface = std::unique_ptr<cairo_surface_t, Releaser<cairo_surface_destroy>>;
using Cairo = std::unique_ptr<cairo_t, Releaser<cairo_destroy>>;

[[noreturn]] void fail(std::string_view name, std::string_view why) {
  throw ChartError{fmt::format("chart {}: {}", name, why)};
}

[[noreturn]] void fail(std::string_view name, GError* error) {
  std::string why = error ? error->message : "not drawable";
  if (error) g_error_free(error);
  fail(name, why);
}

cairo_status_t append(void* bytes, unsigned char const* data, unsigned int size) {
  static_cast<std::string*>(bytes)->append(reinterpret_cast<char const*>(data), size);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

std::string png(std::string_view name, std::string_view svg, double scale) {
  GError* error = nullptr;
  SvgHandle handle{rsvg_handle_new_from_data(reinterpret_cast<guint8 const*>(svg.data()), svg.size(), &error)};
  if (!handle) fail(name, error);
  double width = 0;
  double height = 0;
  if (!rsvg_handle_get_intrinsic_size_in_pixels(handle.get(), &width, &height)) fail(name, "the SVG states no size");

  Surface surface{cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(std::lround(width * scale)),
                                             static_cast<int>(std::lround(height * scale)))};
  Cairo cairo{cairo_create(surface.get())};
  cairo_set_source_rgb(cairo.get(), 1, 1, 1);
  cairo_paint(cairo.get());
  RsvgRectangle viewport{0, 0, width * scale, height * scale};
  if (!rsvg_handle_render_document(handle.get(), cairo.get(), &viewport, &error)) fail(name, error);

  std::string bytes;
  auto status = cairo_surface_write_to_png_stream(surface.get(), append, &bytes);
  if (status != CAIRO_STATUS_SUCCESS) fail(name, cairo_status_to_string(status));
  return bytes;
}

}  // namespace assay
