// SPDX-License-Identifier: Apache-2.0
// How a step divides its scratch memory. Tested through
// tests/detector/runtime/fusion_test.cc.
#pragma once

#include <cstdint>

#include "detector/runtime/memory_plan.h"
#include "detector/runtime/step.h"

namespace cyto8 {

// Parts of a step's scratch, each on a cache line.
class ScratchLayout {
 public:
  // The offset of `count` elements of type T.
  template <typename T>
  int64_t Take(int64_t count) {
    const int64_t offset = bytes_;
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    bytes_ +=
        (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
    return offset;
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

template <typename T>
T* At(const StepBuffers& buffers, int64_t offset) {
  return reinterpret_cast<T*>(buffers.scratch.data() + offset);
}

}  // namespace cyto8
