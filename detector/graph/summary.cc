// SPDX-License-Identifier: Apache-2.0
// Counts parameters and multiply-adds; see summary.h for the rules.
#include "detector/graph/summary.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

enum class Role { kOther, kStatistic, kParameter };

bool IsLayer(Op op) {
  return op == Op::kConv2D || op == Op::kDepthwiseConv2D || op == Op::kMatMul ||
         op == Op::kSqueezeExcite;
}

bool IsArithmetic(Op op) {
  return op == Op::kAdd || op == Op::kSub || op == Op::kMul || op == Op::kDiv;
}

// What each constant of one graph is for.
class RoleFinder {
 public:
  explicit RoleFinder(const Graph& graph)
      : graph_(graph),
        roles_(graph.nodes.size(), Role::kOther),
        behind_layer_(graph.nodes.size(), false),
        scaled_(graph.nodes.size(), false) {
    for (size_t i = 0; i < graph.nodes.size(); ++i) Visit(i);
  }

  Role role(int64_t node) const { return roles_[static_cast<size_t>(node)]; }

  // The constant node that a value is, through Identity nodes, or -1.
  int64_t ConstantBehind(ValueRef value) const {
    while (graph_.node(value).op == Op::kIdentity) {
      value = graph_.node(value).inputs[0];
    }
    const Tensor* tensor = ConstantOf(graph_, value);
    const bool real = tensor && tensor->type() == DataType::kFloat32;
    return real ? value.node : -1;
  }

  // Elements of the constant that a value is; 0 if it is none.
  int64_t ElementsBehind(ValueRef value) const {
    const int64_t node = ConstantBehind(value);
    return node < 0 ? 0 : ConstantOf(graph_, {node, 0})->element_count();
  }

 private:
  void Mark(ValueRef value, Role role) {
    const int64_t node = ConstantBehind(value);
    if (node < 0) return;
    Role& known = roles_[static_cast<size_t>(node)];
    known = std::max(known, role);
  }

  void MarkFrom(const Node& node, size_t first, Role role) {
    for (size_t i = first; i < node.inputs.size(); ++i) {
      Mark(node.inputs[i], role);
    }
  }

  bool Noted(const std::vector<bool>& flags, ValueRef value) const {
    return flags[static_cast<size_t>(value.node)];
  }

  void Visit(size_t i) {
    const Node& node = graph_.nodes[i];
    if (IsLayer(node.op)) {
      // The image of a MatMul may stand on either side.
      MarkFrom(node, node.op == Op::kMatMul ? 0 : 1, Role::kParameter);
      behind_layer_[i] = true;
    } else if (IsArithmetic(node.op)) {
      VisitArithmetic(i, node);
    } else {
      VisitOther(i, node);
    }
    if (node.op == Op::kAdd || node.op == Op::kAddN) VisitSum(i, node);
  }

  void VisitOther(size_t i, const Node& node) {
    switch (node.op) {
      case Op::kIdentity:
        behind_layer_[i] = Noted(behind_layer_, node.inputs[0]);
        scaled_[i] = Noted(scaled_, node.inputs[0]);
        break;
      case Op::kBiasAdd:
        MarkFrom(node, 1, Role::kParameter);
        behind_layer_[i] = Noted(behind_layer_, node.inputs[0]);
        break;
      case Op::kBatchNorm:
        MarkFrom(node, 3, Role::kStatistic);
        Mark(node.inputs[1], Role::kParameter);
        Mark(node.inputs[2], Role::kParameter);
        behind_layer_[i] = Noted(behind_layer_, node.inputs[0]);
        break;
      case Op::kWeightedSum:
        Mark(node.inputs.back(), Role::kParameter);
        break;
      case Op::kRelu:
        Mark(node.inputs[0], Role::kParameter);
        break;
      case Op::kSoftmax:
        Mark(node.inputs[0], Role::kParameter);
        if (graph_.node(node.inputs[0]).op == Op::kPack) {
          MarkFrom(graph_.node(node.inputs[0]), 0, Role::kParameter);
        }
        break;
      default:
        break;
    }
  }

