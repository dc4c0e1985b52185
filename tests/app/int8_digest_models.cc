// SPDX-License-Identifier: Apache-2.0
// See int8_digest_models.h.
#include "tests/app/int8_digest_models.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <thread>
#include <utility>

#include "app/load_network.h"
#include "app/network.h"
#include "base/checked_math.h"
#include "base/sha256.h"
#include "detector/efficientdet/detector.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"
#include "quant/calibrator.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

const char kData[] = CYTO8_SOURCE_DIR "/data/";
constexpr int64_t kCalibrationTiles = 4;
constexpr int64_t kFields = 4;

std::vector<std::string> SortedFiles(const std::string& folder,
                                     const std::vector<std::string>& endings) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (std::ranges::count(endings, entry.path().extension().string()) > 0) {
      paths.push_back(entry.path().string());
    }
  }
  std::ranges::sort(paths);
  return paths;
}

// Tile number `tile` of the fixed order goes to `dst`: the fields in turn, each
// time somewhere else.
Status CutTile(std::span<const Image> fields, int64_t tile, int64_t height,
               int64_t width, std::span<uint8_t> dst) {
  const int64_t number = tile % kFields;
  CYTO8_RETURN_IF_ERROR(CheckRange("field of a tile", number, 0,
                                   std::ssize(fields) - 1));
  const ImageView field = fields[static_cast<size_t>(number)].view();
  CYTO8_RETURN_IF_ERROR(CheckRange("tile height", height, 1, field.height_px));
  CYTO8_RETURN_IF_ERROR(CheckRange("tile width", width, 1, field.width_px));
  const int64_t x = tile * 211 % (field.width_px - width + 1);
  const int64_t y = tile * 97 % (field.height_px - height + 1);
  FillWithTile(field.Crop(x, y, width, height), {}, width, dst);
  return OkStatus();
}

StatusOr<Graph> Inferred(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(Graph live, RemoveDeadNodes(std::move(graph)));
  return InferShapes(std::move(live));
}

// `graph` takes pixels.
StatusOr<QuantizedGraph> Quantized(Graph pixel_graph,
                                   std::span<const Image> fields,
                                   const QuantizeOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const Graph graph, Inferred(std::move(pixel_graph)));
  CYTO8_ASSIGN_OR_RETURN(const auto plan, MakeCalibrationPlan(graph, options, {}));
  CYTO8_ASSIGN_OR_RETURN(Calibrator calibrator, Calibrator::Create(plan));
  const Shape& shape = plan->model->inputs()[0].shape;
  SerialFor executor;
  for (int64_t tile = 0; tile < kCalibrationTiles; ++tile) {
    CYTO8_RETURN_IF_ERROR(
        CutTile(fields, tile, shape[1], shape[2], calibrator.pixels()));
    CYTO8_RETURN_IF_ERROR(calibrator.Observe(executor));
  }
  CYTO8_ASSIGN_OR_RETURN(const Calibration calibration, calibrator.Finish());
  return QuantizeGraph(graph, calibration, options);
}

// An export, cut to its network, for one image at a time.
StatusOr<Graph> NetworkOfExport(Graph imported, const ExportLayout& layout) {
  Shape shape =
      imported.desc(layout.network_input.value).shape.value_or(Shape());
  if (layout.serving_input) {
    const PreprocessorOptions& serving = layout.serving_input->preprocessor;
    shape = {1, serving.height_px, serving.width_px, kRgbChannels};
  }
  if (!shape.empty()) shape[0] = 1;
  NetworkCut cut;
  cut.inputs[layout.network_input.name] = {.type = DataType::kFloat32,
                                           .shape = shape};
  for (const GraphOutput& output : HeadOutputs(layout)) {
    cut.outputs.push_back(output.name);
  }
  return PrepareNetwork(std::move(imported), cut, Rewriting::kAll, Limits());
}

