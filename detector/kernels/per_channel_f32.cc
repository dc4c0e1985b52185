// SPDX-License-Identifier: Apache-2.0
// Checks and dispatch of per-channel arithmetic; see per_channel_f32.h.
#include "detector/kernels/per_channel_f32.h"

#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

Status BiasAddF32(const PerChannelShape& shape, std::span<const float> src,
                  std::span<const float> bias, std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckSize("src", src.size(), {shape.rows, shape.channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize("bias", bias.size(), {shape.channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {shape.rows, shape.channels}));
  BiasAddF32Naive(shape, src.data(), bias.data(), dst.data());
  return OkStatus();
}

Status BatchNormF32(const PerChannelShape& shape, std::span<const float> src,
                    const BatchNormParameters& parameters,
                    std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(
      CheckSize("src", src.size(), {shape.rows, shape.channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("gamma", parameters.gamma.size(), {shape.channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("beta", parameters.beta.size(), {shape.channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("mean", parameters.mean.size(), {shape.channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("variance", parameters.variance.size(), {shape.channels}));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("dst", dst.size(), {shape.rows, shape.channels}));
  BatchNormF32Naive(shape, src.data(), parameters, dst.data());
  return OkStatus();
}

}  // namespace cyto8
