// SPDX-License-Identifier: Apache-2.0
// The contract of the islands depthwise_conv2d_f32_avx2.cc and _avx512.cc;
// everybody else calls FastDepthwise of depthwise_conv2d_f32.h.
#pragma once

#include <cstdint>

#include "base/activation_kind.h"

namespace cyto8 {

// Rows of one image. `kernel` is 3 or 5, `stride` 1 or 2, on both axes; pads
// are below `kernel`. Output row y needs source rows y * stride - pad_top + k;
// those outside of [0, in_height) are zeros and are not read.
struct DepthwiseRows {
  int64_t in_height = 0;
  int64_t in_width = 0;
  int64_t out_width = 0;
  int64_t channels = 0;
  int64_t kernel = 3;
  int64_t stride = 1;
  int64_t pad_top = 0;
  int64_t pad_left = 0;
  Activation activation = Activation::kNone;
  const float* wei = nullptr;   // [kernel, kernel, channels].
  const float* bias = nullptr;  // [channels], or null.
  // Output rows [first_row, last_row).
  int64_t first_row = 0;
  int64_t last_row = 0;
  // Source row y lies at row y % ring_rows of src: the whole image, or the rows
  // that are needed now.
  const float* src = nullptr;
  int64_t ring_rows = 0;
  float* dst = nullptr;  // row 0.
  // Null, or the sum of every channel over each row's results is added to
  // `sums` [channels]; `row_sums` [channels] is scratch.
  double* sums = nullptr;
  float* row_sums = nullptr;
};

void DepthwiseRowsAvx2(const DepthwiseRows& rows);
void DepthwiseRowsAvx512(const DepthwiseRows& rows);

}  // namespace cyto8
