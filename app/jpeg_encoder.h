// SPDX-License-Identifier: Apache-2.0
// RGB pixels to a JPEG in memory, by libjpeg-turbo: baseline, 4:4:4. Tested by
// tests/app/overlay_test.cc.
#pragma once

#include <cstddef>
#include <vector>

#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// kInvalidArgument if a side is above 65500 px, the most that JPEG can hold in
// libjpeg-turbo; kInternal if the library fails otherwise.
StatusOr<std::vector<std::byte>> EncodeJpeg(const ImageView& image,
                                            int quality);

}  // namespace cyto8
