// SPDX-License-Identifier: Apache-2.0
// A whole network on one tile against the sum of oneDNN's own times for its
// convolutions, interleaved in one process on one thread, and where the rest of
// the time goes. Prints medians with their spread.
//
//   bench_network [CARD.yaml [ROUNDS [ISA]]]
//
// ISA: avx512, avx2 or plain, for our own kernels; the best if not given. A
// convolution of 0 ms in the network is part of the step of another.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "app/load_model.h"
#include "app/network.h"
#include "base/file_system.h"
#include "bench/network_yardstick.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"
#include "detector/runtime/model_plan.h"

extern "C" void omp_set_num_threads(int count);

namespace cyto8 {
namespace {

constexpr const char* kCard = "data/models/d2-cells.yaml";
constexpr int kRounds = 15;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

struct Spread {
  double low = 0, median = 0, high = 0;  // quartiles around the median.
};

Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {values[n / 4], values[n / 2], values[n - 1 - n / 4]};
}

// The graph that `score` compiles.
StatusOr<Graph> NetworkOf(const std::string& card_path) {
  const Limits limits;
  FileSystem& files = RealFileSystem();
  CYTO8_ASSIGN_OR_RETURN(
      const auto card_bytes,
      ReadWholeFile(files, card_path, limits.max_config_bytes));
  CYTO8_ASSIGN_OR_RETURN(const ModelCard card,
                         ParseModelCard(card_bytes, limits));
  const std::string folder = card_path.substr(0, card_path.rfind('/') + 1);
  CYTO8_ASSIGN_OR_RETURN(
      const auto bytes,
      ReadWholeFile(files, folder + card.model_file, limits.max_model_bytes));
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported, ImportGraphDef(bytes, limits));
  CYTO8_ASSIGN_OR_RETURN(const ExportLayout layout,
                         FindExportLayout(imported.graph));
  NetworkCut cut;
  cut.inputs[layout.network_input.name] = {
      .type = DataType::kFloat32,
      .shape = Shape{1, card.height_px, card.width_px, 3}};
  for (const GraphOutput& output : HeadOutputs(layout)) {
    cut.outputs.push_back(output.name);
  }
  CYTO8_ASSIGN_OR_RETURN(
      Graph graph,
      PrepareNetwork(std::move(imported.graph), cut, Rewriting::kAll, limits));
  CYTO8_ASSIGN_OR_RETURN(
      graph, PrependNormalization(std::move(graph), card.mean, card.deviation));
  return InferShapes(std::move(graph), limits);
}

bool IsConvolution(const Node& node) {
  return node.op == Op::kConv2D || node.op == Op::kDepthwiseConv2D;
}

StatusOr<Conv2dShape> ShapeOf(const Graph& graph, const Node& node) {
  const Shape& src = *graph.desc(node.inputs[0]).shape;
  const Shape& wei = *graph.desc(node.inputs[1]).shape;
  const auto& conv = node.As<ConvAttributes>();
  const Padding& pads = conv.padding;
  CYTO8_ASSIGN_OR_RETURN(
      const WindowGeometry y,
      ResolveWindow(src[1], wei[0], conv.strides[0], conv.dilations[0],
                    pads.kind, pads.top, pads.bottom));
  CYTO8_ASSIGN_OR_RETURN(
      const WindowGeometry x,
      ResolveWindow(src[2], wei[1], conv.strides[1], conv.dilations[1],
                    pads.kind, pads.left, pads.right));
  return Conv2dShape{.batch = src[0],
                     .in_height = src[1],
                     .in_width = src[2],
                     .in_channels = src[3],
                     .out_height = y.out,
                     .out_width = x.out,
                     .out_channels = node.op == Op::kConv2D ? wei[3] : src[3],
                     .kernel_height = wei[0],
                     .kernel_width = wei[1],
                     .stride_y = conv.strides[0],
                     .stride_x = conv.strides[1],
                     .dilation_y = conv.dilations[0],
                     .dilation_x = conv.dilations[1],
                     .pad_top = y.before,
                     .pad_left = x.before,
                     .activation = conv.activation};
}

