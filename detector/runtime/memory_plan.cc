// SPDX-License-Identifier: Apache-2.0
// Greedy placement by size; see memory_plan.h.
#include "detector/runtime/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

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

// Gaps between buffers, as a heap keeps them: the smallest that fits is taken,
// neighbouring gaps become one.
class Heap {
 public:
  // The offset of `bytes` > 0 bytes.
  StatusOr<int64_t> Take(int64_t bytes) {
    const auto found = by_size_.lower_bound({bytes, 0});
    if (found == by_size_.end()) return Grow(bytes);
    const auto [size, offset] = *found;
    Remove(offset);
    if (size > bytes) Insert(offset + bytes, size - bytes);
    return offset;
  }

  void Free(int64_t offset, int64_t bytes) {
    const auto next = by_offset_.find(offset + bytes);
    if (next != by_offset_.end()) {
      bytes += next->second;
      Remove(next->first);
    }
    auto before = by_offset_.lower_bound(offset);
    if (before != by_offset_.begin()) {
      --before;
      const auto [start, size] = *before;
      if (start + size == offset) {
        Remove(start);
        offset = start;
        bytes += size;
      }
    }
    Insert(offset, bytes);
  }

  int64_t total() const { return total_; }

 private:
  // A gap at the end is the beginning of the new buffer.
  StatusOr<int64_t> Grow(int64_t bytes) {
    int64_t offset = total_;
    if (!by_offset_.empty()) {
      const auto [start, size] = *by_offset_.rbegin();
      if (start + size == total_) {
        offset = start;
        Remove(start);
      }
    }
    CYTO8_ASSIGN_OR_RETURN(total_, CheckedAdd(offset, bytes));
    return offset;
  }
  void Insert(int64_t offset, int64_t bytes) {
    by_offset_[offset] = bytes;
    by_size_.insert({bytes, offset});
  }
  void Remove(int64_t offset) {
    const auto found = by_offset_.find(offset);
    by_size_.erase({found->second, offset});
    by_offset_.erase(found);
  }

  std::map<int64_t, int64_t> by_offset_;
  std::set<std::pair<int64_t, int64_t>> by_size_;
  int64_t total_ = 0;
};

// Buffer numbers by a step of theirs; equal steps in the given order.
std::vector<size_t> ByStep(std::span<const BufferUse> uses,
                           int64_t BufferUse::*step) {
  std::vector<size_t> order(uses.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(
      order, [&](size_t a, size_t b) { return uses[a].*step < uses[b].*step; });
  return order;
}

StatusOr<MemoryPlan> PlanStepByStep(std::span<const BufferUse> uses,
                                    int64_t max_bytes) {
  MemoryPlan plan{.offsets = std::vector<int64_t>(uses.size())};
  Heap heap;
  const std::vector<size_t> ending = ByStep(uses, &BufferUse::last_step);
  size_t ended = 0;
  for (const size_t number : ByStep(uses, &BufferUse::first_step)) {
    for (; uses[ending[ended]].last_step < uses[number].first_step; ++ended) {
      const BufferUse& dead = uses[ending[ended]];
      if (dead.bytes == 0) continue;
      CYTO8_ASSIGN_OR_RETURN(const int64_t bytes, AlignUp(dead.bytes));
      heap.Free(plan.offsets[ending[ended]], bytes);
    }
    if (uses[number].bytes > max_bytes) return TooLarge(max_bytes);
    CYTO8_ASSIGN_OR_RETURN(const int64_t bytes, AlignUp(uses[number].bytes));
    if (bytes == 0) continue;
    CYTO8_ASSIGN_OR_RETURN(plan.offsets[number], heap.Take(bytes));
    if (heap.total() > max_bytes) return TooLarge(max_bytes);
  }
  plan.total_bytes = heap.total();
  return plan;
}

}  // namespace

StatusOr<MemoryPlan> PlanMemory(std::span<const BufferUse> uses,
                                int64_t max_bytes) {
  if (uses.size() > kMaxGreedyBuffers) return PlanStepByStep(uses, max_bytes);
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
