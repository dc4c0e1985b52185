// SPDX-License-Identifier: Apache-2.0
// A file to the reader that its content asks for; of MIRAX alone, its name.
// Tested by tests/tiling/openslide_reader_test.cc and image_opener_test.cc.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// Whether the name ends in .mrxs, in any case. The content of such a file is a
// small JPEG; the slide lies in the folder beside it.
bool IsNamedAsMirax(std::string_view path);

// What is named as MIRAX is OpenSlide's, whatever its content; kDataLoss if
// OpenSlide does not know it, so that its JPEG never passes for the slide. KFB
// is read by kfb_slide.h, TIFF directly (tiff_pyramid.h); what that leaves, and
// all else, is OpenSlide's. A damaged Aperio or plain TIFF is never handed
// on to be mended, but a maker's own kind may bend TIFF, as Hamamatsu does
// beyond 4 GiB. kUnimplemented for a file that is no slide, for instance a
// plain image, with the reason of the direct reader where there is one. Errors
// start with the path. `files` outlives the result.
StatusOr<std::unique_ptr<SlideReader>> OpenSlideFile(FileSystem& files,
                                                     const std::string& path,
                                                     const Limits& limits);

}  // namespace cyto8
