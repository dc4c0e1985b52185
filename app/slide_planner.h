// SPDX-License-Identifier: Apache-2.0
// From an input file to tiles at the scale of the model: how large, at which
// um/px, which tiles; then their pixels. Tested by
// tests/app/score_pipeline_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/mpp_source.h"
#include "app/score_result.h"
#include "app/score_settings.h"
#include "app/tile_source.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_opener.h"
#include "tiling/roi_list.h"
#include "tiling/row_source.h"
#include "tiling/slide_survey.h"
#include "tiling/tile_grid.h"
#include "tiling/tile_order.h"

namespace cyto8 {

// What is known of the scale of one image before it is opened.
struct MppHints {
  std::optional<double> flag = std::nullopt;
  std::optional<double> side_file = std::nullopt;
};

// One image that shall be scored.
struct SlideInput {
  SlideIdentity identity = {};
  // What is opened where identity.path is a name that tells nothing
  // (anonymize.h); else empty.
  std::string hidden_path = {};
  MppHints hints = {};
  // What of it is looked at, in level-0 pixels; none: all.
  std::vector<Region> regions = {};
  Status status = {};  // of its entries in the side files.

  const std::string& file() const {
    return hidden_path.empty() ? identity.path : hidden_path;
  }
};

// What may be told of a failure: without the hidden path, and without what
// OpenSlide says, whose words may hold names of files.
Status Shown(const SlideInput& input, const Status& status);

// How images meet the network.
struct SlidePlannerOptions {
  TilingMode mode = TilingMode::kTiles;
  double model_mpp = 0;       // um per pixel to resample to; kTiles only.
  TileGridOptions grid = {};  // its tile is the network's input.
  // Of slides, by a reduced level (tiling/slide_survey.h): tiles of empty glass
  // are left out; those with the darkest nuclei come first.
  bool skip_background = true;
  bool darkest_first = false;
  Limits limits = {};
};

// What the header of a file and the options make of it. Immutable.
struct SlidePlan {
  int64_t width_px = 0;  // of the file (level 0).
  int64_t height_px = 0;
  Mpp mpp = {};
  int64_t scaled_width_px = 0;  // as the network sees it.
  int64_t scaled_height_px = 0;
  std::vector<Tile> tiles = {};  // of the scaled image, by rising y_px.
  int64_t decoder_bytes = 0;     // that reading it may hold.
  int64_t pages = 1;             // of the file; the first is read.
  int64_t focal_planes = 1;      // likewise.
  int64_t source_bytes = 0;      // most that a tile of a slide is made from.
  // Read block by block, with a cache: tiles_fail_alone (tile_source.h).
  bool is_slide = false;

  // Real ratios of the rounded sides, scaled over full.
  double ratio_x() const;
  double ratio_y() const;

  // The most that reading it holds, for each thread, while `in_flight` tiles
  // are in work: rows, one tile and the decoder.
  int64_t PixelBytes(int64_t in_flight) const;
};

// A file being read.
struct OpenedSlide {
  SlidePlan plan;
  std::unique_ptr<TileSource> tiles;
  // Those to be scored, in this order; all others are background.
  std::vector<TileTurn> turns;
  std::vector<int64_t> background;
  bool is_ranked = false;  // turns: the darkest tiles first.
};

// In strips, but those of `background`, in rising order.
std::vector<TileTurn> TurnsOf(const SlidePlan& plan,
                              std::span<const int64_t> background);

// Where the boxes of a tile lie, in level-0 pixels: a box that reaches farther
// than 2048 px of the network's scale beyond what the tile shows is cut there.
Box ReachOf(const TileSource& tiles, const Tile& tile, int64_t number);

// Thread-safe.
class SlidePlanner {
 public:
  // kInvalidArgument if the overlap does not fit the tile.
  static StatusOr<SlidePlanner> Create(FileSystem& files,
                                       const SlidePlannerOptions& options);

  // By the file's header alone: damage behind it is not seen. Errors start
  // with the path.
  StatusOr<SlidePlan> Plan(const SlideInput& input) const;
  // `background`: what is known to be that, in rising order; none: it is looked
  // for.
  StatusOr<OpenedSlide> Open(
      const SlideInput& input,
      const std::vector<int64_t>* background = nullptr) const;

  const SlidePlannerOptions& options() const { return options_; }

 private:
  SlidePlanner(FileSystem& files, const SlidePlannerOptions& options)
      : files_(&files), options_(options) {}
  StatusOr<SlidePlan> PlanOf(const RowSource& rows,
                             const SlideInput& input) const;
  StatusOr<SlidePlan> PlanOf(SlideReader& slide,
                             std::unique_ptr<SlideTiles>& tiles,
                             const SlideInput& input) const;
  StatusOr<OpenedSlide> OpenRowsOf(std::unique_ptr<RowSource> rows,
                                   const SlideInput& input) const;
  StatusOr<OpenedSlide> OpenSlideOf(
      std::unique_ptr<SlideReader> reader, const SlideInput& input,
      const std::vector<int64_t>* background) const;
  Status Survey(SlideReader& reader, const SlideTileSource& scaled,
                OpenedSlide& slide) const;
  Status PlaceTiles(const SlideInput& input, SlidePlan& plan) const;
  Status CheckScale(double um_per_px) const;
  Status ScaleToModel(const SlideInput& input, SlidePlan& plan) const;
  Status FitToNetwork(SlidePlan& plan) const;

  FileSystem* files_;
  SlidePlannerOptions options_;
};

}  // namespace cyto8
