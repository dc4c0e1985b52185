// SPDX-License-Identifier: Apache-2.0
// Normalisation of pixels; see normalize_u8_f32.h.
#include "detector/kernels/normalize_u8_f32.h"

#include <limits>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

Status NormalizeU8F32(const NormalizeParameters& parameters,
                      std::span<const uint8_t> src, std::span<float> dst) {
  constexpr size_t kChannels = 3;
  const auto pixels = static_cast<int64_t>(src.size() / kChannels);
  CYTO8_RETURN_IF_ERROR(CheckSize("src", src.size(), {pixels, kChannels}));
  CYTO8_RETURN_IF_ERROR(CheckSize("dst", dst.size(), {pixels, kChannels}));
  for (const float deviation : parameters.deviation) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("deviation", static_cast<double>(deviation),
                   static_cast<double>(std::numeric_limits<float>::min()),
                   static_cast<double>(std::numeric_limits<float>::max())));
  }
  for (size_t i = 0; i < src.size(); i += kChannels) {
    for (size_t c = 0; c < kChannels; ++c) {
      dst[i + c] = (static_cast<float>(src[i + c]) - parameters.mean[c]) /
                   parameters.deviation[c];
    }
  }
  return OkStatus();
}

}  // namespace cyto8
