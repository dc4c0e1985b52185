// SPDX-License-Identifier: Apache-2.0
// Every setting of `cyto8 score` as plain data, grouped as in a configuration
// file (docs/formats.md, section 5). Where the values come from - flags,
// environment, files - is settings_layers.h. Tested by
// tests/app/settings_table_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "detector/runtime/engine.h"
#include "tiling/detection_merger.h"
#include "tiling/tile_grid.h"

namespace cyto8 {

// How an image meets the network.
enum class TilingMode {
  kTiles,   // a sliding window at the model's um/px.
  kResize,  // the whole image, resized into the network's input.
};

struct TileSize {
  int64_t width_px = 0;
  int64_t height_px = 0;
  friend bool operator==(const TileSize&, const TileSize&) = default;
};

struct InputSettings {
  std::string model = {};                    // card, or model beside its card.
  std::optional<double> mpp = std::nullopt;  // um per pixel of all images.
  std::string mpp_from = {};                 // side file; empty: none.
};

struct TilingSettings {
  TilingMode mode = TilingMode::kTiles;
  // Of the network; none: the card's. Multiples of 2^max_level.
  std::optional<TileSize> tile_px = std::nullopt;
  // Tiles that show less than tile_px run at the smallest size that holds
  // them, instead of being padded to tile_px.
  bool fit = false;
  int64_t overlap_px = 192;
  EdgeRule edge = {};
  std::optional<double> target_mpp = std::nullopt;  // none: the card's.
  std::string roi = {};  // file with regions per image; empty: whole images.
  bool skip_background = true;  // tiles of a slide that show empty glass.
};

struct PostprocessSettings {
  std::optional<double> min_score = std::nullopt;      // none: the card's.
  std::map<std::string, double> class_min_score = {};  // by class name.
  bool class_agnostic = false;
  MergeMethod merge = MergeMethod::kNms;
  MergeMetric match_metric = MergeMetric::kIou;
  std::optional<double> match_threshold = std::nullopt;  // none: the card's.
};

// When an image is no result that one may rely on (tiling/slide_verdict.h).
struct QualitySettings {
  double min_coverage = 0.98;  // of the tiles that are no background.
};

struct OutputSettings {
  std::string output = {};  // folder for the results.
  bool overlays = true;
  bool heatmaps = true;
  bool thumbnails = true;
  // Key file: slides appear by ids that only it can tell (anonymize.h); empty:
  // by their names.
  std::string anonymize = {};
};

// How the threads share the tiles.
enum class Schedule {
  kAuto,        // one of the others, by execution.h.
  kThroughput,  // a tile per thread: no thread waits for another.
  kLatency,     // one tile over all threads: each is done as soon as possible.
};

// What a failed image means for the others.
enum class OnError { kContinue, kStop };

struct RunSettings {
  int64_t threads = 0;  // 0: as many as the process may use.
  Schedule schedule = Schedule::kAuto;
  // Of our own kernels: the name of an Isa, or auto for the best there is.
  std::string isa = "auto";
  Engine engine = Engine::kOneDnn;
  OnError on_error = OnError::kContinue;
  int64_t max_failures = 0;  // after so many no image is begun; 0: any number.
  // A child process for each image, with so much memory at most.
  bool isolate = false;
  int64_t isolate_mib = 4096;
  std::optional<double> budget_s = std::nullopt;  // for each slide.
  bool quiet = false;
  std::string log_json = {};  // file for the JSON log; empty: none.
};

struct ScoreSettings {
  InputSettings input = {};
  TilingSettings tiling = {};
  PostprocessSettings postprocess = {};
  QualitySettings quality = {};
  OutputSettings output = {};
  RunSettings run = {};
};

}  // namespace cyto8