// One kind of convolution and how often the network has it.
struct Layer {
  ConvYardstick yardstick;
  std::string text;
  std::vector<std::string> labels;
  std::vector<double> seconds = {};  // of one, per round.
};

std::string TextOf(const Conv2dShape& s, bool depthwise) {
  return std::to_string(s.in_height) + "x" + std::to_string(s.in_width) + " " +
         std::to_string(s.in_channels) + "->" + std::to_string(s.out_channels) +
         " " + std::to_string(s.kernel_height) + "x" +
         std::to_string(s.kernel_width) + " s" + std::to_string(s.stride_y) +
         (depthwise ? " depthwise " : " ") +
         std::string(ActivationName(s.activation));
}

StatusOr<std::vector<Layer>> LayersOf(const Graph& graph,
                                      YardstickMemory& memory) {
  for (const Node& node : graph.nodes) {
    if (!IsConvolution(node)) continue;
    CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ShapeOf(graph, node));
    memory.MakeRoomFor(shape);
  }
  std::map<std::string, size_t> known;
  std::vector<Layer> layers;
  for (const Node& node : graph.nodes) {
    if (!IsConvolution(node)) continue;
    CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ShapeOf(graph, node));
    const bool depthwise = node.op == Op::kDepthwiseConv2D;
    const std::string text = TextOf(shape, depthwise);
    const auto [entry, added] = known.try_emplace(text, layers.size());
    if (added)
      layers.push_back({ConvYardstick(shape, depthwise, memory), text, {}});
    layers[entry->second].labels.push_back(NodeLabel(node));
  }
  return layers;
}

// The steps of a model bound to memory, so that each can be timed.
class SteppedRun {
 public:
  explicit SteppedRun(const ModelPlan& plan)
      : plan_(plan), arena_(static_cast<size_t>(plan.arena_bytes) + 4096) {}

  Status Bind() {
    for (const PlannedStep& step : plan_.steps) {
      StepBuffers buffers;
      for (const Placement& src : step.src) buffers.src.push_back(Bytes(src));
      for (const Placement& dst : step.dst) buffers.dst.push_back(Bytes(dst));
      buffers.scratch = Bytes(step.scratch);
      CYTO8_ASSIGN_OR_RETURN(StepCall call, step.step.bind(buffers));
      calls_.push_back(std::move(call));
    }
    seconds_.resize(calls_.size());
    return OkStatus();
  }

  Status Run() {
    SerialFor executor;
    for (size_t i = 0; i < calls_.size(); ++i) {
      const double start = Now();
      CYTO8_RETURN_IF_ERROR(calls_[i](executor));
      seconds_[i].push_back(Now() - start);
    }
    return OkStatus();
  }

  // Median seconds by label.
  std::map<std::string, double> Medians() const {
    std::map<std::string, double> medians;
    for (size_t i = 0; i < calls_.size(); ++i) {
      medians[plan_.steps[i].label] = SpreadOf(seconds_[i]).median;
    }
    return medians;
  }

 private:
  std::span<std::byte> Bytes(const Placement& placement) {
    if (placement.constant) {
      const auto bytes = placement.constant->bytes();
      return {const_cast<std::byte*>(bytes.data()), bytes.size()};
    }
    const auto base = reinterpret_cast<uintptr_t>(arena_.data());
    const size_t shift = (4096 - base % 4096) % 4096;
    return {arena_.data() + shift + placement.offset,
            static_cast<size_t>(placement.bytes)};
  }

  const ModelPlan& plan_;
  std::vector<std::byte> arena_;
  std::vector<StepCall> calls_;
  std::vector<std::vector<double>> seconds_;
};

std::string KindOf(const std::string& label) {
  const size_t open = label.rfind('(');
  return open == std::string::npos ? label : label.substr(open);
}

