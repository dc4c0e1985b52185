// SPDX-License-Identifier: Apache-2.0
// Loading a model; see load_model.h.
#include "app/load_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "app/network.h"
#include "base/checked_math.h"
#include "base/nearest_word.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/import/graph_def_import.h"
#include "detector/runtime/packed_weights.h"

namespace cyto8 {
namespace {

constexpr std::string_view kCardEnding = ".yaml";

std::string CardPathOf(const std::string& path) {
  if (path.ends_with(kCardEnding)) return path;
  const size_t slash = path.rfind('/');
  const size_t dot = path.rfind('.');
  const bool has_ending =
      dot != std::string::npos && (slash == std::string::npos || dot > slash);
  return path.substr(0, has_ending ? dot : path.size()) +
         std::string(kCardEnding);
}

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);  // npos + 1 is 0.
}

Status Disagree(std::string_view field, const std::string& card,
                const std::string& graph) {
  return InvalidArgument("card and graph disagree: " + std::string(field) +
                         " = " + card + " in the card, " + graph +
                         " in the graph");
}

Status CheckEqual(std::string_view field, int64_t card, int64_t graph) {
  if (card == graph) return OkStatus();
  return Disagree(field, std::to_string(card), std::to_string(graph));
}

Status CheckTriple(std::string_view field, const std::array<float, 3>& card,
                   const std::array<float, 3>& graph) {
  constexpr float kTolerance = 1e-3f;  // of a level of 0..255.
  constexpr int kDecimals = 3;
  for (size_t i = 0; i < card.size(); ++i) {
    if (std::abs(card[i] - graph[i]) > kTolerance) {
      return Disagree(std::string(field) + "[" + std::to_string(i) + "]",
                      FormatFixed(card[i], kDecimals),
                      FormatFixed(graph[i], kDecimals));
    }
  }
  return OkStatus();
}

// A side that the graph leaves open fits any card.
Status CheckSide(std::string_view field, int64_t card, int64_t graph) {
  return graph == kUnknownDim ? OkStatus() : CheckEqual(field, card, graph);
}

Status CheckInput(const ModelCard& card, const Graph& graph,
                  const ExportLayout& layout) {
  const auto& shape = graph.desc(layout.network_input.value).shape;
  if (shape && shape->size() == 4) {
    CYTO8_RETURN_IF_ERROR(
        CheckSide("input.height_px", card.height_px, (*shape)[1]));
    CYTO8_RETURN_IF_ERROR(
        CheckSide("input.width_px", card.width_px, (*shape)[2]));
  }
  if (!layout.serving_input) return OkStatus();
  const PreprocessorOptions& serving = layout.serving_input->preprocessor;
  CYTO8_RETURN_IF_ERROR(
      CheckEqual("input.height_px", card.height_px, serving.height_px));
  CYTO8_RETURN_IF_ERROR(
      CheckEqual("input.width_px", card.width_px, serving.width_px));
  CYTO8_RETURN_IF_ERROR(CheckTriple("input.mean_rgb", card.mean, serving.mean));
  return CheckTriple("input.stddev_rgb", card.deviation, serving.deviation);
}

Status CheckHeads(const ModelCard& card, const ExportLayout& layout) {
  const AnchorGeneratorOptions& anchors = card.anchors;
  CYTO8_RETURN_IF_ERROR(CheckEqual("number of classes",
                                   static_cast<int64_t>(card.classes.size()),
                                   layout.classes));
  CYTO8_RETURN_IF_ERROR(CheckEqual("number of anchor levels",
                                   anchors.max_level - anchors.min_level + 1,
                                   static_cast<int64_t>(layout.levels.size())));
  return CheckEqual(
      "anchors per cell",
      anchors.num_scales * static_cast<int64_t>(anchors.aspects.size()),
      layout.anchors_per_cell);
}

// The card's anchors must be those of the graph if it brings some along.
Status CheckAnchors(const ModelCard& card, const ExportLayout& layout) {
  constexpr double kTolerancePx = 1e-2;
  CYTO8_ASSIGN_OR_RETURN(const AnchorSet anchors,
                         GenerateAnchors(card.anchors));
  if (layout.anchors == nullptr) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const AnchorSet baked,
                         AnchorsFromConstant(*layout.anchors));
  return Annotate(AnchorsAgree(baked.boxes, anchors.boxes, kTolerancePx),
                  "card and graph disagree: anchors");
}

NetworkCut CutOf(const ModelCard& card, const ExportLayout& layout) {
  NetworkCut cut;
  cut.inputs[layout.network_input.name] = {
      .type = DataType::kFloat32,
      .shape = Shape{1, card.height_px, card.width_px, kRgbChannels}};
  for (const GraphOutput& output : HeadOutputs(layout)) {
    cut.outputs.push_back(output.name);
  }
  return cut;
}

