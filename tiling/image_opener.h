// SPDX-License-Identifier: Apache-2.0
// A file as what it is best read as: rows from top to bottom, or a slide whose
// blocks come in any order. Told by the content; of MIRAX alone, whose files
// begin as JPEG does, by the name. Tested by tests/tiling/image_opener_test.cc.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/row_source.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// One of the two.
struct OpenedImage {
  std::unique_ptr<RowSource> rows = {};
  std::unique_ptr<SlideReader> slide = {};
};

// JPEG, PNG and plain TIFF are rows; KFB, a TIFF in tiles and whatever else
// OpenSlide reads are slides, but for a TIFF of one level in tiles of which
// none is missing, with at most 4096 px a side: that is a field, and rows.
// Errors start with the path; of a file that nobody reads it is that of
// OpenRows. `files` outlives the result.
StatusOr<OpenedImage> OpenImage(FileSystem& files, const std::string& path,
                                const Limits& limits);

}  // namespace cyto8
