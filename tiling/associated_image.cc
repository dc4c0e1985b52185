// SPDX-License-Identifier: Apache-2.0
// See associated_image.h.
#include "tiling/associated_image.h"

#include <algorithm>
#include <iterator>

#include "tiling/kfb_associated.h"
#include "tiling/openslide_reader.h"

namespace cyto8 {

std::vector<std::string> AssociatedNames(const SlideInfo& slide) {
  constexpr std::string_view kNames[] = {"label", "macro", "thumbnail",
                                         "overview"};
  std::vector<std::string> names;
  for (const std::string_view name : kNames) {
    if (std::ranges::find(slide.associated, name) != slide.associated.end()) {
      names.emplace_back(name);
    }
  }
  return names;
}

StatusOr<Image> ReadAssociatedImage(FileSystem& files, const std::string& path,
                                    const SlideInfo& slide,
                                    std::string_view name,
                                    const Limits& limits) {
  if (slide.reader == "kfb") {
    return ReadKfbAssociated(files, path, name, limits);
  }
  return ReadOpenSlideAssociated(path, name, limits);
}

}  // namespace cyto8
