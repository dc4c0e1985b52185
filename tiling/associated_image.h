// SPDX-License-Identifier: Apache-2.0
// The images beside a slide - label, macro, thumbnail, overview - of any
// format. A label shows who the slide is from: nothing here is called unless
// somebody asked for these images by name. Tested by
// tests/tiling/openslide_reader_test.cc and kfb_associated_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

// Those of the slide whose names say what they show.
std::vector<std::string> AssociatedNames(const SlideInfo& slide);

// RGB. KFB as by kfb_associated.h, else by OpenSlide, as of
// ReadOpenSlideAssociated. `slide` says which reader the file has.
StatusOr<Image> ReadAssociatedImage(FileSystem& files, const std::string& path,
                                    const SlideInfo& slide,
                                    std::string_view name,
                                    const Limits& limits);

}  // namespace cyto8
