// SPDX-License-Identifier: Apache-2.0
// A slide as a bright-field KFB file, laid out as the strictest known readers
// want it: header, overview, label, the tiles of level 0, those of level 1 and
// so on, the index, the thumbnail. Tiles of the upper levels wait in a file of
// their own beside the slide, since they come in between. Tested by
// tests/tiling/slide_writer_test.cc.
#pragma once

#include <memory>

#include "tiling/slide_writer.h"

namespace cyto8 {

// As CreateSlideWriter.
StatusOr<std::unique_ptr<SlideWriter>> CreateKfbWriter(
    FileSystem& files, const SlideFileOptions& options);

}  // namespace cyto8