DetectorOptions DetectorOptionsOf(const ModelCard& card,
                                  const ExportLayout& layout) {
  DetectorOptions options{.levels = {},
                          .anchors = {},
                          .classes = static_cast<int64_t>(card.classes.size()),
                          .postprocess = card.postprocess,
                          .pad_rgb = card.pad};
  for (const HeadLevel& level : layout.levels) {
    options.levels.push_back(
        {.class_output = level.classes.name, .box_output = level.boxes.name});
  }
  return options;
}

StatusOr<DetectorFamilyOptions> MakeFamilyOptions(
    const LoadModelOptions& options, const std::vector<std::byte>& bytes,
    LoadedModel& loaded) {
  const ModelCard& card = loaded.card;
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported,
                         ImportGraphDef(bytes, options.limits));
  CYTO8_ASSIGN_OR_RETURN(const ExportLayout layout,
                         FindExportLayout(imported.graph));
  CYTO8_RETURN_IF_ERROR(CheckInput(card, imported.graph, layout));
  CYTO8_RETURN_IF_ERROR(CheckHeads(card, layout));
  CYTO8_RETURN_IF_ERROR(CheckAnchors(card, layout));
  if (layout.detections) {
    loaded.replaced_postprocess =
        DescribePostprocess(layout.detections->postprocess);
  }
  CYTO8_ASSIGN_OR_RETURN(
      Graph graph,
      PrepareNetwork(std::move(imported.graph), CutOf(card, layout),
                     Rewriting::kAll, options.limits));
  CYTO8_ASSIGN_OR_RETURN(
      graph, PrependNormalization(std::move(graph), card.mean, card.deviation));
  return DetectorFamilyOptions{
      .network = std::move(graph),
      .card_size = {.width_px = card.width_px, .height_px = card.height_px},
      .anchors = card.anchors,
      .detector = DetectorOptionsOf(card, layout),
      .compile = {.engine = options.engine,
                  .limits = options.limits,
                  .packed_weights = std::make_shared<PackedWeights>()}};
}

Status MakeDetectors(const LoadModelOptions& options,
                     const std::vector<std::byte>& bytes, LoadedModel& loaded) {
  CYTO8_ASSIGN_OR_RETURN(DetectorFamilyOptions made,
                         MakeFamilyOptions(options, bytes, loaded));
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

Status ApplyClassThresholds(const LoadModelOptions& options,
                            LoadedModel& loaded) {
  if (options.class_min_score.empty()) return OkStatus();
  PostprocessOptions& postprocess = loaded.card.postprocess;
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
  postprocess.score_threshold = FloatBelow(lowest);
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
    postprocess.method = SuppressionMethod::kHard;
    postprocess.iou_threshold = static_cast<float>(*options.iou_threshold);
  }
  if (options.min_score) {
    postprocess.score_threshold = static_cast<float>(*options.min_score);
  }
  return ApplyClassThresholds(options, loaded);
}

Status CheckTile(const LoadModelOptions& options, const ModelCard& card) {
  if (!options.tile_px) return OkStatus();
  return CheckTileSize(*options.tile_px,
                       {.width_px = card.width_px, .height_px = card.height_px},
                       card.anchors.max_level);
}

Status CheckHash(const std::vector<std::byte>& bytes, const ModelCard& card) {
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  if (ToHex(digest) == card.sha256) return OkStatus();
  return InvalidArgument("sha256 = " + ToHex(digest) + ": the card says " +
                         card.sha256);
}

Status ReadCard(FileSystem& files, const Limits& limits, LoadedModel& loaded) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, loaded.card_path, limits.max_config_bytes));
  CYTO8_ASSIGN_OR_RETURN(
      loaded.card, Annotate(ParseModelCard(bytes, limits), loaded.card_path));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  loaded.card_sha256 = ToHex(digest);
  loaded.model_path = FolderOf(loaded.card_path) + loaded.card.model_file;
  return OkStatus();
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
  LoadedModel loaded;
  loaded.card_path = CardPathOf(options.path);
  CYTO8_RETURN_IF_ERROR(ReadCard(files, options.limits, loaded));
  CYTO8_RETURN_IF_ERROR(Annotate(Override(options, loaded), loaded.card_path));
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckTile(options, loaded.card), loaded.card_path));
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, loaded.model_path, options.limits.max_model_bytes));
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckHash(bytes, loaded.card), loaded.model_path));
  CYTO8_RETURN_IF_ERROR(
      Annotate(MakeDetectors(options, bytes, loaded), loaded.model_path));
  return loaded;
}

}  // namespace cyto8
