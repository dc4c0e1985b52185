// SPDX-License-Identifier: Apache-2.0
// The images beside a KFB slide: its label, which shows patient data, the
// overview and the thumbnail. Never read unless somebody asks for one. Tested
// by tests/tiling/kfb_associated_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/image_view.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/kfb_header.h"

namespace cyto8 {

// Those of "label", "macro" (the overview) and "thumbnail" to which the header
// points; nothing of them is read.
std::vector<std::string> KfbAssociatedNames(const KfbHeader& header);

// RGB pixels; grey is repeated in the three channels. kNotFound if the file
// has no image of this name, else errors as of ReadKfbHeader and, with the
// name, DecodeJpegBlock. A record whose JPEG is longer than it says is read to
// the end of the JPEG, but not into the next part of the file.
StatusOr<Image> ReadKfbAssociated(ByteSource& bytes, std::string_view name,
                                  const Limits& limits);
// The same for a file; errors start with the path.
StatusOr<Image> ReadKfbAssociated(FileSystem& files, const std::string& path,
                                  std::string_view name, const Limits& limits);

}  // namespace cyto8
