// SPDX-License-Identifier: Apache-2.0
// The rows of an image at another size, area-averaged as its file is read: what
// is held does not grow with the height. Byte for byte what ResampleArea makes
// of the whole image. Tested by tests/tiling/scaled_rows_test.cc.
#pragma once

#include <cstdint>
#include <memory>

#include "base/limits.h"
#include "base/status.h"
#include "tiling/row_source.h"

namespace cyto8 {

// Seconds spent below, added to by a scaled source as it is read.
struct ScaledRowSeconds {
  double decode = 0;
  double resample = 0;
};

// A source of the rows of `source` resampled to width_px x height_px.
// kInvalidArgument for a size outside the limits. `seconds` outlives it.
StatusOr<std::unique_ptr<RowSource>> ScaledRows(
    std::unique_ptr<RowSource> source, int64_t width_px, int64_t height_px,
    ScaledRowSeconds& seconds, const Limits& limits = {});

}  // namespace cyto8
