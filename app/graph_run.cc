// SPDX-License-Identifier: Apache-2.0
// Running a GraphDef; see graph_run.h.
#include "app/graph_run.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "app/network.h"
#include "base/checked_math.h"
#include "base/parallel_for.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/efficientdet/postprocess.h"
#include "detector/efficientdet/preprocessor.h"
#include "detector/import/graph_def_import.h"

namespace cyto8 {
namespace {

StatusOr<DataType> DataTypeOf(NpyType type) {
  switch (type) {
    case NpyType::kFloat32:
      return DataType::kFloat32;
    case NpyType::kUint8:
      return DataType::kUint8;
    case NpyType::kInt32:
      return DataType::kInt32;
    case NpyType::kInt64:
      return DataType::kInt64;
  }
  return Internal("unknown element type");
}

StatusOr<NpyType> NpyTypeOf(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return NpyType::kFloat32;
    case DataType::kInt32:
      return NpyType::kInt32;
    case DataType::kInt64:
      return NpyType::kInt64;
    case DataType::kUint8:
    case DataType::kBool:
      return NpyType::kUint8;
    case DataType::kInt8:
      return Unimplemented("an int8 output cannot be written");
    case DataType::kInt16:
      return Unimplemented("an int16 output cannot be written");
  }
  return Internal("unknown element type");
}

template <typename T>
std::vector<std::byte> BytesOf(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

// A compiled network with its inputs filled in and run once.
StatusOr<InferRequest> RunNetwork(Graph imported, const NetworkCut& cut,
                                  const std::map<std::string, NpyArray>& inputs,
                                  const GraphRunRequest& request) {
  CYTO8_ASSIGN_OR_RETURN(const Graph graph,
                         PrepareNetwork(std::move(imported), cut,
                                        request.rewriting, request.limits));
  CYTO8_ASSIGN_OR_RETURN(
      std::shared_ptr<const CompiledModel> model,
      CompiledModel::Create(
          graph, {.engine = request.engine, .limits = request.limits}));
  CYTO8_ASSIGN_OR_RETURN(InferRequest run,
                         InferRequest::Create(std::move(model)));
  const std::vector<ModelPort>& ports = run.model().inputs();
  for (size_t i = 0; i < ports.size(); ++i) {
    const auto given = inputs.find(ports[i].name);
    if (given == inputs.end()) {
      return InvalidArgument("input \"" + ports[i].name +
                             "\": no value is given");
    }
    CYTO8_ASSIGN_OR_RETURN(const NpyType type, NpyTypeOf(ports[i].type));
    if (given->second.type != type) {
      return InvalidArgument("input \"" + ports[i].name + "\": must be " +
                             std::string(NpyDescriptor(type)) + ", is " +
                             std::string(NpyDescriptor(given->second.type)));
    }
    const std::span<std::byte> bytes = run.input(static_cast<int64_t>(i));
    CYTO8_ENSURE(bytes.size() == given->second.bytes.size());
    std::copy(given->second.bytes.begin(), given->second.bytes.end(),
              bytes.begin());
  }
  SerialFor executor;
  CYTO8_RETURN_IF_ERROR(run.Run(executor));
  return run;
}

StatusOr<std::vector<NamedArray>> OutputsOf(const InferRequest& run) {
  std::vector<NamedArray> outputs;
  const std::vector<ModelPort>& ports = run.model().outputs();
  for (size_t i = 0; i < ports.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const NpyType type, NpyTypeOf(ports[i].type));
    const auto bytes = run.output(static_cast<int64_t>(i));
    outputs.push_back({.name = ports[i].name,
                       .array = {.type = type,
                                 .shape = ports[i].shape,
                                 .bytes = {bytes.begin(), bytes.end()}}});
  }
  return outputs;
}

StatusOr<std::vector<NamedArray>> RunPlain(Graph imported,
                                           const GraphRunRequest& request) {
  NetworkCut cut;
  cut.outputs = request.outputs;
  for (const auto& [name, array] : request.inputs) {
    CYTO8_ASSIGN_OR_RETURN(const DataType type, DataTypeOf(array.type));
    cut.inputs[name] = {.type = type, .shape = array.shape};
  }
  CYTO8_ASSIGN_OR_RETURN(
      const InferRequest run,
      RunNetwork(std::move(imported), cut, request.inputs, request));
  return OutputsOf(run);
}

std::vector<std::string> HeadNames(const ExportLayout& layout) {
  std::vector<std::string> names;
  for (const GraphOutput& output : HeadOutputs(layout)) {
    names.push_back(output.name);
  }
  return names;
}

// A serving export: pixels -> normalised images -> network -> detections.
class ServingRun {
 public:
  ServingRun(const ExportLayout& layout, const GraphRunRequest& request,
             const NpyArray& pixels)
      : layout_(layout), request_(request), pixels_(pixels) {}

