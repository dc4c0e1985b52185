// SPDX-License-Identifier: Apache-2.0
// Image preparation of google/automl's inference.py as it looks in a graph:
// pixels -> [slice of the batch] -> Cast -> Sub mean -> RealDiv deviation ->
// ResizeBilinear -> Pad -> Pack. The pixels end at the only Cast to float
// that does not come from shapes; the arithmetic with constants behind it is
// the normalisation; the divisions of constants by a side of the image are the
// target sizes. Tested by tests/detector/efficientdet/export_layout_test.cc.
#include <algorithm>
#include <array>
#include <cmath>

#include "detector/efficientdet/graph_walk.h"
#include "detector/efficientdet/serving_parts.h"

namespace cyto8 {
namespace {

constexpr std::string_view kPixelsName = "image_arrays";

// Where 8-bit pixels come from, seen from the Cast to float: behind the
// selection of one image of the batch. Unset if the Cast is one of numbers.
std::optional<ValueRef> PixelSource(const Graph& graph, ValueRef value) {
  while (true) {
    const Node& node = graph.node(value);
    if (node.name == kPixelsName) return value;
    switch (node.op) {
      case Op::kStridedSlice:
      case Op::kGather:
      case Op::kIdentity:
      case Op::kSqueeze:
      case Op::kExpandDims:
      case Op::kUnpack:
        value = node.inputs[0];
        break;
      case Op::kInput:
      case Op::kOpaque:
        return value;
      default:
        return std::nullopt;
    }
  }
}

struct PixelCast {
  int64_t node = -1;
  ValueRef pixels;
};

std::optional<PixelCast> FindPixelCast(const Graph& graph,
                                       const NodeSet& before) {
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (!before[static_cast<size_t>(i)] || node.op != Op::kCast ||
        node.As<CastAttributes>().to != DataType::kFloat32) {
      continue;
    }
    const std::optional<ValueRef> pixels = PixelSource(graph, node.inputs[0]);
    if (pixels) return PixelCast{.node = i, .pixels = *pixels};
  }
  return std::nullopt;
}

// y = factor * x + offset per channel.
struct Affine {
  std::array<double, 3> factor = {1, 1, 1};
  std::array<double, 3> offset = {0, 0, 0};
};

void Apply(Op op, std::span<const double> constant, Affine& affine) {
  for (size_t c = 0; c < 3; ++c) {
    const double value = constant[constant.size() == 1 ? 0 : c];
    double& factor = affine.factor[c];
    double& offset = affine.offset[c];
    if (op == Op::kAdd) offset += value;
    if (op == Op::kSub) offset -= value;
    if (op == Op::kMul || op == Op::kDiv) {
      const double by = op == Op::kMul ? value : 1 / value;
      factor *= by;
      offset *= by;
    }
  }
}

// The reader of `node` that adds, subtracts, multiplies or divides by a
// constant per channel; the constant is left in `constant`.
std::optional<int64_t> ArithmeticReader(const Graph& graph,
                                        std::span<const int64_t> readers,
                                        int64_t node,
                                        std::vector<double>& constant) {
  for (const int64_t reader : readers) {
    const Node& one = graph.nodes[static_cast<size_t>(reader)];
    const bool commutes = one.op == Op::kAdd || one.op == Op::kMul;
    if (!commutes && one.op != Op::kSub && one.op != Op::kDiv) continue;
    const bool first = one.inputs[0].node == node;
    if (!first && !commutes) continue;
    constant = NumbersBehind(graph, one.inputs[first ? 1 : 0]);
    if (constant.size() == 1 || constant.size() == 3) return reader;
  }
  return std::nullopt;
}

Affine FollowArithmetic(const Graph& graph, int64_t cast) {
  const std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  Affine affine;
  std::vector<double> constant;
  int64_t node = cast;
  while (true) {
    const std::optional<int64_t> next = ArithmeticReader(
        graph, readers[static_cast<size_t>(node)], node, constant);
    if (!next) return affine;
    Apply(graph.nodes[static_cast<size_t>(*next)].op, constant, affine);
    node = *next;
  }
}

Status FillNormalization(const Graph& graph, int64_t cast,
                         PreprocessorOptions& options) {
  const Affine affine = FollowArithmetic(graph, cast);
  for (size_t c = 0; c < 3; ++c) {
    options.mean[c] = static_cast<float>(-affine.offset[c] / affine.factor[c]);
    options.deviation[c] = static_cast<float>(1 / affine.factor[c]);
    if (!std::isfinite(options.mean[c]) || !(options.deviation[c] > 0)) {
      return InvalidArgument(NodeLabel(graph, cast) +
                             ": the arithmetic behind it is no normalisation "
                             "by a mean and a deviation");
    }
  }
  return OkStatus();
}

Status FillSampling(const Graph& graph, const NodeSet& before, int64_t cast,
                    ServingInput& input) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!before[i]) continue;
    if (node.op == Op::kResizeBilinear) {
      const auto& attributes = node.As<ResizeAttributes>();
      input.preprocessor.sampling =
          attributes.align_corners        ? ResizeSampling::kAlignCorners
          : attributes.half_pixel_centers ? ResizeSampling::kHalfPixel
                                          : ResizeSampling::kLegacy;
      return OkStatus();
    }
    if (node.op == Op::kOpaque &&
        node.name.find("ResizeBilinear") != std::string::npos) {
      input.sampling_is_assumed = true;
      return OkStatus();
    }
  }
  return Unimplemented(NodeLabel(graph, cast) +
                       ": no ResizeBilinear between it and the network");
}