// A piece of a network with one float input: the same.
StatusOr<Graph> NetworkOfPiece(Graph imported) {
  const std::vector<int64_t> inputs = InputNodes(imported);
  CYTO8_RETURN_IF_ERROR(CheckRange("inputs", std::ssize(inputs), 1, 1));
  Node& input = imported.nodes[static_cast<size_t>(inputs[0])];
  TensorDesc& desc = input.As<InputAttributes>().desc;
  const bool is_image =
      desc.type == DataType::kFloat32 && desc.shape && desc.shape->size() == 4;
  if (!is_image) return InvalidArgument("input: must be a float image");
  (*desc.shape)[0] = 1;
  input.outputs[0] = desc;
  NetworkCut cut;
  cut.inputs[input.name] = desc;
  return PrepareNetwork(std::move(imported), cut, Rewriting::kAll, Limits());
}

// A float input of other than three channels becomes a 1x1 convolution of one
// that has three.
void MakeChannels(Graph& graph) {
  const int64_t input = InputNodes(graph)[0];
  const auto node = static_cast<size_t>(input);
  TensorDesc desc = graph.nodes[node].As<InputAttributes>().desc;
  const int64_t channels = desc.shape->back();
  if (channels == kRgbChannels) return;
  std::vector<float> kernel(static_cast<size_t>(kRgbChannels * channels));
  for (size_t i = 0; i < kernel.size(); ++i) {
    kernel[i] = static_cast<float>(i * 5 % 7) / 4.0f - 0.75f;
  }
  const ValueRef constant = graph.AddConst(
      UniqueName(graph, "made_up_kernel"),
      Tensor::FromFloats({1, 1, kRgbChannels, channels}, std::move(kernel)));
  desc.shape->back() = kRgbChannels;
  graph.nodes[node].As<InputAttributes>().desc = desc;
  graph.nodes[node].outputs[0] = desc;
  const ValueRef image = {.node = input};
  const ValueRef result =
      graph.Add({.name = UniqueName(graph, "made_up_channels"),
                 .op = Op::kConv2D,
                 .inputs = {image, constant},
                 .attributes = ConvAttributes()});
  ReplaceUses(graph, image, result, result.node);
}

StatusOr<Graph> PixelNetwork(Graph imported) {
  constexpr std::array<float, 3> kMean = {123.675f, 116.28f, 103.53f};
  constexpr std::array<float, 3> kDeviation = {58.395f, 57.12f, 57.375f};
  const auto layout = FindExportLayout(imported);
  CYTO8_ASSIGN_OR_RETURN(Graph graph,
                         layout.ok()
                             ? NetworkOfExport(std::move(imported), *layout)
                             : NetworkOfPiece(std::move(imported)));
  MakeChannels(graph);
  CYTO8_ASSIGN_OR_RETURN(graph, SortTopologically(std::move(graph)));
  CYTO8_ASSIGN_OR_RETURN(graph, InferShapes(std::move(graph)));
  return PrependNormalization(std::move(graph), kMean, kDeviation);
}

StatusOr<Graph> WithBatch(Graph graph, int64_t batch) {
  for (const int64_t input : InputNodes(graph)) {
    Node& node = graph.nodes[static_cast<size_t>(input)];
    (*node.As<InputAttributes>().desc.shape)[0] = batch;
  }
  return InferShapes(std::move(graph));
}

// Pieces are taken from the last on, by whichever thread is free.
class ThreadsFor final : public ParallelFor {
 public:
  explicit ThreadsFor(int64_t workers) : workers_(workers) {}
  void Run(int64_t count, const std::function<void(int64_t)>& body) override {
    std::atomic<int64_t> left = count;
    const auto work = [&] {
      for (int64_t i = --left; i >= 0; i = --left) body(i);
    };
    std::vector<std::jthread> threads;
    for (int64_t i = 1; i < workers_; ++i) threads.emplace_back(work);
    work();
  }
  int64_t workers() const override { return workers_; }

 private:
  int64_t workers_ = 1;
};

// The part of image `image` of each output.
void AppendOutputs(const InferRequest& request, int64_t image, int64_t batch,
                   std::vector<std::byte>& bytes) {
  for (int64_t i = 0; i < std::ssize(request.model().outputs()); ++i) {
    const auto all = request.output(i);
    const size_t step = all.size() / static_cast<size_t>(batch);
    const auto part = all.subspan(static_cast<size_t>(image) * step, step);
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
}

}  // namespace

