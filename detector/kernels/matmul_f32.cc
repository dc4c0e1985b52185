// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of MatMul; see matmul_f32.h.
#include "detector/kernels/matmul_f32.h"

#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

Status MatMulF32(const MatMulShape& shape, std::span<const float> a,
                 std::span<const float> b, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckSize("a", a.size(), {shape.rows, shape.inner}));
  CYTO8_RETURN_IF_ERROR(CheckSize("b", b.size(), {shape.inner, shape.columns}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {shape.rows, shape.columns}));
  MatMulF32Naive(shape, a.data(), b.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
