// SPDX-License-Identifier: Apache-2.0
// Checks and rows of feature fusion on codes; see feature_fusion_u8.h.
#include "detector/kernels/feature_fusion_u8.h"

#include "base/checked_math.h"
#include "detector/kernels/codes.h"
#include "detector/kernels/feature_fusion_u8_fast.h"
#include "detector/kernels/kernel_checks.h"

namespace cyto8 {
namespace {

using RowKernel = void (*)(const FusionRowU8& row);

RowKernel KernelOf(Isa isa) {
  if (isa >= Isa::kAvx512) return &FuseRowU8Avx512;
  return isa == Isa::kAvx2 ? &FuseRowU8Avx2 : &FuseRowU8Naive;
}

}  // namespace

Status CheckFeatureFusionU8(const FeatureFusionU8& fusion) {
  const FeatureFusionShape& shape = fusion.shape;
  CYTO8_RETURN_IF_ERROR(CheckRange("batch", shape.batch, 1, 1));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("channels", shape.channels, 1, kMaxWindowNumber));
  CYTO8_RETURN_IF_ERROR(CheckFeatureFusion(shape));
  CYTO8_RETURN_IF_ERROR(
      CheckSize("start", fusion.start.size(), {shape.channels}));
  CYTO8_RETURN_IF_ERROR(CheckSize("multiplier", fusion.multiplier.size(),
                                  {std::ssize(shape.sources), shape.channels}));
  const int64_t fraction_bits = fusion.requantization.fraction_bits;
  CYTO8_RETURN_IF_ERROR(CheckRange("fraction_bits", fraction_bits, 0, 5));
  const EvenTable* const table = fusion.requantization.table;
  if (table == nullptr) return OkStatus();
  const int64_t segment_shift = table->segment_shift;
  return CheckRange("segment_shift", segment_shift, 0, 15);
}

int64_t FeatureFusionU8Scratch(const FeatureFusionU8& fusion) {
  return FeatureFusionScratch(fusion.shape);  // a byte where it has a float.
}

void FeatureFusionU8Rows(Isa isa, const FeatureFusionU8& fusion,
                         std::span<const uint8_t* const> src, int64_t first_row,
                         int64_t last_row, uint8_t* scratch, uint8_t* dst) {
  const FeatureFusionShape& shape = fusion.shape;
  const int64_t row_bytes = shape.width * shape.channels;
  FusionRowU8 row = {.width = shape.width,
                     .channels = shape.channels,
                     .sources = std::ssize(src),
                     .start = fusion.start.data(),
                     .multiplier = fusion.multiplier.data(),
                     .requantization = fusion.requantization};
  for (int64_t y = first_row; y < last_row; ++y) {
    uint8_t* pooled = scratch;
    for (size_t i = 0; i < src.size(); ++i) {
      const FusionSource& source = shape.sources[i];
      if (source.pool) {
        MaxPoolU8Row(isa, *source.pool, src[i], y, pooled);
        row.repeats[i] = 1;
        row.rows[i] = pooled;
        pooled += row_bytes;
        continue;
      }
      row.repeats[i] = source.factor_x;
      row.rows[i] =
          src[i] + y / source.factor_y * (row_bytes / source.factor_x);
    }
    row.dst = dst + y * row_bytes;
    KernelOf(isa)(row);
  }
}

}  // namespace cyto8