// Which side of the image a value is: 0 height, 1 width, by the index that is
// taken from its shape.
std::optional<int64_t> SideOf(const Graph& graph, ValueRef value) {
  const Node* node = &graph.node(value);
  while (node->op == Op::kCast || node->op == Op::kIdentity) {
    value = node->inputs[0];
    node = &graph.node(value);
  }
  if (node->op == Op::kUnpack) return value.port;
  if (node->op != Op::kStridedSlice) return std::nullopt;
  const std::optional<double> begin = NumberBehind(graph, node->inputs[1]);
  if (!begin) return std::nullopt;
  return static_cast<int64_t>(*begin);
}

// scale = min(height / h, width / w), or in the first release side / max(h, w):
// the numerators are the target's sides.
Status FillTargetSize(const Graph& graph, const NodeSet& before, int64_t cast,
                      PreprocessorOptions& options) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!before[i] || node.op != Op::kDiv) continue;
    const std::optional<double> side = NumberBehind(graph, node.inputs[0]);
    if (!side || !(*side >= 1 && *side < 1e6)) continue;
    const bool larger = graph.node(node.inputs[1]).op == Op::kMaximum;
    const std::optional<int64_t> index = SideOf(graph, node.inputs[1]);
    if (larger || index == 0) options.height_px = static_cast<int64_t>(*side);
    if (larger || index == 1) options.width_px = static_cast<int64_t>(*side);
  }
  if (options.height_px > 0 && options.width_px > 0) return OkStatus();
  return Unimplemented(NodeLabel(graph, cast) +
                       ": the size to which it is resized was not recognised");
}

}  // namespace

bool IsServingInput(const Graph& graph, ValueRef network_input) {
  const NodeSet before = AncestorsOf(graph, network_input);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!before[i]) continue;
    const Op op = graph.nodes[i].op;
    if (op == Op::kOpaque || op == Op::kResizeBilinear) return true;
  }
  return false;
}

StatusOr<ServingInput> FindServingInput(const Graph& graph,
                                        ValueRef network_input) {
  const NodeSet before = AncestorsOf(graph, network_input);
  const std::optional<PixelCast> cast = FindPixelCast(graph, before);
  if (!cast) {
    return Unimplemented(NodeLabel(graph, network_input.node) +
                         ": it is not computed from 8-bit pixels by a Cast");
  }
  ServingInput input;
  input.pixels = NamedOutput(graph, cast->pixels);
  CYTO8_RETURN_IF_ERROR(
      FillNormalization(graph, cast->node, input.preprocessor));
  CYTO8_RETURN_IF_ERROR(FillSampling(graph, before, cast->node, input));
  CYTO8_RETURN_IF_ERROR(
      FillTargetSize(graph, before, cast->node, input.preprocessor));
  return input;
}

int64_t ServingBatch(const Graph& graph, ValueRef network_input) {
  const Node& node = graph.node(network_input);
  if (node.op == Op::kExpandDims) return 1;  // a simplified Pack of one image.
  return node.op == Op::kPack ? std::ssize(node.inputs) : kUnknownDim;
}

}  // namespace cyto8
