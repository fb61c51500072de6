// Draws a chart without a browser: the ECharts option that the page embeds goes in, SVG comes out; png() makes a
// picture of it. Used by the report writers; ECharts runs in an embedded Duktape heap, so nothing is needed at run
// time.
//
// Easy to get wrong: an option is plain JSON, so a function or a palette colour in it is a *name* ("fn:duration",
// "color:limit"), defined in chart_functions.js for the page and for this renderer alike.
#pragma once

#include <boost/json.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace assay {

// The chart's name and what JavaScript or the picture library said, on one line.
class ChartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One JavaScript heap with ECharts loaded (about 0.3 s), then any number of charts, drawn in light colours. Not for
// several threads at once. Throws ChartError.
class ChartRenderer {
 public:
  ChartRenderer();
  ~ChartRenderer();
  ChartRenderer(ChartRenderer&&) noexcept;
  ChartRenderer& operator=(ChartRenderer&&) noexcept;

  // `width` and `height` in CSS pixels, positive. `name` only names the chart in errors.
  std::string svg(std::string_view name, boost::json::value const& option, int width, int height);

 private:
  struct Heap;
  std::unique_ptr<Heap> heap_;
};

// PNG bytes of `svg` on white; `scale` picture pixels per CSS pixel, > 0. Throws ChartError.
std::string png(std::string_view name, std::string_view svg, double scale = 2.0);

}  // namespace assay
