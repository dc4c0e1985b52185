// SPDX-License-Identifier: Apache-2.0
// From one 8-bit RGB tile to detections. The model normalises pixels itself, so
// no float image exists outside of it. Knows no files, slides or threads.
// Tested by tests/detector/efficientdet/detector_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/detection.h"
#include "base/image_view.h"
#include "base/parallel_for.h"
#include "base/status.h"
#include "detector/efficientdet/postprocess.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

// A graph whose only input is normalised float [B, H, W, 3] becomes one of
// uint8 pixels of the same shape and name, with kNormalize behind it. Names of
// outputs are kept. kInvalidArgument if there is not exactly one such input or
// a deviation is not positive.
StatusOr<Graph> PrependNormalization(Graph graph,
                                     const std::array<float, 3>& mean,
                                     const std::array<float, 3>& deviation);

// Fills a network input of that width, dst [height, width, 3], with a tile of at
// most its size; what the tile leaves at the right and the bottom gets `pad`.
void FillWithTile(const ImageView& tile, const Rgb& pad, int64_t width_px,
                  std::span<uint8_t> dst);

// The two outputs of the model that belong to one pyramid level.
struct DetectorLevel {
  std::string class_output;
  std::string box_output;
};

struct DetectorOptions {
  std::vector<DetectorLevel> levels;  // finest first.
  AnchorSet anchors;
  int64_t classes = 0;
  PostprocessOptions postprocess;
  Rgb pad_rgb;  // fills what a smaller tile leaves of the model's input.
};

// The immutable half: what every thread shares. Its tile is the model's input.
class Detector {
 public:
  // The model takes uint8 [1, H, W, 3]. kInvalidArgument if outputs, anchors
  // and options do not fit together; the message names the field and both
  // values.
  static StatusOr<std::shared_ptr<const Detector>> Create(
      std::shared_ptr<const CompiledModel> model, DetectorOptions options);

  int64_t tile_width_px() const { return tile_width_px_; }
  int64_t tile_height_px() const { return tile_height_px_; }
  const DetectorOptions& options() const { return options_; }
  // Bytes of activations that one session allocates.
  int64_t scratch_bytes() const { return model_->scratch_bytes(); }

 private:
  friend class DetectorSession;

  // Numbers of the model's outputs.
  struct LevelPorts {
    int64_t classes = 0;
    int64_t boxes = 0;
  };

  Detector(std::shared_ptr<const CompiledModel> model, DetectorOptions options);
  Status BindLevels();
  Status BindLevel(size_t level, int64_t& anchors);
  StatusOr<int64_t> FindOutput(const std::string& name) const;

  std::shared_ptr<const CompiledModel> model_;
  DetectorOptions options_;
  std::vector<LevelPorts> ports_;
  int64_t tile_width_px_ = 0;
  int64_t tile_height_px_ = 0;
};

// Where a tile lies on its image: pixels of the image as the detector sees it.
struct TilePlacement {
  int64_t x_px = 0;
  int64_t y_px = 0;
};

// Boxes are relative to the tile's top left corner in float32 precision; the
// integer origin beside them keeps that precision on slides of any size.
struct TileDetections {
  TilePlacement placement;
  std::vector<Detection> detections;  // score falling.
};

// The box on the image: tile-relative float plus integer origin, in double.
Detection OnImage(const Detection& detection, const TilePlacement& placement);

// The mutable half: one per thread, not thread-safe.
class DetectorSession {
 public:
  static StatusOr<DetectorSession> Create(
      std::shared_ptr<const Detector> detector);

  // Infer, then FindBoxes.
  StatusOr<TileDetections> Detect(const ImageView& tile,
                                  const TilePlacement& placement,
                                  ParallelFor& executor);

  // Runs the network. A tile smaller than the model's input is padded at the
  // right and the bottom. kInvalidArgument if a side of the tile is not in
  // [1, the model's].
  Status Infer(const ImageView& tile, ParallelFor& executor);

  // What the last Infer found. Boxes are neither clipped nor capped in number
  // unless the options ask for it: a box may reach past the tile.
  StatusOr<TileDetections> FindBoxes(const TilePlacement& placement) const;

 private:
  DetectorSession(std::shared_ptr<const Detector> detector,
                  InferRequest request);

  std::shared_ptr<const Detector> detector_;
  InferRequest request_;
};

}  // namespace cyto8
