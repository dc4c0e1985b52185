// SPDX-License-Identifier: Apache-2.0
// Sums of bytes; see memory_plan.h.
#include "app/memory_plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>

namespace cyto8 {
namespace {

// Rounded up.
int64_t Mebibytes(int64_t bytes) {
  constexpr int64_t kMebibyte = int64_t{1} << 20;
  return (bytes + kMebibyte - 1) / kMebibyte;
}

}  // namespace

std::string DescribeMemory(const MemoryPlan& plan) {
  return fmt::format(
      "at most {} MiB: program and model {}, {} threads of {} activations and "
      "{} pixels, reserve {}; boxes come on top, about "
      "1 a 5,000",
      Mebibytes(plan.total_bytes()), Mebibytes(plan.program_bytes),
      plan.threads, Mebibytes(plan.scratch_bytes), Mebibytes(plan.pixel_bytes),
      Mebibytes(plan.reserve_bytes));
}

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total_pages = 0;
  int64_t resident_pages = 0;
  if (!(file >> total_pages >> resident_pages)) return 0;
  return resident_pages * sysconf(_SC_PAGESIZE);
}

}  // namespace cyto8
