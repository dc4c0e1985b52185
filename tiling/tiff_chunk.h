// SPDX-License-Identifier: Apache-2.0
// The samples of one strip or tile, row by row: uncompressed, differences
// summed up, bytes in the order of the machine. Tested by
// tests/tiling/strict_tiff_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/tiff_layout.h"

namespace cyto8 {

class TiffChunk {
 public:
  virtual ~TiffChunk() = default;

  // The next row, layout.RowBytes() long: samples side by side, as packed as in
  // the file; of 16 bits in the order of the machine. YCbCr has become RGB.
  virtual Status ReadRow(std::span<uint8_t> row) = 0;

  // After the last of layout.RowsOfChunk() rows: whatever else can be damaged.
  virtual Status Finish() = 0;
};

// What one chunk holds at most while its rows are read.
int64_t TiffChunkBytes(const TiffLayout& layout);

// The chunk `extent` in row `row_of_chunks`. kDataLoss if so few bytes cannot
// hold so many pixels. `bytes` and `layout` outlive the result.
StatusOr<std::unique_ptr<TiffChunk>> OpenTiffChunk(const TiffLayout& layout,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent,
                                                   int64_t row_of_chunks,
                                                   const Limits& limits);

}  // namespace cyto8
