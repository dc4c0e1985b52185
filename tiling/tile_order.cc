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

// Of tiles on one line.
int64_t CoveredWidth(std::vector<Tile>& tiles) {
  std::ranges::sort(tiles, {}, &Tile::x_px);
  int64_t width = 0;
  int64_t end = 0;  // of what is counted.
  for (const Tile& tile : tiles) {
    const int64_t right = tile.x_px + tile.width_px;
    width += std::max<int64_t>(0, right - std::max(tile.x_px, end));
    end = std::max(end, right);
  }
  return width;
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

// Bands between neighbouring upper and lower edges, from top to bottom: in each
// the same tiles lie side by side.
int64_t CoveredPixels(std::span<const Tile> tiles) {
  std::vector<Tile> by_top(tiles.begin(), tiles.end());
  std::ranges::sort(by_top, {}, &Tile::y_px);
  std::vector<int64_t> edges;
  for (const Tile& tile : tiles) {
    edges.push_back(tile.y_px);
    edges.push_back(tile.y_px + tile.height_px);
  }
  std::ranges::sort(edges);
  int64_t pixels = 0;
  std::vector<Tile> active;
  auto next = by_top.begin();
  for (size_t i = 0; i + 1 < edges.size(); ++i) {
    std::erase_if(active, [&](const Tile& tile) {
      return tile.y_px + tile.height_px <= edges[i];
    });
    while (next != by_top.end() && next->y_px <= edges[i]) {
      active.push_back(*next++);
    }
    pixels += (edges[i + 1] - edges[i]) * CoveredWidth(active);
  }
  return pixels;
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
