// SPDX-License-Identifier: Apache-2.0
// See tile_order.h.
#include "tiling/tile_order.h"

#include <algorithm>
#include <tuple>

namespace cyto8 {
namespace {

constexpr Box kNothing = {};

Box Both(const Box& a, const Box& b) {
  if (a == kNothing) return b;
  if (b == kNothing) return a;
  return {.x_min = std::min(a.x_min, b.x_min),
          .y_min = std::min(a.y_min, b.y_min),
          .x_max = std::max(a.x_max, b.x_max),
          .y_max = std::max(a.y_max, b.y_max)};
}

}  // namespace

std::vector<TileTurn> OrderInStrips(std::span<const Tile> tiles,
                                    int64_t strip_px) {
  std::vector<TileTurn> turns;
  turns.reserve(tiles.size());
  for (int64_t i = 0; i < std::ssize(tiles); ++i) {
    turns.push_back({.tile = i, .strip = tiles[i].x_px / strip_px});
  }
  std::ranges::sort(turns, {}, [&](const TileTurn& turn) {
    const Tile& tile = tiles[turn.tile];
    return std::tuple(turn.strip, tile.y_px, tile.x_px, turn.tile);
  });
  return turns;
}

OpenAreas::OpenAreas(std::span<const TileTurn> turns,
                     std::span<const Box> reaches)
    : rests_(turns.size()) {
  Box in_strip = kNothing;
  Box after = kNothing;  // the strip of the turn.
  for (int64_t i = std::ssize(turns) - 1; i >= 0; --i) {
    if (i + 1 < std::ssize(turns) && turns[i + 1].strip != turns[i].strip) {
      after = Both(after, in_strip);
      in_strip = kNothing;
    }
    in_strip = Both(in_strip, reaches[i]);
    rests_[i] = {.of_strip = in_strip, .later = after};
  }
}

std::vector<Box> OpenAreas::After(int64_t turns) const {
  std::vector<Box> open;
  if (turns == std::ssize(rests_)) return open;
  open.push_back(rests_[turns].of_strip);
  if (rests_[turns].later != kNothing) open.push_back(rests_[turns].later);
  return open;
}

}  // namespace cyto8
