#include "harness/assess/usl.hpp"
#include "harness/cli/commands.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace assay {

namespace {

std::string read_text(std::filesystem::path const& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  if (in && !std::filesystem::is_directory(file)) text << in.rdbuf();
  if (!in || std::filesystem::is_directory(file)) {
    throw Failure{ExitStatus::bad_input,
                  fmt::format("{}: can't be read: {}", file.string(),
                              std::filesystem::is_directory(file) ? "it is a folder" : std::strerror(errno))};
  }
  return std::move(text).str();
}

std::string bounds(Estimate const& estimate) {
  if (!estimate.low) return "on its border: no bounds";
  if (!estimate.high) return fmt::format("95 % bounds {:.4g} and none above", *estimate.low);
  return fmt::format("95 % bounds {:.4g} and {:.4g}", *estimate.low, *estimate.high);
}

void print_fit(UslFit const& fit, std::vector<UslPoint> const& points, std::vector<double> const& at) {
  fmt::print(
      "X(N) = γ·N ÷ (1 + σ·(N − 1) + κ·N·(N − 1))\nleast squares over {} points, {} levels of N from {:g} to {:g}\n\n",
      fit.points, fit.levels, fit.smallest_n, fit.largest_n);
  fmt::print("  γ, of one    {:<12.6g} {}\n", fit.gamma.value, bounds(fit.gamma));
  fmt::print("  σ, queueing  {:<12.6g} {}\n", fit.sigma.value, bounds(fit.sigma));
  fmt::print("  κ, coherency {:<12.6g} {}\n", fit.kappa.value, bounds(fit.kappa));
  fmt::print("  residual     {:<12.4g} standard error, {} degrees of freedom\n", fit.residual_error, fit.degrees);
  if (fit.peak_n) {
    fmt::print("  peak at N    {:<12.4g} {}\n", fit.peak_n->value, bounds(*fit.peak_n));
    fmt::print("  X there      {:<12.4g} {}\n", fit.peak_x->value, bounds(*fit.peak_x));
  }
  fmt::print("\n  {:>10} {:>12} {:>12} {:>12}\n", "N", "X", "fitted", "residual");
  for (std::size_t i = 0; i < points.size(); ++i) {
    fmt::print("  {:>10.6g} {:>12.6g} {:>12.6g} {:>12.4g}\n", points[i].n, points[i].x, fit.at(points[i].n),
               fit.residuals[i]);
  }
  for (double const n : at) {
    auto const predicted = fit.predict(n);
    fmt::print("  {:>10.6g} {:>12} {:>12.6g}   {}\n", n, "", predicted.value, bounds(predicted));
  }
  if (!fit.remarks.empty()) fmt::print("\n");
  for (auto const& remark : fit.remarks) fmt::print("  · {}\n", remark);
}

boost::json::object to_json(Estimate const& estimate) {
  boost::json::object object{{"value", estimate.value}};
  if (estimate.low) object["low"] = *estimate.low;
  if (estimate.high) object["high"] = *estimate.high;
  return object;
}

boost::json::object to_json(UslFit const& fit, std::vector<UslPoint> const& points, std::vector<double> const& at) {
  boost::json::object document{{"points", fit.points},
                               {"levels", fit.levels},
                               {"smallest_n", fit.smallest_n},
                               {"largest_n", fit.largest_n},
                               {"gamma", to_json(fit.gamma)},
                               {"sigma", to_json(fit.sigma)},
                               {"kappa", to_json(fit.kappa)},
                               {"residual_standard_error", fit.residual_error},
                               {"degrees_of_freedom", fit.degrees},
                               {"reach_n", fit.reach()}};
  if (fit.peak_n) document["peak"] = {{"n", to_json(*fit.peak_n)}, {"x", to_json(*fit.peak_x)}};
  boost::json::array residuals, predictions, remarks;
  for (std::size_t i = 0; i < points.size(); ++i) {
    residuals.push_back({{"n", points[i].n}, {"x", points[i].x}, {"residual", fit.residuals[i]}});
  }
  for (double const n : at) predictions.push_back({{"n", n}, {"x", to_json(fit.predict(n))}});
  for (auto const& remark : fit.remarks) remarks.emplace_back(remark);
  document["residuals"] = std::move(residuals);
  if (!at.empty()) document["predictions"] = std::move(predictions);
  document["remarks"] = std::move(remarks);
  return document;
}

}  // namespace

int fit_command(std::filesystem::path const& file, std::vector<double> const& at, bool json) {
  auto const points = parse_usl_points(read_text(file));
  if (!points) throw Failure{ExitStatus::bad_input, fmt::format("{}: {}", file.string(), points.error().detail)};
  auto const fit = fit_usl(*points);
  if (!fit) throw Failure{ExitStatus::inconclusive, fmt::format("{}: {}", file.string(), fit.error().detail)};
  for (double const n : at) {
    if (n > 0 && n <= fit->reach()) continue;
    throw Failure{
        ExitStatus::bad_input,
        fmt::format("--at {:g}: predictions end at N = {:g}, twice the largest level measured", n, fit->reach())};
  }
  if (json) {
    fmt::print("{}\n", boost::json::serialize(to_json(*fit, *points, at)));
  } else {
    print_fit(*fit, *points, at);
  }
  return 0;
}

}  // namespace assay
