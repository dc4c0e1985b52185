// SPDX-License-Identifier: Apache-2.0
// From a model card and its GraphDef to a detector; refuses what does not fit
// together. Tested by tests/app/load_model_test.cc.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/model_card.h"
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
  bool class_agnostic = false;  // every box with its best class only.
  std::optional<double> min_score =
      std::nullopt;  // instead of the card's threshold.
  Limits limits = {};
};

struct LoadedModel {
  ModelCard card;
  std::string card_path = {};
  std::string card_sha256;
  std::string model_path = {};
  std::shared_ptr<const Detector> detector;
  // What a serving export had baked in and the card replaces; empty if nothing.
  std::string replaced_postprocess = {};
};

// Every error starts with the file that it concerns.
StatusOr<LoadedModel> LoadModel(FileSystem& files,
                                const LoadModelOptions& options);

}  // namespace cyto8
