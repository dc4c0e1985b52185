// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of Softmax; see softmax_f32.h.
#include "detector/kernels/softmax_f32.h"

#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

Status SoftmaxF32(const SoftmaxShape& shape, std::span<const float> src,
                  std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckSize("src", src.size(), {shape.rows, shape.columns}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {shape.rows, shape.columns}));
  if (!dst.empty()) SoftmaxF32Naive(shape, src.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
