// SPDX-License-Identifier: Apache-2.0
// Loading a model; see load_model.h.
#include "app/load_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/load_network.h"
#include "base/checked_math.h"
#include "base/nearest_word.h"
#include "detector/runtime/packed_weights.h"

namespace cyto8 {
namespace {

// The network with what the options make of its card, `loaded.card`.
DetectorFamilyOptions FamilyOptionsOf(const LoadModelOptions& options,
                                      LoadedNetwork network,
                                      const ModelCard& card) {
  return {.network = std::move(network.graph),
          .card_size = {.width_px = card.width_px, .height_px = card.height_px},
          .anchors = card.anchors,
          .detector = {.levels = std::move(network.levels),
                       .anchors = {},
                       .classes = static_cast<int64_t>(card.classes.size()),
                       .postprocess = card.postprocess,
                       .pad_rgb = card.pad},
          .compile = {.engine = options.engine,
                      .isa = options.isa,
                      .limits = options.limits,
                      .packed_weights = std::make_shared<PackedWeights>()}};
}

Status MakeDetectors(const LoadModelOptions& options, LoadedNetwork network,
                     LoadedModel& loaded) {
  loaded.replaced_postprocess = network.replaced_postprocess;
  DetectorFamilyOptions made =
      FamilyOptionsOf(options, std::move(network), loaded.card);
  const TileSize size = options.tile_px.value_or(made.card_size);
  const auto family = std::make_shared<const DetectorFamily>(std::move(made));
  CYTO8_ASSIGN_OR_RETURN(loaded.detector,
                         family->ForTile(size.width_px, size.height_px));
  if (options.other_sizes) loaded.family = family;
  return OkStatus();
}

// Rounded down: what is just above the threshold must not be lost.
float FloatBelow(double threshold) {
  const auto rounded = static_cast<float>(threshold);
  return static_cast<double>(rounded) > threshold
             ? std::nextafter(rounded, -1.0f)
             : rounded;
}

// The detector cuts where the lowest demand is, or the card.
Status ApplyThresholds(const LoadModelOptions& options, LoadedModel& loaded) {
  PostprocessOptions& postprocess = loaded.card.postprocess;
  const float of_card = postprocess.score_threshold;
  if (options.min_score) {
    postprocess.score_threshold = static_cast<float>(*options.min_score);
  }
  loaded.min_score = postprocess.score_threshold;
  const bool cuts_lower = options.keep_candidates && of_card < loaded.min_score;
  const bool by_class = !options.class_min_score.empty();
  if (!by_class && !cuts_lower) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(loaded.class_min_score,
                         ClassThresholds(loaded.card, options.class_min_score));
  const double usual = options.min_score.value_or(
      static_cast<double>(postprocess.score_threshold));
  double lowest = 1;
  for (const CardClass& entry : loaded.card.classes) {
    const double threshold =
        loaded.class_min_score.emplace(entry.id, usual).first->second;
    lowest = std::min(lowest, threshold);
  }
  if (by_class) loaded.min_score = FloatBelow(lowest);
  postprocess.score_threshold = options.keep_candidates
                                    ? std::min(loaded.min_score, of_card)
                                    : loaded.min_score;
  return OkStatus();
}

Status Override(const LoadModelOptions& options, LoadedModel& loaded) {
  PostprocessOptions& postprocess = loaded.card.postprocess;
  if (options.class_agnostic) {
    postprocess.scope = SuppressionScope::kGlobal;
    postprocess.classes = ClassChoice::kBestPerAnchor;
  }
  loaded.card_iou_threshold = postprocess.iou_threshold;
  if (options.iou_threshold) {
    const auto asked = static_cast<float>(*options.iou_threshold);
    postprocess.method = SuppressionMethod::kHard;
    postprocess.iou_threshold = options.keep_candidates
                                    ? std::max(asked, postprocess.iou_threshold)
                                    : asked;
  }
  return ApplyThresholds(options, loaded);
}

Status CheckTile(const LoadModelOptions& options, const ModelCard& card) {
  if (!options.tile_px) return OkStatus();
  return CheckTileSize(*options.tile_px,
                       {.width_px = card.width_px, .height_px = card.height_px},
                       card.anchors.max_level);
}

}  // namespace

StatusOr<std::map<int, double>> ClassThresholds(
    const ModelCard& card, const std::map<std::string, double>& by_name) {
  std::map<int, double> thresholds;
  std::vector<std::string_view> known;
  for (const CardClass& entry : card.classes) {
    known.push_back(entry.name);
    const auto found = by_name.find(entry.name);
    if (found == by_name.end()) continue;
    CYTO8_RETURN_IF_ERROR(
        CheckRange("class_min_score." + entry.name, found->second, 0, 1));
    thresholds[entry.id] = found->second;
  }
  for (const auto& [name, value] : by_name) {
    if (std::ranges::count(known, name) > 0) continue;
    return InvalidArgument("class_min_score: the model has no class \"" + name +
                           "\"" + DidYouMean(name, known));
  }
  return thresholds;
}

StatusOr<LoadedModel> LoadModel(FileSystem& files,
                                const LoadModelOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(
      const NetworkFile file,
      NetworkFile::Open(files, options.path, options.limits));
  LoadedModel loaded = {.card = file.card(),
                        .card_path = file.card_path(),
                        .card_sha256 = file.card_sha256(),
                        .model_path = file.model_path(),
                        .model_sha256 = file.model_sha256(),
                        .provenance = file.provenance()};
  CYTO8_RETURN_IF_ERROR(Annotate(Override(options, loaded), loaded.card_path));
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckTile(options, loaded.card), loaded.card_path));
  CYTO8_ASSIGN_OR_RETURN(LoadedNetwork network,
                         file.Read(files, options.limits));
  CYTO8_RETURN_IF_ERROR(Annotate(
      MakeDetectors(options, std::move(network), loaded), loaded.model_path));
  return loaded;
}

}  // namespace cyto8
