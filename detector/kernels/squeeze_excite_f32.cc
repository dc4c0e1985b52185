// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of squeeze-and-excitation; see squeeze_excite_f32.h.
#include "detector/kernels/squeeze_excite_f32.h"

#include <limits>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

Status CheckWeights(const SqueezeExciteShape& shape,
                    const SqueezeExciteWeights& weights) {
  CYTO8_RETURN_IF_ERROR(CheckSize("reduce_wei", weights.reduce_wei.size(),
                                  {shape.channels, shape.reduced}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("reduce_bias", weights.reduce_bias.size(), {shape.reduced}));
  CYTO8_RETURN_IF_ERROR(CheckSize("expand_wei", weights.expand_wei.size(),
                                  {shape.reduced, shape.channels}));
  return CheckSize("expand_bias", weights.expand_bias.size(), {shape.channels});
}

}  // namespace

int64_t SqueezeExciteScratch(const SqueezeExciteShape& shape) {
  return shape.channels + shape.reduced;
}

Status SqueezeExciteF32(const SqueezeExciteShape& shape,
                        std::span<const float> src,
                        const SqueezeExciteWeights& weights,
                        std::span<float> scratch, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckRange("pixels", shape.pixels, 1,
                                   kMaxWindowNumber * kMaxWindowNumber));
  CYTO8_RETURN_IF_ERROR(CheckSize("src", src.size(),
                                  {shape.batch, shape.pixels, shape.channels}));
  CYTO8_RETURN_IF_ERROR(CheckWeights(shape, weights));
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst.size(),
                                  {shape.batch, shape.pixels, shape.channels}));
  const auto available = static_cast<int64_t>(scratch.size());
  const int64_t needed = SqueezeExciteScratch(shape);
  CYTO8_RETURN_IF_ERROR(CheckRange("scratch elements", available, needed,
                                   std::numeric_limits<int64_t>::max()));
  SqueezeExciteF32Naive(shape, src.data(), weights, scratch.data(), dst.data());
  return OkStatus();
}

}  // namespace cyto8
