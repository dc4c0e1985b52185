// SPDX-License-Identifier: Apache-2.0
// One sweep of constant folding; see fold_constants.h.
#include "detector/passes/fold_constants.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "detector/graph/shape_inference.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

bool Contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool IsSource(Op op) {
  return op == Op::kInput || op == Op::kConst || op == Op::kOpaque;
}

// [1,768,768,3] as the constant that a Shape node gives.
StatusOr<Tensor> ShapeTensor(const Shape& shape, DataType type) {
  CYTO8_ASSIGN_OR_RETURN(
      Tensor tensor,
      Tensor::Create(type, {static_cast<int64_t>(shape.size())}));
  if (type == DataType::kInt64) {
    std::copy(shape.begin(), shape.end(),
              tensor.mutable_data<int64_t>().begin());
    return tensor;
  }
  for (size_t i = 0; i < shape.size(); ++i) {
    tensor.mutable_data<int32_t>()[i] = static_cast<int32_t>(shape[i]);
  }
  return tensor;
}

class Folder {
 public:
  Folder(Graph graph, const NodeEvaluator& evaluator,
         const FoldConstantsOptions& options)
      : graph_(std::move(graph)),
        evaluator_(evaluator),
        options_(options),
        names_(graph_) {}

  StatusOr<Graph> Run() {
    const auto count = static_cast<int64_t>(graph_.nodes.size());
    instead_.resize(graph_.nodes.size());
    for (int64_t i = 0; i < count; ++i) {
      for (ValueRef& input : At(i).inputs) input = Resolve(input);
      CYTO8_RETURN_IF_ERROR(InferNode(graph_, i, options_.limits));
      CYTO8_RETURN_IF_ERROR(Annotate(Fold(i), "node \"" + At(i).name + "\""));
    }
    for (GraphOutput& output : graph_.outputs) {
      output.value = Resolve(output.value);
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  Node& At(int64_t i) { return graph_.nodes[static_cast<size_t>(i)]; }

  ValueRef Resolve(ValueRef value) const {
    const auto node = static_cast<size_t>(value.node);
    if (node >= instead_.size() || instead_[node].empty()) return value;
    return instead_[node][static_cast<size_t>(value.port)];
  }

  Status Fold(int64_t i) {
    const Node& node = At(i);
    if (IsSource(node.op) || Contains(options_.exclude_nodes, node.name) ||
        Contains(options_.exclude_ops, node.source_op) ||
        Contains(options_.exclude_ops, OpName(node.op))) {
      return OkStatus();
    }
    if (node.op == Op::kShape) return FoldShape(i);
    const auto is_constant = [&](ValueRef input) {
      return ConstantOf(graph_, input) != nullptr;
    };
    if (node.inputs.empty() ||
        !std::all_of(node.inputs.begin(), node.inputs.end(), is_constant)) {
      return OkStatus();
    }
    if (node.op == Op::kIdentity) {
      instead_[static_cast<size_t>(i)] = {node.inputs[0]};
      return OkStatus();
    }
    return IsSmallEnough(node) ? Evaluate(i) : OkStatus();
  }

  Status FoldShape(int64_t i) {
    const Node& node = At(i);
    const Shape* shape = StaticShapeOf(graph_, node.inputs[0]);
    if (shape == nullptr) return OkStatus();
    CYTO8_ASSIGN_OR_RETURN(Tensor tensor,
                           ShapeTensor(*shape, node.As<CastAttributes>().to));
    std::vector<Tensor> results;
    results.push_back(std::move(tensor));
    return Replace(i, std::move(results));
  }

  bool IsSmallEnough(const Node& node) const {
    int64_t in_bytes = 0;
    for (const ValueRef& input : node.inputs) {
      in_bytes += ConstantOf(graph_, input)->byte_size();
    }
    // Outputs of unknown shape cannot be judged, so they are not computed.
    int64_t out_bytes = 0;
    for (const TensorDesc& desc : node.outputs) {
      if (!desc.shape || !IsStatic(*desc.shape)) return false;
      const StatusOr<int64_t> count = ElementCount(*desc.shape);
      if (!count.ok() || *count > options_.limits.max_tensor_bytes) {
        return false;
      }
      out_bytes += *count * ByteSize(desc.type);
    }
    return out_bytes <= kMaxFoldedBytes ||
           out_bytes / kMaxFoldedGrowth <= in_bytes;
  }

  Status Evaluate(int64_t i) {
    std::vector<const Tensor*> inputs;
    for (const ValueRef& input : At(i).inputs) {
      inputs.push_back(ConstantOf(graph_, input));
    }
    StatusOr<std::vector<Tensor>> results = evaluator_(At(i), inputs);
    if (results.status().code() == StatusCode::kUnimplemented) {
      return OkStatus();
    }
    if (!results.ok()) return results.status();
    if (results->size() != At(i).outputs.size()) {
      return Internal("the evaluator gave " + std::to_string(results->size()) +
                      " outputs, not " + std::to_string(At(i).outputs.size()));
    }
    return Replace(i, *std::move(results));
  }

  // A node with one output becomes the constant, so its name stays; one with
  // several is replaced by a constant for each.
  Status Replace(int64_t i, std::vector<Tensor> results) {
    if (results.size() == 1) {
      Node& node = At(i);
      node.outputs[0] = {.type = results[0].type(),
                         .shape = results[0].shape()};
      Become(graph_, i, Op::kConst, {},
             ConstAttributes{
                 std::make_shared<const Tensor>(std::move(results[0]))});
      return OkStatus();
    }
    std::vector<ValueRef> constants;
    for (Tensor& result : results) {
      std::string name = names_.Take(At(i).name + "/output_" +
                                     std::to_string(constants.size()));
      constants.push_back(graph_.AddConst(std::move(name), std::move(result)));
    }
    instead_[static_cast<size_t>(i)] = std::move(constants);
    return OkStatus();
  }

  Graph graph_;
  const NodeEvaluator& evaluator_;
  const FoldConstantsOptions& options_;
  NamePool names_;
  // For each node of the original graph the values its readers get instead.
  std::vector<std::vector<ValueRef>> instead_;
};

}  // namespace

StatusOr<Graph> FoldConstants(Graph graph, const NodeEvaluator& evaluator,
                              const FoldConstantsOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(graph, SortTopologically(std::move(graph)));
  return Folder(std::move(graph), evaluator, options).Run();
}

}  // namespace cyto8