StatusOr<std::vector<Image>> ReadFields(int64_t tiles) {
  std::vector<Image> fields;
  std::vector<std::string> paths =
      SortedFiles(std::string(kData) + "fields", {".jpg"});
  CYTO8_RETURN_IF_ERROR(
      CheckRange("data/fields", std::ssize(paths), kFields, kFields));
  paths.resize(static_cast<size_t>(std::min(tiles, kFields)));
  for (const std::string& path : paths) {
    CYTO8_ASSIGN_OR_RETURN(Image image,
                           ReadImage(RealFileSystem(), path, Limits()));
    fields.push_back(std::move(image));
  }
  return fields;
}

std::vector<std::string> TinyGraphPaths() {
  std::vector<std::string> paths;
  for (const char* folder : {"/efficientdet", "/graphs"}) {
    for (std::string& path :
         SortedFiles(CYTO8_GOLDEN_DIR + std::string(folder),
                     {".pb", ".pbtxt"})) {
      paths.push_back(std::move(path));
    }
  }
  return paths;
}

StatusOr<QuantizedGraph> QuantizedD2(int64_t side_px,
                                     std::span<const Image> fields) {
  CYTO8_ASSIGN_OR_RETURN(
      const NetworkFile file,
      NetworkFile::Open(RealFileSystem(),
                        std::string(kData) + "models/d2-cells.yaml", Limits()));
  CYTO8_ASSIGN_OR_RETURN(LoadedNetwork network,
                         file.Read(RealFileSystem(), Limits()));
  CYTO8_ASSIGN_OR_RETURN(Graph graph, NetworkForSize(std::move(network.graph),
                                                     side_px, side_px,
                                                     Limits()));
  return Quantized(std::move(graph), fields, {});
}

StatusOr<QuantizedGraph> QuantizedTinyGraph(const std::string& path,
                                            std::span<const Image> fields,
                                            const QuantizeOptions& options) {
  const Limits limits;
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(RealFileSystem(), path, limits.max_model_bytes));
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported, ImportGraphDef(bytes, limits));
  CYTO8_ASSIGN_OR_RETURN(Graph graph, PixelNetwork(std::move(imported.graph)));
  CYTO8_ASSIGN_OR_RETURN(QuantizedGraph quantized,
                         Quantized(std::move(graph), fields, options));
  if (!quantized.layers.empty()) return quantized;
  return InvalidArgument("nothing of it becomes INT8");
}

bool TakesBatches(const Graph& graph) {
  for (const int64_t batch : {1, 2}) {
    const auto batched = WithBatch(graph, batch);
    if (!batched.ok()) return false;
    for (const GraphOutput& output : batched->outputs) {
      const auto& shape = batched->desc(output.value).shape;
      if (!shape || shape->empty() || (*shape)[0] != batch) return false;
    }
  }
  return true;
}

StatusOr<std::string> DigestOf(const Graph& graph,
                               std::span<const Image> fields,
                               const DigestOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const Graph batched, WithBatch(graph, options.batch));
  CYTO8_ASSIGN_OR_RETURN(
      const auto model,
      CompiledModel::Create(
          batched, {.isa = options.isa,
                    .min_streamed_bytes = options.min_streamed_bytes}));
  CYTO8_ASSIGN_OR_RETURN(InferRequest request, InferRequest::Create(model));
  const Shape& shape = model->inputs()[0].shape;
  const auto image_bytes = static_cast<size_t>(shape[1] * shape[2] * shape[3]);
  ThreadsFor executor(options.workers);
  std::vector<std::byte> bytes;
  for (int64_t first = 0; first < options.tiles; first += options.batch) {
    const int64_t used = std::min(options.batch, options.tiles - first);
    for (int64_t i = 0; i < options.batch; ++i) {
      CYTO8_RETURN_IF_ERROR(
          CutTile(fields, first + i % used, shape[1], shape[2],
                  request.input_as<uint8_t>(0).subspan(
                      static_cast<size_t>(i) * image_bytes, image_bytes)));
    }
    CYTO8_RETURN_IF_ERROR(request.Run(executor));
    for (int64_t i = 0; i < used; ++i) {
      AppendOutputs(request, i, options.batch, bytes);
    }
  }
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Sha256(bytes));
  return ToHex(digest);
}

}  // namespace cyto8