  // A constant operand: part of a batch norm in pieces, or a fusion weight.
  void VisitArithmetic(size_t i, const Node& node) {
    for (const size_t side : {size_t{0}, size_t{1}}) {
      const ValueRef other = node.inputs[1 - side];
      const int64_t elements = ElementsBehind(node.inputs[side]);
      if (elements == 0 || ConstantBehind(other) >= 0) continue;
      const bool behind = Noted(behind_layer_, other);
      const bool packed =
          node.op == Op::kMul && graph_.node(other).op == Op::kPack;
      if (elements > 1 && (behind || packed)) {
        Mark(node.inputs[side], Role::kParameter);
      }
      behind_layer_[i] = behind;
      scaled_[i] = node.op == Op::kMul;
    }
  }

  // The factors of a sum all of whose terms have one.
  void VisitSum(size_t i, const Node& node) {
    const auto is_scaled = [&](ValueRef term) { return Noted(scaled_, term); };
    if (!std::all_of(node.inputs.begin(), node.inputs.end(), is_scaled)) return;
    scaled_[i] = true;
    for (ValueRef term : node.inputs) {
      while (graph_.node(term).op == Op::kIdentity) {
        term = graph_.node(term).inputs[0];
      }
      if (graph_.node(term).op != Op::kMul) continue;
      MarkFrom(graph_.node(term), 0, Role::kParameter);
    }
  }

  const Graph& graph_;
  std::vector<Role> roles_;
  std::vector<bool> behind_layer_;  // a layer, then per-channel operators only.
  std::vector<bool> scaled_;  // a constant times a value, or a sum of such.
};

PortSummary PortOf(const Graph& graph, std::string name, ValueRef value) {
  return {.name = std::move(name), .desc = graph.desc(value)};
}

std::vector<OpCount> CountOps(const Graph& graph) {
  std::map<std::string, int64_t> counts;
  for (const Node& node : graph.nodes) {
    const bool made_here = node.source_op.empty();
    ++counts[made_here ? std::string(OpName(node.op)) : node.source_op];
  }
  std::vector<OpCount> result;
  for (const auto& [op, count] : counts) result.push_back({op, count});
  std::stable_sort(
      result.begin(), result.end(),
      [](const OpCount& a, const OpCount& b) { return a.count > b.count; });
  return result;
}

// Products of one output element: how often each kernel value is used.
std::optional<int64_t> ProductsPerOutput(const LayerSummary& layer,
                                         const Node& node) {
  const Shape& kernel = layer.kernel;
  switch (layer.op) {
    case Op::kConv2D:
      if (kernel.size() != 4) return std::nullopt;
      return kernel[0] * kernel[1] * kernel[2];
    case Op::kDepthwiseConv2D:
      if (kernel.size() != 4) return std::nullopt;
      return kernel[0] * kernel[1];
    case Op::kMatMul:
      if (kernel.size() != 2) return std::nullopt;
      return kernel[node.As<MatMulAttributes>().transpose_b ? 1 : 0];
    default:
      return std::nullopt;
  }
}

// The sides of an output, an unknown batch taken as 1.
std::optional<Shape> SizedOutput(const LayerSummary& layer) {
  if (!layer.output || layer.output->empty()) return std::nullopt;
  Shape shape = *layer.output;
  if (shape[0] == kUnknownDim) shape[0] = 1;
  if (!IsStatic(shape)) return std::nullopt;
  return shape;
}

std::optional<int64_t> CountMultiplyAdds(const LayerSummary& layer,
                                         const Node& node) {
  std::optional<Shape> factors = SizedOutput(layer);
  if (!factors) return std::nullopt;
  if (layer.op == Op::kSqueezeExcite) {
    if (layer.kernel.size() != 2) return std::nullopt;
    factors = Shape{2, factors->front(), layer.kernel[0], layer.kernel[1]};
  } else {
    const std::optional<int64_t> products = ProductsPerOutput(layer, node);
    if (!products) return std::nullopt;
    factors->push_back(*products);
  }
  const StatusOr<int64_t> total = CheckedProduct(*factors);
  return total.ok() ? std::optional<int64_t>(*total) : std::nullopt;
}

