// SPDX-License-Identifier: Apache-2.0
// Blocks; see slide_block.h.
#include "tiling/slide_block.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {

std::string NameOfBlock(const BlockId& block) {
  return "level " + std::to_string(block.level) + ", column " +
         std::to_string(block.column) + ", row " + std::to_string(block.row);
}

Status CheckBlock(const SlideInfo& info, const BlockId& block,
                  int64_t largest_reduction) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("level", block.level, 0, std::ssize(info.levels) - 1));
  const SlideLevel& level = info.levels[static_cast<size_t>(block.level)];
  CYTO8_RETURN_IF_ERROR(
      CheckRange("column", block.column, 0, level.blocks_across() - 1));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("row", block.row, 0, level.blocks_down() - 1));
  const int64_t reduction = block.reduction;
  if (reduction != 1 && reduction != 2 && reduction != 4 && reduction != 8) {
    return InvalidArgument("reduction = " + std::to_string(reduction) +
                           ": must be 1, 2, 4 or 8");
  }
  if (reduction <= largest_reduction) return OkStatus();
  return Unimplemented("reduction = " + std::to_string(reduction) +
                       " is not supported: must be at most " +
                       std::to_string(largest_reduction));
}

StatusOr<Image> WhiteBlock(const SlideLevel& level, const BlockId& block) {
  const auto [width, height] = BlockSize(level, block);
  CYTO8_ASSIGN_OR_RETURN(Image image, Image::Create(width, height));
  image.Fill({.red = 255, .green = 255, .blue = 255});
  return image;
}

StatusOr<Image> CutToLevel(Image whole, const SlideLevel& level,
                           const BlockId& block) {
  const auto [width, height] = BlockSize(level, block);
  if (whole.width_px() == width && whole.height_px() == height) return whole;
  CYTO8_ENSURE(width <= whole.width_px() && height <= whole.height_px());
  CYTO8_ASSIGN_OR_RETURN(Image image, Image::Create(width, height));
  for (int64_t y = 0; y < height; ++y) {
    std::copy_n(whole.view().Row(y), width * kRgbChannels, image.MutableRow(y));
  }
  return image;
}

}  // namespace cyto8
