// SPDX-License-Identifier: Apache-2.0
// thumbnail.jpg: a slide in small, made of its pyramid. The thumbnail that the
// file itself may have is never read: it can show the label. Tested by
// tests/app/thumbnail_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

inline constexpr int64_t kThumbnailPx = 1024;       // of the longer side.
inline constexpr int64_t kThumbnailLevelPx = 4096;  // of its level, at most.

// The level's pixels, averaged over areas; none if every level has a side above
// kThumbnailLevelPx. Of the others the smallest that is no smaller than the
// thumbnail, else the largest, which is not enlarged. A block that cannot be
// read is mid grey (128), one that the file has not white. Holds one row of
// blocks beside the result. Fails without memory only.
StatusOr<std::optional<Image>> MakeThumbnail(SlideReader& slide,
                                             const Limits& limits);

// Baseline, quality 85, 4:4:4.
StatusOr<std::string> ThumbnailJpeg(const ImageView& thumbnail);

}  // namespace cyto8
