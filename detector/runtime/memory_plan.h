// SPDX-License-Identifier: Apache-2.0
// Where buffers lie in one block of memory so that those alive at the same time
// never overlap. Pure arithmetic: allocates nothing for the buffers. Tested by
// tests/detector/runtime/memory_plan_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/status.h"

namespace cyto8 {

// Every buffer starts on a cache line, which is also the widest vector.
inline constexpr int64_t kBufferAlignment = 64;

// A buffer and the steps, both included, during which it holds a value.
struct BufferUse {
  int64_t bytes = 0;
  int64_t first_step = 0;
  int64_t last_step = 0;
};

struct MemoryPlan {
  std::vector<int64_t> offsets;  // one per buffer; multiples of the alignment.
  int64_t total_bytes = 0;       // a multiple of the alignment.
};

// Above that many buffers the plan is made in another way.
inline constexpr size_t kMaxGreedyBuffers = 8192;

// Largest buffers first, each in the lowest gap that fits: O(n^2) for n
// buffers, and close to the lower bound (the largest sum alive at one step) on
// networks. Graphs of more than kMaxGreedyBuffers, which no network of ours
// comes near, are planned in O(n log n), step by step as a heap would be, and
// may need more. kResourceExhausted if the total would exceed max_bytes.
StatusOr<MemoryPlan> PlanMemory(std::span<const BufferUse> uses,
                                int64_t max_bytes);

}  // namespace cyto8
