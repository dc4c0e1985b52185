// SPDX-License-Identifier: Apache-2.0
// The multiply-add of the naive convolutions, the same on every CPU. Tested by
// tests/detector/kernels/conv2d_f32_test.cc.
#pragma once

namespace cyto8 {

// a * b + c, rounded to float once (but for double rounding, about one case in
// 2^29), as the fused multiply-add of oneDNN and TensorFlow does. Rounding the
// product too made random networks differ from TensorFlow four times as much
// (tiny-sum-relu6: 8.9e-5 of the range instead of 2.0e-5).
inline float MultiplyAdd(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * static_cast<double>(b) +
                            static_cast<double>(c));
}

}  // namespace cyto8
