// SPDX-License-Identifier: Apache-2.0
// Greedy placement by size; see memory_plan.h.
#include "detector/runtime/memory_plan.h"

#include <algorithm>
#include <numeric>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

struct Placed {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t first_step = 0;
  int64_t last_step = 0;
};

bool AliveTogether(const Placed& placed, const BufferUse& use) {
  return placed.first_step <= use.last_step &&
         use.first_step <= placed.last_step;
}

StatusOr<int64_t> AlignUp(int64_t bytes) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t padded,
                         CheckedAdd(bytes, kBufferAlignment - 1));
  return padded / kBufferAlignment * kBufferAlignment;
}

// The lowest offset where `bytes` fit between the buffers alive at the same
// time. `placed` is sorted by begin.
int64_t LowestGap(const std::vector<Placed>& placed, const BufferUse& use,
                  int64_t bytes) {
  int64_t offset = 0;
  for (const Placed& other : placed) {
    if (!AliveTogether(other, use)) continue;
    if (other.begin - offset >= bytes) break;
    offset = std::max(offset, other.end);
  }
  return offset;
}

// Buffer numbers, largest first; equal sizes in the given order.
std::vector<size_t> BySize(std::span<const BufferUse> uses) {
  std::vector<size_t> order(uses.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return uses[a].bytes > uses[b].bytes; });
  return order;
}

Status TooLarge(int64_t max_bytes) {
  return ResourceExhausted(
      "activation memory: must be at most max_arena_bytes = " +
      std::to_string(max_bytes));
}

}  // namespace

StatusOr<MemoryPlan> PlanMemory(std::span<const BufferUse> uses,
                                int64_t max_bytes) {
  MemoryPlan plan{.offsets = std::vector<int64_t>(uses.size())};
  std::vector<Placed> placed;
  placed.reserve(uses.size());
  for (const size_t number : BySize(uses)) {
    const BufferUse& use = uses[number];
    if (use.bytes > max_bytes) return TooLarge(max_bytes);
    CYTO8_ASSIGN_OR_RETURN(const int64_t bytes, AlignUp(use.bytes));
    if (bytes == 0) continue;  // an empty tensor lies anywhere.
    const int64_t begin = LowestGap(placed, use, bytes);
    CYTO8_ASSIGN_OR_RETURN(const int64_t end, CheckedAdd(begin, bytes));
    if (end > max_bytes) return TooLarge(max_bytes);
    plan.offsets[number] = begin;
    plan.total_bytes = std::max(plan.total_bytes, end);
    const Placed entry = {begin, end, use.first_step, use.last_step};
    placed.insert(std::ranges::upper_bound(placed, begin, {}, &Placed::begin),
                  entry);
  }
  return plan;
}

}  // namespace cyto8
