// SPDX-License-Identifier: Apache-2.0
// From a model card and its GraphDef to a detector; refuses what does not fit
// together. Tested by tests/app/load_model_test.cc.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/detector_family.h"
#include "app/model_card.h"
#include "app/score_settings.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"
#include "detector/efficientdet/detector.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

struct LoadModelOptions {
  // The card (.yaml), or the model with the card of the same stem beside it.
  std::string path = {};
  Engine engine = Engine::kOneDnn;
  Isa isa = BestIsa();          // of our own kernels.
  bool class_agnostic = false;  // every box with its best class only.
  std::optional<double> min_score =
      std::nullopt;  // instead of the card's threshold.
  // By class name, instead of the threshold that all classes have.
  std::map<std::string, double> class_min_score = {};
  // Hard suppression inside tiles above this, instead of the card's; 1: none.
  std::optional<double> iou_threshold = std::nullopt;
  // The detector neither cuts above the card's threshold nor suppresses below
  // the card's overlap, so that what it finds serves other demands too; what
  // was asked for is then up to the merger.
  bool keep_candidates = false;
  // Of LoadedModel::detector; none: the card's.
  std::optional<TileSize> tile_px = std::nullopt;
  bool other_sizes = false;  // LoadedModel::family is wanted.
  Limits limits = {};
};

struct LoadedModel {
  ModelCard card = {};
  std::string card_path = {};
  std::string card_sha256 = {};
  std::string model_path = {};
  std::string model_sha256 = {};
  std::string provenance = {};  // JSON, of a .cy8.
  std::shared_ptr<const Detector> detector =
      {};  // for tiles of the wanted size.
  // The same network for other sizes; null unless asked for, since it keeps the
  // network's weights a second time, unpacked.
  std::shared_ptr<const DetectorFamily> family = nullptr;
  // The threshold of every class by class id where the detector cuts lower;
  // else empty.
  std::map<int, double> class_min_score = {};
  float min_score = 0;            // the lowest that is asked for.
  double card_iou_threshold = 0;  // before an option replaced it.
  // What a serving export had baked in and the card replaces; empty if nothing.
  std::string replaced_postprocess = {};
};

// Thresholds by class id from thresholds by class name. kInvalidArgument for a
// name that the card has not (with the nearest one) or a value outside [0, 1].
StatusOr<std::map<int, double>> ClassThresholds(
    const ModelCard& card, const std::map<std::string, double>& by_name);

// Every error starts with the file that it concerns.
StatusOr<LoadedModel> LoadModel(FileSystem& files,
                                const LoadModelOptions& options);

}  // namespace cyto8
