// SPDX-License-Identifier: Apache-2.0
// See network_of.h.
#include "bench/network_of.h"

#include <map>
#include <utility>

#include "app/load_network.h"
#include "base/file_system.h"
#include "detector/graph/shape_inference.h"
#include "detector/runtime/step_context.h"
#include "detector/runtime/window_shapes.h"

namespace cyto8 {
namespace {

bool IsConvolution(const Node& node) {
  return node.op == Op::kConv2D || node.op == Op::kDepthwiseConv2D;
}

StatusOr<Conv2dShape> ShapeOf(const Graph& graph, int64_t node) {
  CYTO8_ASSIGN_OR_RETURN(const StepContext context,
                         StepContext::Create(graph, node, StepOptions()));
  return ConvShapeOf(context);
}

std::string TextOf(const Conv2dShape& s, bool depthwise) {
  return std::to_string(s.in_height) + "x" + std::to_string(s.in_width) + " " +
         std::to_string(s.in_channels) + "->" + std::to_string(s.out_channels) +
         " " + std::to_string(s.kernel_height) + "x" +
         std::to_string(s.kernel_width) + " s" + std::to_string(s.stride_y) +
         (depthwise ? " depthwise " : " ") +
         std::string(ActivationName(s.activation));
}

}  // namespace

StatusOr<Graph> NetworkOf(const std::string& model) {
  const Limits limits;
  FileSystem& files = RealFileSystem();
  CYTO8_ASSIGN_OR_RETURN(const NetworkFile file,
                         NetworkFile::Open(files, model, limits));
  CYTO8_ASSIGN_OR_RETURN(LoadedNetwork network, file.Read(files, limits));
  return InferShapes(std::move(network.graph), limits);
}

StatusOr<std::vector<uint8_t>> ReadTiles(const std::string& path) {
  if (path.empty()) return std::vector<uint8_t>();
  constexpr int64_t kMaxBytes = int64_t{1} << 31;
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(RealFileSystem(), path, kMaxBytes));
  const auto* const first = reinterpret_cast<const uint8_t*>(bytes.data());
  return std::vector<uint8_t>(first, first + bytes.size());
}

// Under which the INT8 network gives out what the convolution makes: a sum
// behind it is part of it there.
std::string ResultName(const Graph& graph, int64_t conv) {
  const std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  const auto& all = readers[static_cast<size_t>(conv)];
  const Node* result = &graph.nodes[static_cast<size_t>(conv)];
  if (all.size() == 1) {
    const Node& next = graph.nodes[static_cast<size_t>(all[0])];
    if (next.op == Op::kAdd) result = &next;
  }
  return result->name;
}

double ConvolutionKind::Macs() const {
  const int64_t per_output = shape.kernel_height * shape.kernel_width *
                             (depthwise ? 1 : shape.in_channels);
  return static_cast<double>(shape.batch * shape.out_height * shape.out_width *
                             shape.out_channels * per_output);
}

StatusOr<std::vector<ConvolutionKind>> ConvolutionKindsOf(const Graph& graph) {
  std::map<std::string, size_t> known;
  std::vector<ConvolutionKind> kinds;
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (!IsConvolution(node)) continue;
    CYTO8_ASSIGN_OR_RETURN(const Conv2dShape shape, ShapeOf(graph, i));
    const bool depthwise = node.op == Op::kDepthwiseConv2D;
    const std::string text = TextOf(shape, depthwise);
    const auto [entry, added] = known.try_emplace(text, kinds.size());
    if (added) kinds.push_back({shape, depthwise, text, {}, {}});
    kinds[entry->second].results.push_back(ResultName(graph, i));
    kinds[entry->second].labels.push_back(NodeLabel(node));
  }
  return kinds;
}

}  // namespace cyto8
