// SPDX-License-Identifier: Apache-2.0
// 8-bit RGB pixels to the floats that a network was trained on. Tested by
// tests/detector/kernels/normalize_u8_f32_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "detector/kernels/isa.h"

namespace cyto8 {

// In levels of 0..255; deviations are finite and above 0.
struct NormalizeParameters {
  std::array<float, 3> mean = {0, 0, 0};
  std::array<float, 3> deviation = {1, 1, 1};
};

// dst[i, c] = (src[i, c] - mean[c]) / deviation[c], in float32; both spans are
// [pixels, 3]. Thread-safe. The same bits for every isa.
Status NormalizeU8F32(Isa isa, const NormalizeParameters& parameters,
                      std::span<const uint8_t> src, std::span<float> dst);

}  // namespace cyto8
