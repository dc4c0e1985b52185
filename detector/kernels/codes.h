// SPDX-License-Identifier: Apache-2.0
// Between floats and 8-bit codes, and operators that move codes. Tested by
// tests/detector/kernels/codes_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "detector/kernels/isa.h"
#include "detector/kernels/pool_f32.h"

namespace cyto8 {

// code = sat8(round to nearest even(x * inverse_scale) + zero_point); NaN gives
// the zero point, which is in [-2^20, 2^20]. Any isa: the same bytes. Sizes are
// equal.
void QuantizeF32(Isa isa, std::span<const float> src, float inverse_scale,
                 int32_t zero_point, std::span<uint8_t> dst);

// x = float(code - zero_point) * scale.
void DequantizeU8(Isa isa, std::span<const uint8_t> src, float scale,
                  int32_t zero_point, std::span<float> dst);

// The greatest code of every window of one image; padding never wins. Output
// rows [first_row, last_row); dst is row 0. Checks nothing.
void MaxPoolU8Rows(Isa isa, const PoolShape& shape, const uint8_t* src,
                   int64_t first_row, int64_t last_row, uint8_t* dst);
// Its row y alone, into `row`.
void MaxPoolU8Row(Isa isa, const PoolShape& shape, const uint8_t* src,
                  int64_t y, uint8_t* row);

}  // namespace cyto8
