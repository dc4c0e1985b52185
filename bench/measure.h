// SPDX-License-Identifier: Apache-2.0
// Clocks and the spread of what they measured. Used by the benchmarks that time
// things themselves.
#pragma once

#include <vector>

namespace cyto8 {

// Seconds; only differences mean anything.
double Now();
// Of the calling thread's own CPU time: what one thread does costs the same
// while other programs take turns with it (but for the caches that they use).
double ThreadNow();

struct Spread {
  double low = 0, median = 0, high = 0;  // quartiles around the median.
};

// `values` is not empty.
Spread SpreadOf(std::vector<double> values);

// One line: what, median, [quartiles], each times `scale`.
void PrintSpread(const char* what, const std::vector<double>& values,
                 double scale);

}  // namespace cyto8
