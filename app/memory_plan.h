// SPDX-License-Identifier: Apache-2.0
// The most memory that a run will take, known before it starts: what
// `cyto8 score --dry-run` prints. Tested by tests/app/memory_plan_test.cc.
#pragma once

#include <cstdint>
#include <string>

namespace cyto8 {

struct MemoryPlan {
  int64_t program_bytes = 0;  // resident with the model loaded.
  int64_t threads = 1;
  int64_t scratch_bytes = 0;  // a thread's: activations of the network.
  // A thread's: rows, the tile and what decoding holds, for the image that
  // takes most. No more images are open at a time than there are threads.
  int64_t pixel_bytes = 0;
  // Boxes of usual images, files being written, what the allocator keeps.
  int64_t reserve_bytes = int64_t{128} << 20;

  int64_t total_bytes() const {
    return program_bytes + threads * (scratch_bytes + pixel_bytes) +
           reserve_bytes;
  }
};

// "at most 803 MiB: program and model 301, 2 threads of 161 activations and 26
// pixels, reserve 128; boxes come on top, about 1 a 5,000"
std::string DescribeMemory(const MemoryPlan& plan);

// Resident memory of this process now, from /proc/self/statm; 0 if unknown.
int64_t ResidentBytes();

}  // namespace cyto8
