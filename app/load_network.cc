// SPDX-License-Identifier: Apache-2.0
// Reading networks; see load_network.h.
#include "app/load_network.h"

#include <cmath>
#include <utility>

#include "app/network.h"
#include "base/checked_math.h"
#include "base/numbers.h"
#include "base/sha256.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/import/graph_def_import.h"

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

std::vector<DetectorLevel> LevelsOf(const ExportLayout& layout) {
  std::vector<DetectorLevel> levels;
  for (const HeadLevel& level : layout.levels) {
    levels.push_back(
        {.class_output = level.classes.name, .box_output = level.boxes.name});
  }
  return levels;
}

StatusOr<LoadedNetwork> NetworkOf(const std::vector<std::byte>& bytes,
                                  const ModelCard& card, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported, ImportGraphDef(bytes, limits));
  CYTO8_ASSIGN_OR_RETURN(const ExportLayout layout,
                         FindExportLayout(imported.graph));
  CYTO8_RETURN_IF_ERROR(CheckInput(card, imported.graph, layout));
  CYTO8_RETURN_IF_ERROR(CheckHeads(card, layout));
  CYTO8_RETURN_IF_ERROR(CheckAnchors(card, layout));
  LoadedNetwork network = {.levels = LevelsOf(layout)};
  if (layout.detections) {
    network.replaced_postprocess =
        DescribePostprocess(layout.detections->postprocess);
  }
  CYTO8_ASSIGN_OR_RETURN(Graph graph, PrepareNetwork(std::move(imported.graph),
                                                     CutOf(card, layout),
                                                     Rewriting::kAll, limits));
  CYTO8_ASSIGN_OR_RETURN(
      network.graph,
      PrependNormalization(std::move(graph), card.mean, card.deviation));
  return network;
}

Status CheckHash(const std::vector<std::byte>& bytes, const ModelCard& card) {
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  if (ToHex(digest) == card.sha256) return OkStatus();
  return InvalidArgument("sha256 = " + ToHex(digest) + ": the card says " +
                         card.sha256);
}

// A .cy8 gives its outputs in the order of HeadOutputs: classes, then boxes.
StatusOr<LoadedNetwork> NetworkOf(const ModelFile& file,
                                  const ModelCard& card) {
  const auto levels =
      static_cast<size_t>(card.anchors.max_level - card.anchors.min_level + 1);
  const std::vector<GraphOutput>& outputs = file.graph.outputs;
  const auto count = std::ssize(outputs);
  const auto wanted = static_cast<int64_t>(2 * levels);
  CYTO8_RETURN_IF_ERROR(CheckRange("outputs", count, wanted, wanted));
  LoadedNetwork network = {.graph = file.graph};
  for (size_t i = 0; i < levels; ++i) {
    network.levels.push_back({.class_output = outputs[i].name,
                              .box_output = outputs[levels + i].name});
  }
  return network;
}

}  // namespace

Status NetworkFile::TakeCard(std::span<const std::byte> bytes,
                             const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(card_,
                         Annotate(ParseModelCard(bytes, limits), card_path_));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  card_sha256_ = ToHex(digest);
  card_text_.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return OkStatus();
}

StatusOr<NetworkFile> NetworkFile::Open(FileSystem& files,
                                        const std::string& path,
                                        const Limits& limits) {
  NetworkFile network;
  if (path.ends_with(kModelFileEnding)) {
    network.card_path_ = network.model_path_ = path;
    CYTO8_ASSIGN_OR_RETURN(network.quantized_,
                           ReadModelFile(files, path, limits));
    CYTO8_RETURN_IF_ERROR(network.TakeCard(
        std::as_bytes(std::span(network.quantized_->card)), limits));
    CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                           Sha256OfFile(files, path));
    network.model_sha256_ = ToHex(digest);
    return network;
  }
  network.card_path_ = CardPathOf(path);
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, network.card_path_, limits.max_config_bytes));
  CYTO8_RETURN_IF_ERROR(network.TakeCard(bytes, limits));
  network.model_sha256_ = network.card_.sha256;
  network.model_path_ = FolderOf(network.card_path_) + network.card_.model_file;
  return network;
}

StatusOr<LoadedNetwork> NetworkFile::ReadGraphDef(FileSystem& files,
                                                  const Limits& limits) const {
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, model_path_, limits.max_model_bytes));
  CYTO8_RETURN_IF_ERROR(Annotate(CheckHash(bytes, card_), model_path_));
  return Annotate(NetworkOf(bytes, card_, limits), model_path_);
}

StatusOr<LoadedNetwork> NetworkFile::Read(FileSystem& files,
                                          const Limits& limits) const {
  if (!quantized_) return ReadGraphDef(files, limits);
  return Annotate(NetworkOf(*quantized_, card_), model_path_);
}

}  // namespace cyto8