  StatusOr<std::vector<NamedArray>> Run(Graph imported);

 private:
  Status CheckPixels() const;
  StatusOr<NpyArray> Prepare();
  StatusOr<RawMaps> MapsOf(const InferRequest& run, int64_t image) const;
  StatusOr<NpyArray> Detect(const InferRequest& run) const;

  const ExportLayout& layout_;
  const GraphRunRequest& request_;
  const NpyArray& pixels_;
  std::vector<float> scales_;  // from network input to image, per image.
};

Status ServingRun::CheckPixels() const {
  const std::vector<int64_t>& shape = pixels_.shape;
  const std::string name =
      "input \"" + layout_.serving_input->pixels.name + "\"";
  if (pixels_.type != NpyType::kUint8 || shape.size() != 4 ||
      shape[3] != kRgbChannels) {
    return InvalidArgument(name + ": must be uint8 of shape [B,H,W,3], is " +
                           std::string(NpyDescriptor(pixels_.type)) + " " +
                           ShapeToString(shape));
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRange(name + ": height", shape[1], 1, request_.limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange(name + ": width", shape[2], 1, request_.limits.max_side_px));
  constexpr int64_t kMaxBatch = 1024;
  const bool any = layout_.batch == kUnknownDim;
  return CheckRange(name + ": batch", shape[0], any ? 1 : layout_.batch,
                    any ? kMaxBatch : layout_.batch);
}

StatusOr<NpyArray> ServingRun::Prepare() {
  const PreprocessorOptions& options = layout_.serving_input->preprocessor;
  const int64_t batch = pixels_.shape[0];
  const Shape shape = {batch, options.height_px, options.width_px,
                       kRgbChannels};
  CYTO8_ASSIGN_OR_RETURN(
      Tensor input, Tensor::Create(DataType::kFloat32, shape, request_.limits));
  const int64_t height = pixels_.shape[1];
  const int64_t row_bytes = pixels_.shape[2] * kRgbChannels;
  const auto per_image = static_cast<size_t>(input.element_count() / batch);
  for (int64_t i = 0; i < batch; ++i) {
    const ImageView image{
        .data = pixels_.As<uint8_t>().data() + i * height * row_bytes,
        .width_px = pixels_.shape[2],
        .height_px = height,
        .stride_bytes = row_bytes};
    const std::span<float> dst = input.mutable_data<float>().subspan(
        static_cast<size_t>(i) * per_image, per_image);
    CYTO8_ASSIGN_OR_RETURN(const float scale, Preprocess(image, options, dst));
    scales_.push_back(scale);
  }
  return NpyArray{.type = NpyType::kFloat32,
                  .shape = shape,
                  .bytes = {input.bytes().begin(), input.bytes().end()}};
}

// Image number `image` of each head output, in the order of the levels.
StatusOr<RawMaps> ServingRun::MapsOf(const InferRequest& run,
                                     int64_t image) const {
  const auto slice =
      [&](const std::string& name) -> StatusOr<std::span<const float>> {
    const std::vector<ModelPort>& ports = run.model().outputs();
    const auto port = std::find_if(
        ports.begin(), ports.end(),
        [&](const ModelPort& candidate) { return candidate.name == name; });
    CYTO8_ENSURE(port != ports.end());
    const auto all = run.output_as<float>(port - ports.begin());
    const size_t count = all.size() / static_cast<size_t>(pixels_.shape[0]);
    return all.subspan(static_cast<size_t>(image) * count, count);
  };
  RawMaps maps;
  for (const HeadLevel& level : layout_.levels) {
    CYTO8_ASSIGN_OR_RETURN(const auto classes, slice(level.classes.name));
    CYTO8_ASSIGN_OR_RETURN(const auto boxes, slice(level.boxes.name));
    maps.class_logits.push_back(classes);
    maps.box_codes.push_back(boxes);
  }
  return maps;
}

StatusOr<NpyArray> ServingRun::Detect(const InferRequest& run) const {
  const PostprocessOptions& options = layout_.detections->postprocess;
  if (layout_.anchors == nullptr) {
    return Unimplemented("output \"" + layout_.detections->table.name +
                         "\": no constant of anchors leads to it");
  }
  CYTO8_ASSIGN_OR_RETURN(const AnchorSet anchors,
                         AnchorsFromConstant(*layout_.anchors));
  const int64_t batch = pixels_.shape[0];
  std::vector<float> table;
  for (int64_t i = 0; i < batch; ++i) {
    CYTO8_ASSIGN_OR_RETURN(const RawMaps maps, MapsOf(run, i));
    CYTO8_ASSIGN_OR_RETURN(
        const std::vector<Detection> found,
        Postprocess(maps, anchors.boxes, layout_.classes, options));
    const float scale = layout_.detections->scaled_to_image
                            ? scales_[static_cast<size_t>(i)]
                            : 1.0f;
    const std::vector<float> rows =
        DetectionRows(found, i, scale, options.max_detections);
    table.insert(table.end(), rows.begin(), rows.end());
  }
  constexpr int64_t kColumns = 7;
  return NpyArray{.type = NpyType::kFloat32,
                  .shape = {batch, options.max_detections, kColumns},
                  .bytes = BytesOf(table)};
}

StatusOr<std::vector<NamedArray>> ServingRun::Run(Graph imported) {
  CYTO8_RETURN_IF_ERROR(CheckPixels());
  CYTO8_ASSIGN_OR_RETURN(NpyArray input, Prepare());
  NetworkCut cut;
  const std::string& name = layout_.network_input.name;
  cut.inputs[name] = {.type = DataType::kFloat32, .shape = input.shape};
  cut.outputs = HeadNames(layout_);
  CYTO8_ASSIGN_OR_RETURN(
      const InferRequest run,
      RunNetwork(std::move(imported), cut, {{name, input}}, request_));
  CYTO8_ASSIGN_OR_RETURN(std::vector<NamedArray> outputs, OutputsOf(run));
  outputs.push_back({.name = "input", .array = std::move(input)});
  if (layout_.detections) {
    CYTO8_ASSIGN_OR_RETURN(NpyArray detections, Detect(run));
    outputs.push_back({.name = "detections", .array = std::move(detections)});
  }
  return outputs;
}

// The layout of a serving export that is fed by its pixels or at its network.
std::optional<ExportLayout> ServingLayout(const Graph& graph,
                                          const GraphRunRequest& request) {
  StatusOr<ExportLayout> layout = FindExportLayout(graph);
  if (!layout.ok() || !layout->serving_input) return std::nullopt;
  if (!request.inputs.contains(layout->serving_input->pixels.name) &&
      !request.inputs.contains(layout->network_input.name)) {
    return std::nullopt;
  }
  return *std::move(layout);
}

// The named ones in that order; all if none is named.
StatusOr<std::vector<NamedArray>> Select(
    const std::vector<NamedArray>& all, const std::vector<std::string>& names) {
  if (names.empty()) return all;
  std::vector<NamedArray> chosen;
  for (const std::string& name : names) {
    const auto found = std::find_if(
        all.begin(), all.end(),
        [&](const NamedArray& output) { return output.name == name; });
    if (found == all.end()) {
      return InvalidArgument("output \"" + name +
                             "\": must be a head of the network, input or "
                             "detections where pixels are given");
    }
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace

StatusOr<std::vector<NamedArray>> RunGraphDef(std::span<const std::byte> model,
                                              const GraphRunRequest& request) {
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported,
                         ImportGraphDef(model, request.limits));
  const std::optional<ExportLayout> layout =
      ServingLayout(imported.graph, request);
  if (!layout) return RunPlain(std::move(imported.graph), request);
  const std::string& name = layout->serving_input->pixels.name;
  if (!request.inputs.contains(name)) {
    GraphRunRequest network = request;
    if (network.outputs.empty()) network.outputs = HeadNames(*layout);
    return RunPlain(std::move(imported.graph), network);
  }
  if (request.inputs.size() != 1) {
    return InvalidArgument("input \"" + name +
                           "\": no other input may stand beside the pixels");
  }
  CYTO8_ASSIGN_OR_RETURN(const std::vector<NamedArray> outputs,
                         ServingRun(*layout, request, request.inputs.at(name))
                             .Run(std::move(imported.graph)));
  return Select(outputs, request.outputs);
}

}  // namespace cyto8
