// SPDX-License-Identifier: Apache-2.0
// Resampling to the scale (um per pixel) of the model, as in its training:
// OpenCV's INTER_AREA. Starts no thread of its own choice: whoever owns the
// threads calls cv::setNumThreads. Tested by tests/tiling/resample_test.cc.
#pragma once

#include <cstdint>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// The bounds of a scale in um per pixel. Microscopes give 0.1 to 10.
inline constexpr double kMinMpp = 1e-3;
inline constexpr double kMaxMpp = 1e3;

// round(side_px * mpp_from / mpp_to), evaluated from left to right in double;
// ties go to the even number, as in Python's round(); at least 1. Because of
// the rounding the true ratio of new to old side differs a little from
// mpp_from / mpp_to: boxes must be divided by the true one, per axis.
// kInvalidArgument if a scale is outside [kMinMpp, kMaxMpp] or a side, old or
// new, outside [1, limits.max_side_px].
StatusOr<int64_t> ResampledSide(int64_t side_px, double mpp_from, double mpp_to,
                                const Limits& limits = {});

// Area averaging. The same size gives an exact copy. Where a side grows,
// OpenCV's INTER_AREA is a linear interpolation, not an average; images finer
// than the model, which is the usual case, never meet that.
// kInvalidArgument for an empty view or a size outside the limits.
StatusOr<Image> ResampleArea(const ImageView& src, int64_t width_px,
                             int64_t height_px, const Limits& limits = {});

}  // namespace cyto8
