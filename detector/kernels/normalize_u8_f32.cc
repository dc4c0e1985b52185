// SPDX-License-Identifier: Apache-2.0
// Normalisation of pixels; see normalize_u8_f32.h.
#include "detector/kernels/normalize_u8_f32.h"

#include <limits>

#include "base/checked_math.h"
#include "detector/kernels/kernel_checks.h"
#include "detector/kernels/normalize_u8_f32_fast.h"

namespace cyto8 {
namespace {

void NormalizeNaive(const float mean[3], const float deviation[3],
                    const uint8_t* src, float* dst, int64_t count) {
  for (int64_t i = 0; i < count; i += 3) {
    for (int64_t c = 0; c < 3; ++c) {
      dst[i + c] = (static_cast<float>(src[i + c]) - mean[c]) / deviation[c];
    }
  }
}

}  // namespace

Status NormalizeU8F32(Isa isa, const NormalizeParameters& parameters,
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
  const auto normalize = isa >= Isa::kAvx512 ? &NormalizeU8F32Avx512
                         : isa == Isa::kAvx2 ? &NormalizeU8F32Avx2
                                             : &NormalizeNaive;
  normalize(parameters.mean.data(), parameters.deviation.data(), src.data(),
            dst.data(), std::ssize(src));
  return OkStatus();
}

}  // namespace cyto8
