// SPDX-License-Identifier: Apache-2.0
// Two source rows are normalised and interpolated along x at a time; their mix
// along y is the result row: the same float operations as TensorFlow's, which
// resizes the normalised image. Tested by
// tests/detector/efficientdet/preprocessor_test.cc.
#include "detector/efficientdet/preprocessor.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

// The two source indices of one target index, and the weight of the second.
struct Tap {
  int64_t lower = 0;
  int64_t upper = 0;
  float lerp = 0;
};

float SourcePoint(int64_t i, float ratio, ResizeSampling sampling) {
  const auto target = static_cast<float>(i);
  if (sampling == ResizeSampling::kHalfPixel) {
    return (target + 0.5f) * ratio - 0.5f;
  }
  return target * ratio;
}

float SourceRatio(int64_t in, int64_t out, ResizeSampling sampling) {
  if (sampling == ResizeSampling::kAlignCorners && out > 1) {
    return static_cast<float>(in - 1) / static_cast<float>(out - 1);
  }
  return static_cast<float>(in) / static_cast<float>(out);
}

std::vector<Tap> MakeTaps(int64_t in, int64_t out, ResizeSampling sampling) {
  const float ratio = SourceRatio(in, out, sampling);
  std::vector<Tap> taps;
  taps.reserve(static_cast<size_t>(out));
  for (int64_t i = 0; i < out; ++i) {
    const float point = SourcePoint(i, ratio, sampling);
    const float floor = std::floor(point);
    taps.push_back(
        {.lower = std::max(static_cast<int64_t>(floor), int64_t{0}),
         .upper = std::min(static_cast<int64_t>(std::ceil(point)), in - 1),
         .lerp = point - floor});
  }
  return taps;
}

// One source row, normalised and resized along x. Remembers which.
struct ResizedRow {
  int64_t source_y = -1;
  std::vector<float> values;
};

float Normalized(uint8_t level, size_t channel,
                 const PreprocessorOptions& options) {
  return (static_cast<float>(level) - options.mean[channel]) /
         options.deviation[channel];
}

void FillRow(const ImageView& image, int64_t y, std::span<const Tap> taps,
             const PreprocessorOptions& options, ResizedRow& row) {
  if (row.source_y == y) return;
  row.source_y = y;
  row.values.resize(taps.size() * kRgbChannels);
  const uint8_t* source = image.Row(y);
  float* dst = row.values.data();
  for (const Tap& tap : taps) {
    for (size_t c = 0; c < kRgbChannels; ++c) {
      const float left =
          Normalized(source[tap.lower * kRgbChannels + c], c, options);
      const float right =
          Normalized(source[tap.upper * kRgbChannels + c], c, options);
      *dst++ = left + (right - left) * tap.lerp;
    }
  }
}

struct ScaledSize {
  float scale = 1;
  int64_t height_px = 0;
  int64_t width_px = 0;
};

// The largest size of the same ratio that fits, truncated to whole pixels.
StatusOr<ScaledSize> FitInto(const ImageView& image,
                             const PreprocessorOptions& options) {
  const auto height = static_cast<float>(image.height_px);
  const auto width = static_cast<float>(image.width_px);
  const float scale = std::min(static_cast<float>(options.width_px) / width,
                               static_cast<float>(options.height_px) / height);
  const ScaledSize size = {
      .scale = scale,
      .height_px =
          std::min(static_cast<int64_t>(height * scale), options.height_px),
      .width_px =
          std::min(static_cast<int64_t>(width * scale), options.width_px)};
  if (size.height_px < 1 || size.width_px < 1) {
    return InvalidArgument("image " + std::to_string(image.width_px) + " x " +
                           std::to_string(image.height_px) +
                           " px: too narrow to be resized to " +
                           std::to_string(options.width_px) + " x " +
                           std::to_string(options.height_px));
  }
  return size;
}

Status CheckArguments(const ImageView& image,
                      const PreprocessorOptions& options, int64_t dst_size) {
  const int64_t max_side = Limits().max_side_px;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("image width_px", image.width_px, 1, max_side));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("image height_px", image.height_px, 1, max_side));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("input width_px", options.width_px, 1, max_side));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("input height_px", options.height_px, 1, max_side));
  for (size_t c = 0; c < kRgbChannels; ++c) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("mean", static_cast<double>(options.mean[c]), -1e6, 1e6));
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "deviation", static_cast<double>(options.deviation[c]), 1e-6, 1e6));
  }
  const int64_t needed = options.width_px * options.height_px * kRgbChannels;
  return CheckRange("floats of the network input", dst_size, needed, needed);
}

}  // namespace

std::string_view ResizeSamplingName(ResizeSampling sampling) {
  switch (sampling) {
    case ResizeSampling::kHalfPixel:
      return "half-pixel";
    case ResizeSampling::kLegacy:
      return "legacy";
    case ResizeSampling::kAlignCorners:
      return "align-corners";
  }
  return "";
}

StatusOr<float> Preprocess(const ImageView& image,
                           const PreprocessorOptions& options,
                           std::span<float> dst) {
  CYTO8_RETURN_IF_ERROR(CheckArguments(image, options, std::ssize(dst)));
  CYTO8_ASSIGN_OR_RETURN(const ScaledSize size, FitInto(image, options));
  const std::vector<Tap> columns =
      MakeTaps(image.width_px, size.width_px, options.sampling);
  const std::vector<Tap> rows =
      MakeTaps(image.height_px, size.height_px, options.sampling);
  std::fill(dst.begin(), dst.end(), 0.0f);
  ResizedRow top, bottom;
  for (int64_t y = 0; y < size.height_px; ++y) {
    const Tap& tap = rows[static_cast<size_t>(y)];
    if (bottom.source_y == tap.lower) std::swap(top, bottom);
    FillRow(image, tap.lower, columns, options, top);
    FillRow(image, tap.upper, columns, options, bottom);
    float* out = dst.data() + y * options.width_px * kRgbChannels;
    for (size_t i = 0; i < top.values.size(); ++i) {
      out[i] = top.values[i] + (bottom.values[i] - top.values[i]) * tap.lerp;
    }
  }
  return 1.0f / size.scale;
}

}  // namespace cyto8
