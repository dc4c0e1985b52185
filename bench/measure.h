// SPDX-License-Identifier: Apache-2.0
// A clock and the spread of what it measured. Used by the benchmarks that time
// things themselves.
#pragma once

#include <vector>

namespace cyto8 {

double Now();  // seconds; only differences mean anything.

struct Spread {
  double low = 0, median = 0, high = 0;  // quartiles around the median.
};

// `values` is not empty.
Spread SpreadOf(std::vector<double> values);

// One line: what, median, [quartiles], each times `scale`.
void PrintSpread(const char* what, const std::vector<double>& values,
                 double scale);

}  // namespace cyto8
