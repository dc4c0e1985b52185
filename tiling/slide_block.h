// SPDX-License-Identifier: Apache-2.0
// What all slide readers do alike with a block: its name, its place in the
// grid, its part inside of the level. Tested by the tests of the readers.
#pragma once

#include <cstdint>
#include <string>

#include "base/image_view.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// "level 0, column 3, row 4".
std::string NameOfBlock(const BlockId& block);

// kInvalidArgument if the block is not in the grid or its reduction is none of
// 1, 2, 4 and 8; kUnimplemented above the largest one of the reader.
Status CheckBlock(const SlideInfo& info, const BlockId& block,
                  int64_t largest_reduction);

// What a block that the file has not reads as.
StatusOr<Image> WhiteBlock(const SlideLevel& level, const BlockId& block);

// The part that lies inside of the level of a block that was decoded whole.
StatusOr<Image> CutToLevel(Image whole, const SlideLevel& level,
                           const BlockId& block);

}  // namespace cyto8
