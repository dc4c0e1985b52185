// SPDX-License-Identifier: Apache-2.0
// See measure.h.
#include "bench/measure.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace cyto8 {

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double ThreadNow() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) +
         1e-9 * static_cast<double>(now.tv_nsec);
}

Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {values[n / 4], values[n / 2], values[n - 1 - n / 4]};
}

void PrintSpread(const char* what, const std::vector<double>& values,
                 double scale) {
  const Spread spread = SpreadOf(values);
  std::printf("%-34s %9.3f  [%.3f, %.3f]\n", what, scale * spread.median,
              scale * spread.low, scale * spread.high);
}

}  // namespace cyto8
