// SPDX-License-Identifier: Apache-2.0
// Any bytes as a slide: an error, or blocks of the sizes that its levels give.
// The seeds were made by EncodeTiff of tests/support from a computed picture.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tiling/tiff_pyramid.h"

namespace {

// At most so many blocks of an input; hostile levels have more.
constexpr int64_t kBlocks = 8;

void ReadBlock(cyto8::SlideReader& reader, const cyto8::BlockId& block) {
  const auto& level = reader.info().levels[static_cast<size_t>(block.level)];
  const bool there = reader.HasBlock(block);
  const auto image = reader.ReadBlock(block);
  if (image.status().code() == cyto8::StatusCode::kInternal) std::abort();
  if (!image.ok() && !there) std::abort();
  if (!image.ok()) return;
  const auto [width, height] = cyto8::BlockSize(level, block);
  if (image->width_px() != width || image->height_px() != height) std::abort();
}

void ReadLevel(cyto8::SlideReader& reader, int64_t index) {
  const auto& level = reader.info().levels[static_cast<size_t>(index)];
  const int64_t columns = level.blocks_across();
  const int64_t blocks = columns * level.blocks_down();
  for (int64_t i = 0; i < std::min(blocks, kBlocks); ++i) {
    // From both ends: the last ones are cut.
    const int64_t at = i % 2 == 0 ? i / 2 : blocks - 1 - i / 2;
    for (int64_t by = 1; by <= reader.largest_reduction(); by *= 2) {
      ReadBlock(reader, {.level = index,
                         .column = at % columns,
                         .row = at / columns,
                         .reduction = by});
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto reader = cyto8::OpenTiffPyramid(
      std::as_bytes(std::span(data, size)),
      {.max_slide_pixels = 1 << 20, .max_decoder_bytes = int64_t{16} << 20});
  if (!reader.ok()) {
    if (reader.status().code() == cyto8::StatusCode::kInternal) std::abort();
    return 0;
  }
  const auto levels = static_cast<int64_t>((*reader)->info().levels.size());
  for (int64_t i = 0; i < std::min(levels, kBlocks); ++i) {
    ReadLevel(**reader, i);
  }
  return 0;
}
