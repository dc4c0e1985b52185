// SPDX-License-Identifier: Apache-2.0
// Matching of up-sampling; see recognize_upsampling.h.
#include "detector/passes/recognize_upsampling.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "detector/graph/shape_inference.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

struct Upsampling {
  ValueRef x;
  UpsampleAttributes factors;
};

class UpsamplingMatcher {
 public:
  explicit UpsamplingMatcher(Graph graph)
      : graph_(std::move(graph)), uses_(graph_) {}

  StatusOr<Graph> Run() {
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      const ValueRef root{.node = static_cast<int64_t>(i), .port = 0};
      const Op op = graph_.nodes[i].op;
      std::optional<Upsampling> match;
      if (op == Op::kResizeNearest) match = ResizeAt(root);
      if (op == Op::kReshape) match = ReshapeAt(root);
      if (!match) continue;
      Become(graph_, root.node, Op::kUpsampleNearest, {match->x},
             match->factors);
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  std::optional<Upsampling> ResizeAt(ValueRef root) const {
    const Node& node = graph_.node(root);
    const auto& attributes = node.As<ResizeAttributes>();
    const std::optional<Shape>& src = graph_.desc(node.inputs[0]).shape;
    const std::optional<Shape>& dst = graph_.desc(root).shape;
    if (attributes.align_corners || !src || !dst || src->size() != 4 ||
        dst->size() != 4) {
      return std::nullopt;
    }
    for (const size_t axis : {size_t{1}, size_t{2}}) {
      if (!RepeatsPixels((*src)[axis], (*dst)[axis],
                         attributes.half_pixel_centers)) {
        return std::nullopt;
      }
    }
    return Upsampling{
        node.inputs[0],
        {.factor_y = (*dst)[1] / (*src)[1], .factor_x = (*dst)[2] / (*src)[2]}};
  }

  // Reshape(repeat(Reshape(x))).
  std::optional<Upsampling> ReshapeAt(ValueRef root) const {
    const ValueRef wide = graph_.node(root).inputs[0];
    const std::optional<ValueRef> narrow = RepeatedValue(wide);
    if (!narrow || graph_.node(*narrow).op != Op::kReshape ||
        !uses_.Single(wide) || !uses_.Single(*narrow)) {
      return std::nullopt;
    }
    const ValueRef x = graph_.node(*narrow).inputs[0];
    return MatchShapes({x, *narrow, wide, root});
  }

  // What a node only repeats, the batch aside, if it is such a node.
  std::optional<ValueRef> RepeatedValue(ValueRef value) const {
    const Node& node = graph_.node(value);
    switch (node.op) {
      case Op::kMul:
        if (IsAllOnes(node.inputs[1])) return node.inputs[0];
        if (IsAllOnes(node.inputs[0])) return node.inputs[1];
        return std::nullopt;
      case Op::kTile:
        if (TilesBatch(node)) return std::nullopt;
        return node.inputs[0];
      case Op::kBroadcastTo:
        if (StaticShapeOf(graph_, value) == nullptr) return std::nullopt;
        return node.inputs[0];
      default:
        return std::nullopt;
    }
  }

  bool IsAllOnes(ValueRef value) const {
    const Tensor* tensor = ConstantOf(graph_, value);
    if (tensor == nullptr || tensor->type() != DataType::kFloat32 ||
        tensor->shape().size() != 6 || tensor->shape()[0] != 1) {
      return false;
    }
    const auto data = tensor->data<float>();
    return std::all_of(data.begin(), data.end(),
                       [](float one) { return one == 1; });
  }

  bool TilesBatch(const Node& tile) const {
    const Tensor* tensor = ConstantOf(graph_, tile.inputs[1]);
    if (tensor == nullptr) return true;
    const auto multiples = tensor->ToInt64s();
    return !multiples.ok() || multiples->empty() || multiples->front() != 1;
  }

  // [b,h,w,c] -> [b,h,1,w,1,c] -> [b,h,sy,w,sx,c] -> [b,h*sy,w*sx,c]; b may be
  // unknown.
  std::optional<Upsampling> MatchShapes(
      const std::array<ValueRef, 4>& values) const {
    std::array<Shape, 4> shapes;
    for (size_t i = 0; i < values.size(); ++i) {
      const std::optional<Shape>& shape = graph_.desc(values[i]).shape;
      if (!shape) return std::nullopt;
      shapes[i] = *shape;
    }
    const auto& [x, narrow, wide, result] = shapes;
    if (x.size() != 4 || wide.size() != 6 ||
        !IsStatic(Shape(x.begin() + 1, x.end())) || wide[2] < 1 ||
        wide[4] < 1) {
      return std::nullopt;
    }
    const int64_t sy = wide[2];
    const int64_t sx = wide[4];
    if (narrow != Shape{x[0], x[1], 1, x[2], 1, x[3]} ||
        wide != Shape{x[0], x[1], sy, x[2], sx, x[3]} ||
        result != Shape{x[0], x[1] * sy, x[2] * sx, x[3]}) {
      return std::nullopt;
    }
    return Upsampling{values[0], {.factor_y = sy, .factor_x = sx}};
  }

  Graph graph_;
  Uses uses_;
};

}  // namespace

bool RepeatsPixels(int64_t in, int64_t out, bool half_pixel_centers) {
  if (in < 1 || out < in || out % in != 0) return false;
  const int64_t factor = out / in;
  const float scale = static_cast<float>(in) / static_cast<float>(out);
  const float offset = half_pixel_centers ? 0.5f : 0.0f;
  for (int64_t x = 0; x < out; ++x) {
    const float position = std::floor((static_cast<float>(x) + offset) * scale);
    const int64_t source = std::min(static_cast<int64_t>(position), in - 1);
    if (source != x / factor) return false;
  }
  return true;
}

StatusOr<Graph> RecognizeUpsampling(Graph graph) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  CYTO8_ASSIGN_OR_RETURN(graph, InferShapes(std::move(graph)));
  return UpsamplingMatcher(std::move(graph)).Run();
}

}  // namespace cyto8
