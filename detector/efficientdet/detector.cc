// SPDX-License-Identifier: Apache-2.0
// Create() checks everything that could be wrong with a model and its card, so
// that Detect() only copies pixels, runs and post-processes. Tested by
// tests/detector/efficientdet/detector_test.cc.
#include "detector/efficientdet/detector.h"

#include <algorithm>
#include <cstring>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

StatusOr<int64_t> OnlyInput(const Graph& graph) {
  const std::vector<int64_t> inputs = InputNodes(graph);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs of the graph", std::ssize(inputs), 1, 1));
  return inputs.front();
}

// A float image of unknown shape may still turn out to be one.
Status CheckFloatImage(const Node& node) {
  const TensorDesc& desc = node.As<InputAttributes>().desc;
  const bool is_image = !desc.shape || (desc.shape->size() == 4 &&
                                        desc.shape->back() == kRgbChannels);
  if (desc.type == DataType::kFloat32 && is_image) return OkStatus();
  return InvalidArgument(
      "input '" + node.name + "': " + std::string(DataTypeName(desc.type)) +
      " " + (desc.shape ? ShapeToString(*desc.shape) : std::string()) +
      ": must be float32 [B,H,W,3]");
}

Status CheckDeviation(const std::array<float, 3>& deviation) {
  for (const float value : deviation) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("deviation", static_cast<double>(value), 1e-6, 1e6));
  }
  return OkStatus();
}

Status CheckModelInput(const CompiledModel& model) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs of the model", std::ssize(model.inputs()), 1, 1));
  const ModelPort& input = model.inputs().front();
  if (input.type == DataType::kUint8 && input.shape.size() == 4 &&
      input.shape[0] == 1 && input.shape[3] == kRgbChannels) {
    return OkStatus();
  }
  return InvalidArgument("model input '" + input.name +
                         "': " + std::string(DataTypeName(input.type)) + " " +
                         ShapeToString(input.shape) +
                         ": must be uint8 [1,H,W,3]");
}

Status CheckMap(const ModelPort& port) {
  if (port.type == DataType::kFloat32 && port.shape.size() == 4 &&
      port.shape[0] == 1) {
    return OkStatus();
  }
  return InvalidArgument("model output '" + port.name +
                         "': " + std::string(DataTypeName(port.type)) + " " +
                         ShapeToString(port.shape) +
                         ": must be float32 [1,H,W,C]");
}

// Channel counts against what the card says; both values in the message.
Status CheckChannels(const ModelPort& port, int64_t expected,
                     const std::string& meaning) {
  if (port.shape[3] == expected) return OkStatus();
  return InvalidArgument(
      "model output '" + port.name + "': " + std::to_string(port.shape[3]) +
      " channels: must be " + std::to_string(expected) + " (" + meaning + ")");
}

Status CheckSides(const ModelPort& port, const FeatureSize& expected) {
  if (port.shape[1] == expected.height && port.shape[2] == expected.width) {
    return OkStatus();
  }
  return InvalidArgument("model output '" + port.name +
                         "': " + ShapeToString(port.shape) + ": must be " +
                         std::to_string(expected.height) + " x " +
                         std::to_string(expected.width) + " cells");
}

}  // namespace

StatusOr<Graph> PrependNormalization(Graph graph,
                                     const std::array<float, 3>& mean,
                                     const std::array<float, 3>& deviation) {
  CYTO8_RETURN_IF_ERROR(CheckDeviation(deviation));
  CYTO8_ASSIGN_OR_RETURN(const int64_t index, OnlyInput(graph));
  Node& input = graph.nodes[static_cast<size_t>(index)];
  CYTO8_RETURN_IF_ERROR(CheckFloatImage(input));
  TensorDesc& pixels = input.As<InputAttributes>().desc;
  Node normalize = {
      .name = UniqueName(graph, input.name + "/normalized"),
      .op = Op::kNormalize,
      .source_op = {},
      .inputs = {{.node = index, .port = 0}},
      .attributes = NormalizeAttributes{.mean = mean, .deviation = deviation},
      .outputs = {pixels}};
  pixels.type = DataType::kUint8;
  input.outputs.front() = pixels;
  const ValueRef result = graph.Add(std::move(normalize));
  ReplaceUses(graph, {.node = index, .port = 0}, result, result.node);
  return SortTopologically(std::move(graph));
}

Detector::Detector(std::shared_ptr<const CompiledModel> model,
                   DetectorOptions options)
    : model_(std::move(model)), options_(std::move(options)) {
  const Shape& shape = model_->inputs().front().shape;
  tile_height_px_ = shape[1];
  tile_width_px_ = shape[2];
}

StatusOr<std::shared_ptr<const Detector>> Detector::Create(
    std::shared_ptr<const CompiledModel> model, DetectorOptions options) {
  CYTO8_RETURN_IF_ERROR(CheckModelInput(*model));
  CYTO8_RETURN_IF_ERROR(CheckPostprocessOptions(options.postprocess));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("classes", options.classes, 1, Limits().max_labels));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("levels", std::ssize(options.levels), 1, kMaxAnchorLevel));
  Detector detector(std::move(model), std::move(options));
  CYTO8_RETURN_IF_ERROR(detector.BindLevels());
  return std::make_shared<const Detector>(std::move(detector));
}

StatusOr<int64_t> Detector::FindOutput(const std::string& name) const {
  const std::vector<ModelPort>& outputs = model_->outputs();
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].name != name) continue;
    CYTO8_RETURN_IF_ERROR(CheckMap(outputs[i]));
    return static_cast<int64_t>(i);
  }
  return NotFound("model output '" + name + "': the model has none");
}