// The parameters that `node` itself reads.
int64_t ParametersRead(const Graph& graph, const RoleFinder& roles,
                       const Node& node) {
  std::set<int64_t> constants;
  for (const ValueRef& input : node.inputs) {
    constants.insert(roles.ConstantBehind(input));
  }
  int64_t total = 0;
  for (const int64_t constant : constants) {
    if (constant < 0 || roles.role(constant) != Role::kParameter) continue;
    total += ConstantOf(graph, {constant, 0})->element_count();
  }
  return total;
}

// True for the operators that the parameters of a layer may lie in.
bool ContinuesLayer(const RoleFinder& roles, const Node& node) {
  if (node.op == Op::kIdentity || node.op == Op::kBiasAdd ||
      node.op == Op::kBatchNorm) {
    return true;
  }
  return IsArithmetic(node.op) && (roles.ElementsBehind(node.inputs[0]) > 1 ||
                                   roles.ElementsBehind(node.inputs[1]) > 1);
}

class LayerLister {
 public:
  explicit LayerLister(const Graph& graph)
      : graph_(graph), roles_(graph), readers_(ReadersOf(graph)) {}

  std::vector<LayerSummary> List() {
    std::vector<LayerSummary> layers;
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (IsLayer(graph_.nodes[i].op)) layers.push_back(Describe(i));
    }
    return layers;
  }

  const RoleFinder& roles() const { return roles_; }

 private:
  LayerSummary Describe(size_t i) {
    const Node& node = graph_.nodes[i];
    LayerSummary layer{.name = node.name,
                       .op = node.op,
                       .output = node.outputs[0].shape,
                       .parameters = ChainParameters(i)};
    const int64_t kernel = roles_.ConstantBehind(node.inputs[1]);
    if (kernel >= 0) {
      const Tensor* tensor = ConstantOf(graph_, {kernel, 0});
      layer.kernel = tensor->shape();
      layer.shares_kernel = !kernels_.insert(tensor).second;
    }
    layer.multiply_adds = CountMultiplyAdds(layer, node);
    return layer;
  }

  int64_t ChainParameters(size_t i) const {
    int64_t total = ParametersRead(graph_, roles_, graph_.nodes[i]);
    while (readers_[i].size() == 1) {
      i = static_cast<size_t>(readers_[i][0]);
      if (!ContinuesLayer(roles_, graph_.nodes[i])) break;
      total += ParametersRead(graph_, roles_, graph_.nodes[i]);
    }
    return total;
  }

  const Graph& graph_;
  RoleFinder roles_;
  std::vector<std::vector<int64_t>> readers_;
  std::set<const Tensor*> kernels_;
};

void CountConstants(const Graph& graph, const RoleFinder& roles,
                    GraphSummary& summary) {
  std::map<const Tensor*, Role> tensors;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const auto node = static_cast<int64_t>(i);
    const Tensor* tensor = ConstantOf(graph, {node, 0});
    if (tensor == nullptr) continue;
    Role& role = tensors[tensor];
    role = std::max(role, roles.role(node));
  }
  for (const auto& [tensor, role] : tensors) {
    summary.constant_values += tensor->element_count();
    if (role == Role::kParameter) summary.parameters += tensor->element_count();
    if (role == Role::kStatistic) summary.statistics += tensor->element_count();
  }
}

void AddUpLayers(GraphSummary& summary) {
  for (LayerSummary& layer : summary.layers) {
    const StatusOr<int64_t> total =
        CheckedAdd(summary.multiply_adds, layer.multiply_adds.value_or(0));
    if (!total.ok()) layer.multiply_adds.reset();
    if (layer.multiply_adds) {
      summary.multiply_adds = *total;
    } else {
      ++summary.unsized_layers;
    }
  }
}

}  // namespace

GraphSummary Summarize(const Graph& graph) {
  GraphSummary summary;
  for (const int64_t node : InputNodes(graph)) {
    const ValueRef value{.node = node, .port = 0};
    summary.inputs.push_back(PortOf(graph, graph.node(value).name, value));
  }
  for (const GraphOutput& output : graph.outputs) {
    summary.outputs.push_back(PortOf(graph, output.name, output.value));
  }
  summary.op_counts = CountOps(graph);
  LayerLister lister(graph);
  summary.layers = lister.List();
  CountConstants(graph, lister.roles(), summary);
  AddUpLayers(summary);
  return summary;
}

}  // namespace cyto8
