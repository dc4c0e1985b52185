// SPDX-License-Identifier: Apache-2.0
// google/automl's image preparation for serving (dataloader.py, InputProcessor)
// in float32 as TensorFlow computes it: normalise, resize with kept ratio, pad
// at the right and the bottom. Only `graph run` needs it; the detector
// normalises inside the model. Tested by
// tests/detector/efficientdet/preprocessor_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// Which source point a pixel of TensorFlow's ResizeBilinear looks at.
enum class ResizeSampling {
  kHalfPixel,     // (i + 0.5) * in / out - 0.5; automl since 2020-07-04.
  kLegacy,        // i * in / out.
  kAlignCorners,  // i * (in - 1) / (out - 1).
};

std::string_view ResizeSamplingName(ResizeSampling sampling);  // "half-pixel".

struct PreprocessorOptions {
  std::array<float, 3> mean = {0, 0, 0};       // levels of 0..255.
  std::array<float, 3> deviation = {1, 1, 1};  // likewise, > 0.
  int64_t height_px = 0;                       // of the network input.
  int64_t width_px = 0;
  ResizeSampling sampling = ResizeSampling::kHalfPixel;
};

// Fills height_px * width_px * 3 floats; what the image does not cover is 0.
// Returns the factor from pixels of the result to pixels of the image.
// kInvalidArgument if the options are out of range, dst has another size, or
// the image is so narrow that nothing of it would be left.
StatusOr<float> Preprocess(const ImageView& image,
                           const PreprocessorOptions& options,
                           std::span<float> dst);

}  // namespace cyto8
