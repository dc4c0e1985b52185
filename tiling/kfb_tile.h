// SPDX-License-Identifier: Apache-2.0
// One tile of a KFB slide from its JPEG to the pixels of its cell. Tested by
// tests/tiling/kfb_slide_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/image_view.h"
#include "base/status.h"
#include "tiling/kfb_index.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// The part of the tile inside of its level, BlockSize(level, block): what
// overruns is cut off. kDataLoss if the JPEG is damaged, not baseline with
// three 8-bit components, of another size than its record says, or too small
// for its cell.
StatusOr<Image> DecodeKfbTile(std::span<const std::byte> jpeg,
                              const KfbTile& tile, const SlideLevel& level,
                              const BlockId& block);

// What DecodeKfbTile holds at most, its result included.
int64_t KfbTileBytes();

}  // namespace cyto8
