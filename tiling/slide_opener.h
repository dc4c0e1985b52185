// SPDX-License-Identifier: Apache-2.0
// A file to the reader that its content asks for, never its name. Tested by
// tests/tiling/openslide_reader_test.cc.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// KFB is read by kfb_slide.h, TIFF directly (tiff_pyramid.h); what that leaves,
// and all else, is OpenSlide's. A damaged Aperio or plain TIFF is never handed
// on to be mended, but a maker's own kind may bend TIFF, as Hamamatsu does
// beyond 4 GiB. kUnimplemented for a file that is no slide, for instance a
// plain image, with the reason of the direct reader where there is one. Errors
// start with the path. `files` outlives the result.
StatusOr<std::unique_ptr<SlideReader>> OpenSlideFile(FileSystem& files,
                                                     const std::string& path,
                                                     const Limits& limits);

}  // namespace cyto8
