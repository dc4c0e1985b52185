// SPDX-License-Identifier: Apache-2.0
// Any bytes as a list of regions: an error, or regions that every name finds
// and whose tiles lie inside the image.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tiling/roi_list.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto list =
      cyto8::RoiList::Parse(std::as_bytes(std::span(data, size)), {});
  if (!list.ok()) return 0;
  constexpr int64_t kSide = 500;
  for (const std::string& name : list->names()) {
    const auto regions = list->Find(name);
    if (!regions.ok() || regions->empty()) std::abort();
    const auto areas = cyto8::PlaceRegions(*regions, {.full_width_px = 700,
                                                      .full_height_px = 900,
                                                      .width_px = kSide,
                                                      .height_px = kSide});
    if (!areas.ok()) continue;
    const auto tiles = cyto8::TilesOfAreas(
        *areas, {.tile_width_px = 90, .tile_height_px = 64, .overlap_px = 9});
    if (!tiles.ok()) std::abort();
    for (const cyto8::Tile& tile : *tiles) {
      const bool inside = tile.x_px >= 0 && tile.y_px >= 0 &&
                          tile.width_px > 0 && tile.height_px > 0 &&
                          tile.x_px + tile.width_px <= kSide &&
                          tile.y_px + tile.height_px <= kSide;
      if (!inside) std::abort();
    }
  }
  return 0;
}
