// SPDX-License-Identifier: Apache-2.0
// See step_context.h.
#include "detector/runtime/step_context.h"

#include <algorithm>
#include <numeric>

#include "base/checked_math.h"
#include "detector/graph/tensor.h"
#include "detector/runtime/packed_weights.h"

namespace cyto8 {
namespace {

Status CheckStatic(const TensorDesc& desc) {
  if (!desc.shape) return InvalidArgument("shape is not known");
  if (IsStatic(*desc.shape)) return OkStatus();
  return InvalidArgument("shape " + ShapeToString(*desc.shape) +
                         " is not known");
}

// The reason why a shape is often not known: ", since input 1 ("x") is not
// constant", of the integer inputs that carry axes, sizes and bounds.
std::string WhyUnknown(const Graph& graph, const Node& node) {
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    const ValueRef input = node.inputs[i];
    const DataType type = graph.desc(input).type;
    const bool integer = type == DataType::kInt32 || type == DataType::kInt64;
    if (!integer || ConstantOf(graph, input) != nullptr) continue;
    return ", since input " + std::to_string(i) + " (\"" +
           ValueName(graph, input) + "\") is not constant";
  }
  return "";
}

std::string InputName(size_t i, std::string_view what) {
  return "input " + std::to_string(i) + " (" + std::string(what) + ")";
}

}  // namespace

StatusOr<StepContext> StepContext::Create(const Graph& graph, int64_t number,
                                          const StepOptions& options) {
  const Node& node = graph.nodes[static_cast<size_t>(number)];
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(Annotate(CheckStatic(graph.desc(node.inputs[i])),
                                   "input " + std::to_string(i)));
  }
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const Status status =
        Annotate(CheckStatic(node.outputs[i]), "output " + std::to_string(i));
    if (status.ok()) continue;
    return InvalidArgument(status.message() + WhyUnknown(graph, node));
  }
  return StepContext(graph, node, options);
}

int64_t StepContext::src_count(size_t i) const { return Product(src_shape(i)); }

bool StepContext::IsRead(int64_t port) const {
  const ValueRef value = {.node = node_ - graph_->nodes.data(), .port = port};
  const auto reads = [&](const Node& node) {
    return std::ranges::find(node.inputs, value) != node.inputs.end();
  };
  return std::ranges::any_of(graph_->nodes, reads) ||
         std::ranges::find(graph_->outputs, value, &GraphOutput::value) !=
             graph_->outputs.end();
}

const Tensor* StepContext::constant(size_t i) const {
  return ConstantOf(*graph_, node_->inputs[i]);
}

PackedLookup StepContext::PackedConstant(size_t i) const {
  if (options_.packed_weights == nullptr) return PackAnew();
  return options_.packed_weights->For(
      graph_->node(node_->inputs[i]).As<ConstAttributes>().value);
}

StatusOr<std::vector<int64_t>> StepContext::Constant(
    size_t i, std::string_view what) const {
  const Tensor* tensor = constant(i);
  if (tensor == nullptr) {
    return InvalidArgument(InputName(i, what) + ": must be constant");
  }
  return Annotate(tensor->ToInt64s(), InputName(i, what));
}

StatusOr<int64_t> StepContext::Axis(size_t i, int64_t rank) const {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> axis, Constant(i, "axis"));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("elements of input " + std::to_string(i) + " (axis)",
                 static_cast<int64_t>(axis.size()), 1, 1));
  CYTO8_RETURN_IF_ERROR(CheckRange("axis", axis[0], -rank, rank - 1));
  return axis[0] < 0 ? axis[0] + rank : axis[0];
}

Status StepContext::CheckTypes(size_t first, size_t last, DataType type) const {
  for (size_t i = first; i < last; ++i) {
    if (src_type(i) == type) continue;
    return Unimplemented("type of input " + std::to_string(i) + " = " +
                         std::string(DataTypeName(src_type(i))) + ": must be " +
                         std::string(DataTypeName(type)));
  }
  return OkStatus();
}

std::vector<size_t> FirstInputs(size_t count) {
  std::vector<size_t> inputs(count);
  std::iota(inputs.begin(), inputs.end(), size_t{0});
  return inputs;
}

int64_t Product(const Shape& shape, size_t begin, size_t end) {
  return std::accumulate(shape.begin() + static_cast<int64_t>(begin),
                         shape.begin() + static_cast<int64_t>(end), int64_t{1},
                         std::multiplies<>());
}

int64_t Product(const Shape& shape) { return Product(shape, 0, shape.size()); }

}  // namespace cyto8
