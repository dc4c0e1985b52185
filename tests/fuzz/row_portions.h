// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets of images share: all rows in small portions and all at
// once give the same error or the same pixels. Linked into the targets only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "tiling/image_reader.h"
#include "tiling/row_source.h"

namespace cyto8 {

inline StatusOr<std::vector<uint8_t>> RowsOf(std::span<const std::byte> bytes,
                                             const Limits& limits,
                                             int64_t portion) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(bytes, limits));
  const ImageInfo info = rows->info();
  if (rows->memory_bytes() > limits.max_decoder_bytes) std::abort();
  const int64_t stride = info.width_px * kRgbChannels;
  std::vector<uint8_t> pixels(static_cast<size_t>(stride * info.height_px));
  for (int64_t y = 0; y < info.height_px; y += portion) {
    CYTO8_RETURN_IF_ERROR(rows->ReadRows(std::min(portion, info.height_px - y),
                                         pixels.data() + y * stride, stride));
  }
  return pixels;
}

// Aborts where the two ways differ. Bytes of another format are left out.
inline void ReadRowsInPortions(std::span<const std::byte> bytes,
                               ImageFormat format) {
  const StatusOr<ImageFormat> found = RecogniseImage(bytes);
  if (!found.ok() || *found != format) return;
  const Limits limits = {.max_slide_pixels = 1 << 16,
                         .max_image_pixels = 1 << 16,
                         .max_decoder_bytes = int64_t{64} << 20};
  const auto portions = RowsOf(bytes, limits, 3);
  const auto image = DecodeImage(bytes, limits);
  if (portions.status().ToString() != image.status().ToString()) std::abort();
  if (portions.status().code() == StatusCode::kInternal) std::abort();
  if (!image.ok()) return;
  if (!std::ranges::equal(*portions,
                          std::span(image->view().data, portions->size()))) {
    std::abort();
  }
}

}  // namespace cyto8
