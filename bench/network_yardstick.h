// SPDX-License-Identifier: Apache-2.0
// oneDNN's own time for one convolution, alone: the best of all its
// implementations and layouts, weights packed, memory warm, one thread. What a
// network's time is measured against. Used by bench/network_benchmark.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detector/kernels/conv2d_f32.h"

namespace cyto8 {

// The sources and results of all layers lie in the same memory, as those of a
// network do: what one layer leaves in the caches does not cost the next.
struct YardstickMemory {
  std::vector<float> src;
  std::vector<float> dst;
  // Room for that layer, whichever layout it likes.
  void MakeRoomFor(const Conv2dShape& shape);
};

class ConvYardstick {
 public:
  // Tries every implementation that oneDNN has for this layer with its fused
  // activation, in NHWC and in the layout that oneDNN likes best.
  // `memory` has room for it, does not move and outlives this.
  ConvYardstick(const Conv2dShape& shape, bool depthwise,
                YardstickMemory& memory);
  ConvYardstick(ConvYardstick&&) noexcept;
  ~ConvYardstick();

  // Median seconds of three runs, after two that warm the memory.
  double Seconds();
  const std::string& implementation() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cyto8
