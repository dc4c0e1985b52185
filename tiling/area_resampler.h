// SPDX-License-Identifier: Apache-2.0
// ResampleArea for images too large to hold: rows of the source go in from top
// to bottom, rows of the result come out, memory grows with the width only.
// Tested by tests/tiling/area_resampler_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// Which instructions the means may use; results are the same.
enum class ResamplerIsa {
  kPlain,       // whatever the compiler's baseline is.
  kAvx512Vbmi,  // AVX-512 F, BW and VBMI; for scales up to about 3.
};

// What this CPU can run, kPlain first, the best last.
std::vector<ResamplerIsa> UsableResamplerIsas();
ResamplerIsa BestResamplerIsa();

// Byte for byte what ResampleArea (tiling/resample.h) gives, that is OpenCV
// 4.6's INTER_AREA, for every pair of sizes whose pixels it can hold. Use:
//
//   for (each row of the source) {
//     CYTO8_RETURN_IF_ERROR(resampler.PushRow(row));
//     while (resampler.HasRow()) {
//       CYTO8_RETURN_IF_ERROR(resampler.TakeRow(next row of a band));
//     }
//   }
//
// After the last row of the source all rows of the result have come. Starts no
// thread; one thread at a time.
class AreaResampler {
 public:
  // kInvalidArgument if a side is outside [1, limits.max_side_px]. The pixels
  // of neither image are bounded.
  static StatusOr<AreaResampler> Create(int64_t src_width_px,
                                        int64_t src_height_px,
                                        int64_t dst_width_px,
                                        int64_t dst_height_px,
                                        const Limits& limits = {},
                                        ResamplerIsa isa = BestResamplerIsa());
  AreaResampler(AreaResampler&&) noexcept;
  AreaResampler& operator=(AreaResampler&&) noexcept;
  ~AreaResampler();

  // The next row of the source: 3 * src_width_px bytes, copied.
  // kInvalidArgument if HasRow(), or after the last row.
  Status PushRow(const uint8_t* src);

  // True if a row of the result is complete.
  bool HasRow() const;

  // Writes that row: 3 * dst_width_px bytes. kInvalidArgument unless HasRow().
  Status TakeRow(uint8_t* dst);

  class Filter;  // of four kinds, all in area_resampler.cc.

 private:
  explicit AreaResampler(std::unique_ptr<Filter> filter);

  std::unique_ptr<Filter> filter_;
};

}  // namespace cyto8
