// SPDX-License-Identifier: Apache-2.0
// The pixels of an image's tiles and where they lie on level 0, whatever kind
// of file they come from. Tested by tests/app/score_pipeline_test.cc.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/box.h"
#include "base/image_view.h"
#include "base/status.h"
#include "tiling/scaled_rows.h"
#include "tiling/slide_reader.h"
#include "tiling/slide_tiles.h"
#include "tiling/tile_cutter.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// Thread-safe.
class TileSource {
 public:
  virtual ~TileSource() = default;

  // The pixels of a tile of the plan, at the scale of the network; each is
  // taken once, best in rising order.
  virtual StatusOr<Image> Take(int64_t tile) = 0;

  // A hint that the tile will be taken soon.
  virtual void WillNeed(int64_t tile) = 0;

  // Whether a failure of Take concerns that tile alone; else it is one of the
  // image.
  virtual bool tiles_fail_alone() const = 0;

  // A box in pixels of the resampled image that this tile found.
  virtual Box ToLevelZero(int64_t tile, const Box& box) const = 0;

  // Of the time spent in Take: to decode. After the last Take.
  virtual double decode_seconds() const = 0;
};

// An image that is read once from top to bottom: damage spoils all of it.
class RowTiles final : public TileSource {
 public:
  // ratio: resampled over full size.
  RowTiles(std::unique_ptr<ScaledRowSeconds> seconds,
           std::unique_ptr<TileCutter> cutter, double ratio_x, double ratio_y)
      : seconds_(std::move(seconds)),
        cutter_(std::move(cutter)),
        ratio_x_(ratio_x),
        ratio_y_(ratio_y) {}

  StatusOr<Image> Take(int64_t tile) override { return cutter_->Take(tile); }
  // Rows are read in order, which the system sees by itself.
  void WillNeed(int64_t /*tile*/) override {}
  bool tiles_fail_alone() const override { return false; }
  Box ToLevelZero(int64_t /*tile*/, const Box& box) const override {
    return {.x_min = box.x_min / ratio_x_,
            .y_min = box.y_min / ratio_y_,
            .x_max = box.x_max / ratio_x_,
            .y_max = box.y_max / ratio_y_};
  }
  double decode_seconds() const override { return seconds_->decode; }

 private:
  std::unique_ptr<ScaledRowSeconds> seconds_;  // outlives the cutter.
  std::unique_ptr<TileCutter> cutter_;
  double ratio_x_;
  double ratio_y_;
};

// A slide whose blocks are read in any order: damage spoils its tiles only.
class SlideTileSource final : public TileSource {
 public:
  // tiles: of the plan, which outlives it, in pixels of `scaled`.
  SlideTileSource(std::unique_ptr<SlideReader> reader,
                  std::unique_ptr<SlideTiles> scaled,
                  std::span<const Tile> tiles)
      : reader_(std::move(reader)), scaled_(std::move(scaled)), tiles_(tiles) {}

  StatusOr<Image> Take(int64_t tile) override {
    return scaled_->Read(At(tile));
  }
  void WillNeed(int64_t tile) override { scaled_->WillNeed(At(tile)); }
  bool tiles_fail_alone() const override { return true; }
  Box ToLevelZero(int64_t tile, const Box& box) const override {
    const Tile& origin = At(tile);
    const SlidePlacement place = scaled_->PlacementOf(origin);
    const auto x = [&](double at) {
      return place.x_px +
             (at - static_cast<double>(origin.x_px)) * place.scale_x;
    };
    const auto y = [&](double at) {
      return place.y_px +
             (at - static_cast<double>(origin.y_px)) * place.scale_y;
    };
    return {.x_min = x(box.x_min),
            .y_min = y(box.y_min),
            .x_max = x(box.x_max),
            .y_max = y(box.y_max)};
  }
  // Whether the file has pixels for it; where not, all is white.
  bool HasPixels(int64_t tile) const { return scaled_->HasPixels(At(tile)); }
  // The level-0 pixels that a tile shows at least a part of.
  Tile OnLevelZero(int64_t tile) const {
    const Tile& origin = At(tile);
    const SlidePlacement place = scaled_->PlacementOf(origin);
    const auto x = static_cast<int64_t>(place.x_px);
    const auto y = static_cast<int64_t>(place.y_px);
    const auto end = [](double begin, int64_t side, double scale) {
      return static_cast<int64_t>(
          std::ceil(begin + static_cast<double>(side) * scale));
    };
    return {.x_px = x,
            .y_px = y,
            .width_px = end(place.x_px, origin.width_px, place.scale_x) - x,
            .height_px = end(place.y_px, origin.height_px, place.scale_y) - y};
  }
  // Decoding and resampling of a tile are not told apart.
  double decode_seconds() const override { return 0; }

 private:
  const Tile& At(int64_t tile) const {
    return tiles_[static_cast<size_t>(tile)];
  }

  std::unique_ptr<SlideReader> reader_;  // outlives scaled_.
  std::unique_ptr<SlideTiles> scaled_;
  std::span<const Tile> tiles_;
};

}  // namespace cyto8