void PrintProfile(const std::map<std::string, double>& medians,
                  const std::vector<Layer>& layers) {
  std::map<std::string, std::pair<double, int>> kinds;
  for (const auto& [label, seconds] : medians) {
    kinds[KindOf(label)].first += seconds;
    ++kinds[KindOf(label)].second;
  }
  std::printf("\nsteps by kind, ms (median of each step):\n");
  for (const auto& [kind, sum] : kinds) {
    std::printf("  %-24s %4d %9.3f\n", kind.c_str(), sum.second,
                1e3 * sum.first);
  }
  std::printf(
      "\nconvolutions, ms: in the network, oneDNN alone (each, of how many)\n");
  for (const Layer& layer : layers) {
    double network = 0;
    for (const std::string& label : layer.labels) {
      const auto found = medians.find(label);
      if (found != medians.end()) network += found->second;
    }
    const auto count = static_cast<double>(layer.labels.size());
    const double alone = SpreadOf(layer.seconds).median;
    std::printf("  %-44s %3d %8.3f %8.3f  %s\n", layer.text.c_str(),
                static_cast<int>(layer.labels.size()), 1e3 * network / count,
                1e3 * alone, layer.yardstick.implementation().c_str());
  }
}

double SumOf(std::vector<Layer>& layers) {
  double sum = 0;
  for (Layer& layer : layers) {
    layer.seconds.push_back(layer.yardstick.Seconds());
    sum += layer.seconds.back() * static_cast<double>(layer.labels.size());
  }
  return sum;
}

void PrintSpread(const char* what, const std::vector<double>& values,
                 double scale) {
  const Spread spread = SpreadOf(values);
  std::printf("%-34s %9.3f  [%.3f, %.3f]\n", what, scale * spread.median,
              scale * spread.low, scale * spread.high);
}

Status Measure(const Graph& graph, int rounds, Isa isa) {
  YardstickMemory memory;
  CYTO8_ASSIGN_OR_RETURN(const auto model,
                         CompiledModel::Create(graph, {.isa = isa}));
  CYTO8_ASSIGN_OR_RETURN(InferRequest request, InferRequest::Create(model));
  CYTO8_ASSIGN_OR_RETURN(std::vector<Layer> layers, LayersOf(graph, memory));
  SteppedRun stepped(model->plan());
  CYTO8_RETURN_IF_ERROR(stepped.Bind());
  SerialFor executor;
  std::vector<double> network, sum, ratio;
  const auto pixels = request.input(0);
  for (size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::byte>(i * 7 % 251);
  }
  CYTO8_RETURN_IF_ERROR(request.Run(executor));
  for (int i = 0; i < rounds; ++i) {
    const double start = Now();
    CYTO8_RETURN_IF_ERROR(request.Run(executor));
    network.push_back(Now() - start);
    sum.push_back(SumOf(layers));
    ratio.push_back(network.back() / sum.back());
    CYTO8_RETURN_IF_ERROR(stepped.Run());
  }
  std::printf("%d rounds, one thread; median [quartiles]\n", rounds);
  std::printf("activation memory per request, MB  %8.1f\n",
              static_cast<double>(model->scratch_bytes()) / 1e6);
  PrintSpread("network, ms", network, 1e3);
  PrintSpread("oneDNN's convolutions, ms", sum, 1e3);
  PrintSpread("ratio", ratio, 1);
  PrintProfile(stepped.Medians(), layers);
  return OkStatus();
}

Status Run(const std::string& card, int rounds, const std::string& isa_name) {
  omp_set_num_threads(1);
  CYTO8_ASSIGN_OR_RETURN(const Graph graph, NetworkOf(card));
  for (const Isa isa : UsableIsas()) {
    if (IsaName(isa) == isa_name) return Measure(graph, rounds, isa);
  }
  return InvalidArgument("isa = " + isa_name + ": this CPU has none such");
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  const char* card = argc > 1 ? argv[1] : cyto8::kCard;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : cyto8::kRounds;
  const std::string isa =
      argc > 3 ? argv[3] : std::string(cyto8::IsaName(cyto8::BestIsa()));
  const cyto8::Status status = cyto8::Run(card, std::max(rounds, 1), isa);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
