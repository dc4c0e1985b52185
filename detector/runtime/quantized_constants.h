// SPDX-License-Identifier: Apache-2.0
// Constants of INT8 operators in the words of the kernels, with the sizes that
// the kernels rely on checked. Tested through
// tests/detector/runtime/quantized_steps_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/status.h"
#include "detector/kernels/pointwise_u8s8.h"
#include "detector/kernels/requantization.h"
#include "detector/kernels/requantize.h"
#include "detector/runtime/step_context.h"

namespace cyto8 {

// A constant's bytes on a cache line: its own if they lie on one (those of a
// mapped model do), else a copy. Keeps what it points to.
class AlignedConstant {
 public:
  // kInvalidArgument unless input `i` is a constant of that type with `count`
  // elements.
  static StatusOr<AlignedConstant> Create(const StepContext& context, size_t i,
                                          DataType type, int64_t count);
  template <typename T>
  const T* data() const {
    return reinterpret_cast<const T*>(bytes_);
  }

 private:
  const std::byte* bytes_ = nullptr;
  std::shared_ptr<const void> owner_;
};

// The table is kept beside: the kernels' struct points to it.
struct RequantizationOf {
  Requantization layer = {};
  std::shared_ptr<const EvenTable> table = {};
};
RequantizationOf MakeRequantization(const RequantizeAttributes& attributes);

CodeScale CodeScaleOf(const QuantParams& params);

// Input `i`, int32 [3, count], as factors in that order. kInvalidArgument for
// shifts outside [0, 31] or multipliers outside [0, 2^14).
StatusOr<std::vector<ChannelFactor>> FactorsOf(const StepContext& context,
                                               size_t i, int64_t count);

}  // namespace cyto8
