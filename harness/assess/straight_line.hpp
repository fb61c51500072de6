// A straight line through points, by least squares, and how much of their spread it explains: whether a claim's time
// grows with the backlog (reports/backlog_table.cpp).
#pragma once

#include <optional>
#include <span>

namespace assay {

struct StraightLine {
  double at_zero = 0, slope = 0;
  double r_squared = 0;  // coefficient of determination, 0 … 1; 1 when all y are equal
};

// Nothing for fewer than 3 points, which a line says nothing about, or when all x are equal. x and y are equally long.
std::optional<StraightLine> fit_line(std::span<double const> x, std::span<double const> y);

}  // namespace assay