// Adds the level's anchors to `anchors`.
Status Detector::BindLevel(size_t level, int64_t& anchors) {
  const DetectorLevel& names = options_.levels[level];
  CYTO8_ASSIGN_OR_RETURN(const int64_t classes, FindOutput(names.class_output));
  CYTO8_ASSIGN_OR_RETURN(const int64_t boxes, FindOutput(names.box_output));
  const ModelPort& class_map = model_->outputs()[static_cast<size_t>(classes)];
  const ModelPort& box_map = model_->outputs()[static_cast<size_t>(boxes)];
  const int64_t per_cell = options_.anchors.per_cell > 0
                               ? options_.anchors.per_cell
                               : box_map.shape[3] / 4;
  const std::string counted = std::to_string(per_cell) + " anchors x ";
  CYTO8_RETURN_IF_ERROR(
      CheckChannels(box_map, per_cell * 4, counted + "4 numbers"));
  CYTO8_RETURN_IF_ERROR(
      CheckChannels(class_map, per_cell * options_.classes,
                    counted + std::to_string(options_.classes) + " classes"));
  const FeatureSize sides = {.height = box_map.shape[1],
                             .width = box_map.shape[2]};
  CYTO8_RETURN_IF_ERROR(CheckSides(class_map, sides));
  if (!options_.anchors.levels.empty()) {
    CYTO8_RETURN_IF_ERROR(CheckSides(box_map, options_.anchors.levels[level]));
  }
  ports_.push_back({.classes = classes, .boxes = boxes});
  anchors += sides.height * sides.width * per_cell;
  return OkStatus();
}

Status Detector::BindLevels() {
  const int64_t levels = std::ssize(options_.levels);
  if (!options_.anchors.levels.empty()) {
    CYTO8_RETURN_IF_ERROR(CheckRange("levels of the anchors",
                                     std::ssize(options_.anchors.levels),
                                     levels, levels));
  }
  int64_t anchors = 0;
  for (size_t level = 0; level < options_.levels.size(); ++level) {
    CYTO8_RETURN_IF_ERROR(BindLevel(level, anchors));
  }
  return CheckRange("anchors", std::ssize(options_.anchors.boxes), anchors,
                    anchors);
}

Detection OnImage(const Detection& detection, const TilePlacement& placement) {
  const auto x = static_cast<double>(placement.x_px);
  const auto y = static_cast<double>(placement.y_px);
  Detection placed = detection;
  placed.box = {.x_min = detection.box.x_min + x,
                .y_min = detection.box.y_min + y,
                .x_max = detection.box.x_max + x,
                .y_max = detection.box.y_max + y};
  return placed;
}

DetectorSession::DetectorSession(std::shared_ptr<const Detector> detector,
                                 InferRequest request)
    : detector_(std::move(detector)), request_(std::move(request)) {}

StatusOr<DetectorSession> DetectorSession::Create(
    std::shared_ptr<const Detector> detector) {
  CYTO8_ASSIGN_OR_RETURN(InferRequest request,
                         InferRequest::Create(detector->model_));
  return DetectorSession(std::move(detector), std::move(request));
}

void FillWithTile(const ImageView& tile, const Rgb& pad, int64_t width_px,
                  std::span<uint8_t> dst) {
  const int64_t row_bytes = width_px * kRgbChannels;
  std::vector<uint8_t> padding(static_cast<size_t>(row_bytes));
  for (size_t i = 0; i < padding.size(); i += kRgbChannels) {
    padding[i] = pad.red;
    padding[i + 1] = pad.green;
    padding[i + 2] = pad.blue;
  }
  for (int64_t y = 0; y * row_bytes < std::ssize(dst); ++y) {
    uint8_t* const row = dst.data() + y * row_bytes;
    const int64_t covered =
        y < tile.height_px ? tile.width_px * kRgbChannels : 0;
    if (covered > 0) {
      std::memcpy(row, tile.Row(y), static_cast<size_t>(covered));
    }
    std::memcpy(row + covered, padding.data(),
                static_cast<size_t>(row_bytes - covered));
  }
}

StatusOr<TileDetections> DetectorSession::Detect(const ImageView& tile,
                                                 const TilePlacement& placement,
                                                 ParallelFor& executor) {
  CYTO8_RETURN_IF_ERROR(Infer(tile, executor));
  return FindBoxes(placement);
}

Status DetectorSession::Infer(const ImageView& tile, ParallelFor& executor) {
  const Detector& detector = *detector_;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("tile width_px", tile.width_px, 1, detector.tile_width_px_));
  CYTO8_RETURN_IF_ERROR(CheckRange("tile height_px", tile.height_px, 1,
                                   detector.tile_height_px_));
  FillWithTile(tile, detector.options_.pad_rgb, detector.tile_width_px_,
               request_.input_as<uint8_t>(0));
  return request_.Run(executor);
}

StatusOr<TileDetections> DetectorSession::FindBoxes(
    const TilePlacement& placement) const {
  RawMaps maps;
  for (const Detector::LevelPorts& ports : detector_->ports_) {
    maps.class_logits.push_back(request_.output_as<float>(ports.classes));
    maps.box_codes.push_back(request_.output_as<float>(ports.boxes));
  }
  const DetectorOptions& options = detector_->options_;
  TileDetections result = {.placement = placement, .detections = {}};
  CYTO8_ASSIGN_OR_RETURN(result.detections,
                         Postprocess(maps, options.anchors.boxes,
                                     options.classes, options.postprocess));
  return result;
}

}  // namespace cyto8
