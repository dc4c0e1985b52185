// SPDX-License-Identifier: Apache-2.0
// Bright-field KFB slides (KFBIO scanners) as a SlideReader. A clean-room
// reader: no code, library or document of the vendor was used. Label, macro
// and thumbnail are kfb_associated.h's. Tested by
// tests/tiling/kfb_slide_test.cc.
#pragma once

#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/kfb_header.h"  // LooksLikeKfb
#include "tiling/slide_reader.h"

namespace cyto8 {

// Reads header and index, no JPEG; errors, also those of blocks, start with
// the path. The file stays open; `files` outlives the result. Errors as of
// ParseKfb, kInvalidArgument if it is not a regular file.
//
// Blocks are 256 x 256 px, decoded at reductions 1, 2, 4 and 8. mpp_source is
// "kfb.um_per_px".
StatusOr<std::unique_ptr<SlideReader>> OpenKfb(FileSystem& files,
                                               const std::string& path,
                                               const Limits& limits);

}  // namespace cyto8
