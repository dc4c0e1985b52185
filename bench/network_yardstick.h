// SPDX-License-Identifier: Apache-2.0
// oneDNN's own time for one convolution, alone: the best of all its
// implementations and layouts, weights packed, memory warm, one thread. What a
// network's time is measured against. Used by bench/network_benchmark.cc and
// bench/int8_network_benchmark.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "detector/kernels/conv2d_f32.h"

namespace cyto8 {

// The sources and results of all layers lie in the same memory, as those of a
// network do: what one layer leaves in the caches does not cost the next.
// Bytes, where they are wanted, are those of the numbers: no time depends on
// them.
struct YardstickMemory {
  std::vector<float> src;
  std::vector<float> dst;
  // Room for that layer, whichever layout it likes.
  void MakeRoomFor(const Conv2dShape& shape);
};

// kInt8: source of u8 or s8, whichever is faster, weights of s8 with a scale
// for each output channel, result of u8. What the result needs after an
// activation, a scale and a zero point, is left out, in oneDNN's favour.
enum class YardstickType { kF32, kInt8 };

class ConvYardstick {
 public:
  // Tries every implementation that oneDNN has for this layer with its fused
  // activation, in NHWC and in the layout that oneDNN likes best.
  // `memory` has room for it, does not move and outlives this.
  ConvYardstick(const Conv2dShape& shape, bool depthwise, YardstickType type,
                YardstickMemory& memory);
  ConvYardstick(ConvYardstick&&) noexcept;
  ~ConvYardstick();

  // Median of the seconds that three runs take of this thread's CPU time, after
  // two that warm the memory.
  double Seconds();
  const std::string& implementation() const;  // "u8 brgconv_1x1:avx512...".

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Keeps oneDNN from AMX, for INT8 by VNNI on both sides. False if some oneDNN
// primitive was there before.
bool ForbidAmx();
std::string OneDnnText();  // version and instruction set in use.

}  // namespace cyto8
