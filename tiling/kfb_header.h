// SPDX-License-Identifier: Apache-2.0
// The header of a bright-field KFB slide: sides, scale and where the other
// parts are. Fluorescence slides (KFBF) are refused by name. Tested by
// tests/tiling/kfb_index_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

inline constexpr int64_t kKfbBlockPx = 256;     // both sides of a tile.
inline constexpr int64_t kKfbRecordBytes = 64;  // of the tile index.
inline constexpr int64_t kMaxKfbTiles = 2'000'000;
inline constexpr int64_t kMaxKfbSidePx = 200'000;
inline constexpr int64_t kMaxKfbJpegBytes = int64_t{8} << 20;

// Serial number, scan time and all tagged fields stay in the file.
struct KfbHeader {
  int64_t records = 0;  // in [1, kMaxKfbTiles].
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t magnification = 0;  // of level 0, in [1, 100].
  // In [0.05, 5]; none if the file says anything else.
  std::optional<double> um_per_px = std::nullopt;
  int64_t index_position = 0;  // all records lie inside of the file.
  // As the file has them, not checked; 0: none.
  int64_t overview_position = 0;
  int64_t label_position = 0;
  int64_t thumbnail_position = 0;
};

// From the first bytes of a file, 7 are enough; true also for a KFBF.
bool LooksLikeKfb(std::span<const std::byte> begin);

// The limits with the bounds of the format on sides.
Limits AsKfb(const Limits& limits);

// kDataLoss if damaged, kUnimplemented for a KFBF or a variant that no known
// scanner writes, kInvalidArgument beyond a limit; with field, value and range.
StatusOr<KfbHeader> ReadKfbHeader(ByteSource& bytes, const Limits& limits);

}  // namespace cyto8
