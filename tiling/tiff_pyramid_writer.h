// SPDX-License-Identifier: Apache-2.0
// A slide as a tiled pyramidal TIFF, plain or in Aperio's manner (SVS): tiles
// in the order in which they come, directories behind them, and only then the
// header, which says classic TIFF or, beyond 4 GB, BigTIFF. Tested by
// tests/tiling/slide_writer_test.cc.
#pragma once

#include <memory>

#include "tiling/slide_writer.h"

namespace cyto8 {

// As CreateSlideWriter.
StatusOr<std::unique_ptr<SlideWriter>> CreateTiffPyramidWriter(
    FileSystem& files, bool aperio, const SlideFileOptions& options);

}  // namespace cyto8
