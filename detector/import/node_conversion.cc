// SPDX-License-Identifier: Apache-2.0
// Works in place: node i of the flat list is node i of the graph, so inputs
// need no renumbering; the extra steps of fused operators come behind them.
#include "detector/import/node_conversion.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "detector/graph/op_table.h"
#include "detector/import/conversion.h"
#include "detector/import/op_rules.h"
#include "detector/import/shared_attributes.h"
#include "detector/import/tensor_proto.h"

namespace cyto8 {
namespace {

constexpr int64_t kRepeatFloorBytes = int64_t{64} << 20;
constexpr int kMaxIdentityChain = 64;  // looked through to find a constant.

Status CheckInputCount(size_t inputs, const OpInfo& info) {
  const auto count = static_cast<int64_t>(inputs);
  const int64_t most = info.max_inputs == kAnyNumber ? count : info.max_inputs;
  return CheckRange("inputs", count, info.min_inputs,
                    std::max(most, info.min_inputs));
}

Status ApplyRule(const Rule& rule, Conversion& c) {
  if (rule.same_inputs) {
    CYTO8_RETURN_IF_ERROR(
        CheckInputCount(c.node().inputs.size(), InfoOf(rule.op)));
  }
  c.node().op = rule.op;
  return rule.convert == nullptr ? OkStatus() : rule.convert(c);
}

bool IsSourceOp(std::string_view op) {
  const Rule* rule = FindRule(op);
  return rule != nullptr &&
         (rule->op == Op::kConst || rule->op == Op::kIdentity);
}

// Outputs of opaque operators that are not float32, in the post-processing of
// serving graphs: shapes are inferred, and types checked, before that part is
// cut off.
struct OpaqueType {
  std::string_view op;
  size_t port;
  DataType type;
};
constexpr OpaqueType kOpaqueTypes[] = {
    {"CombinedNonMaxSuppression", 3, DataType::kInt32},
    {"NonMaxSuppressionV2", 0, DataType::kInt32},
    {"NonMaxSuppressionV3", 0, DataType::kInt32},
    {"NonMaxSuppressionV4", 0, DataType::kInt32},
    {"NonMaxSuppressionV4", 1, DataType::kInt32},
    {"NonMaxSuppressionV5", 0, DataType::kInt32},
    {"NonMaxSuppressionV5", 2, DataType::kInt32},
    {"TopKV2", 1, DataType::kInt32},
    {"Where", 0, DataType::kInt64},
};
// The attribute that names the type of output 0, for any other operator.
constexpr const char* kTypeAttributes[] = {"T", "Tparams", "dtype"};

void SetOpaqueOutputs(const FlatNode& source, Node& node) {
  node.outputs.resize(static_cast<size_t>(source.read_ports));
  for (const char* name : kTypeAttributes) {
    const StatusOr<std::optional<DataType>> type =
        ResultType(*source.attributes, name);
    if (type.ok() && type->has_value()) node.outputs[0].type = **type;
  }
  for (const OpaqueType& output : kOpaqueTypes) {
    if (output.op != source.source_op) continue;
    if (output.port >= node.outputs.size()) continue;
    node.outputs[output.port].type = output.type;
  }
}

}  // namespace

Conversion::Conversion(FlatGraph flat, int64_t file_bytes, const Limits& limits)
    : limits_(limits),
      flat_(std::move(flat)),
      repeat_budget_bytes_(std::max(file_bytes, kRepeatFloorBytes)) {}

void Conversion::MakeOpaque() {
  node().op = Op::kOpaque;
  node().attributes = {};
}

ValueRef Conversion::Add(const std::string& suffix, Op op,
                         std::vector<ValueRef> inputs, Attributes attributes) {
  const std::string base = source().name + "/" + suffix;
  std::string name = base;
  for (int i = 2; !names_.insert(name).second; ++i) {
    name = base + "_" + std::to_string(i);
  }
  return graph_.Add({.name = std::move(name),
                     .op = op,
                     .source_op = source().source_op,
                     .inputs = std::move(inputs),
                     .attributes = std::move(attributes)});
}

void Conversion::Finish(Op op, std::vector<ValueRef> inputs,
                        Attributes attributes) {
  node().op = op;
  node().inputs = std::move(inputs);
  node().attributes = std::move(attributes);
}

// The node behind identities, of which hostile files have long chains or even
// cycles (those are found later), hence the bound.
int64_t Conversion::SourceOf(ValueRef value) const {
  int64_t node = value.node;
  for (int step = 0; step < kMaxIdentityChain; ++step) {
    const Node& current = graph_.nodes[static_cast<size_t>(node)];
    if (current.op != Op::kIdentity || current.inputs.empty()) break;
    node = current.inputs[0].node;
  }
  return node;
}

const Tensor* Conversion::Constant(ValueRef value) const {
  return ConstantOf(graph_, {.node = SourceOf(value)});
}

StatusOr<std::vector<int64_t>> Conversion::ConstantInts(ValueRef value) const {
  const Tensor* constant = Constant(value);
  if (constant == nullptr) {
    return Unimplemented("input \"" + ValueName(graph_, value) +
                         "\": must be a constant");
  }
  return Annotate(constant->ToInt64s(),
                  "input \"" + ValueName(graph_, value) + "\"");
}

StatusOr<std::shared_ptr<const Tensor>> Conversion::Decode(
    const tf::TensorProto& proto) {
  std::shared_ptr<const Tensor>& known = decoded_[&proto];
  if (known != nullptr) return known;
  CYTO8_ASSIGN_OR_RETURN(Tensor tensor,
                         ToTensor(proto, limits_, repeat_budget_bytes_));
  known = std::make_shared<const Tensor>(std::move(tensor));
  if (HoldsNoValues(proto)) left_out_.insert(known.get());
  return known;
}

void Conversion::StartNodes() {
  graph_.outputs = std::move(flat_.outputs);
  for (FlatNode& source : flat_.nodes) {
    names_.insert(source.name);
    Node node{.name = source.name, .source_op = source.source_op};
    node.inputs = std::move(source.inputs);
    if (source.def == nullptr) node.op = Op::kIdentity;
    graph_.nodes.push_back(std::move(node));
  }
}

// A lowered while loop is the one cycle that a GraphDef may hold: its Merge
// reads what NextIteration hands back. Such loops read files in serving exports
// and are cut off; without that edge the rest can be put in order.
void Conversion::DropBackEdges() {
  const auto is_back_edge = [this](const ValueRef& input) {
    return flat_.nodes[static_cast<size_t>(input.node)].source_op ==
           "NextIteration";
  };
  for (size_t i = 0; i < flat_.nodes.size(); ++i) {
    if (flat_.nodes[i].source_op != "Merge") continue;
    std::erase_if(graph_.nodes[i].inputs, is_back_edge);
  }
}

Status Conversion::ConvertNode(size_t index) {
  current_ = index;
  const Rule* rule = FindRule(source().source_op);
  const Status status = rule == nullptr ? OkStatus() : ApplyRule(*rule, *this);
  return Annotate(
      status, "node \"" + source().name + "\" (" + source().source_op + ")");
}

// Constants and identities first: others ask for constants behind them.
Status Conversion::ConvertAll(bool sources) {
  for (size_t i = 0; i < flat_.nodes.size(); ++i) {
    if (flat_.nodes[i].def == nullptr) continue;
    if (IsSourceOp(flat_.nodes[i].source_op) != sources) continue;
    CYTO8_RETURN_IF_ERROR(ConvertNode(i));
  }
  return OkStatus();
}

// Opaque nodes have as many outputs as are read; of the others only existing
// outputs may be.
Status Conversion::CheckOutputs() {
  int64_t total = 0;
  for (size_t i = 0; i < flat_.nodes.size(); ++i) {
    const FlatNode& source = flat_.nodes[i];
    Node& node = graph_.nodes[i];
    const auto own = static_cast<int64_t>(node.outputs.size());
    if (node.op != Op::kOpaque && source.read_ports > own) {
      return InvalidArgument(
          "node \"" + source.name + "\" (" + source.source_op + "): output " +
          std::to_string(source.read_ports - 1) + " is read: must be in [0, " +
          std::to_string(own - 1) + "]");
    }
    total += std::max(own, source.read_ports);
    CYTO8_RETURN_IF_ERROR(CheckRange("outputs of all nodes", total, 0,
                                     kMaxInputsPerNode * limits_.max_nodes));
    if (node.op == Op::kOpaque) SetOpaqueOutputs(source, node);
  }
  return OkStatus();
}

// A weight that is left out would be read as zeros, and a depthwise kernel must
// have one output per channel.
Status Conversion::CheckKernel(const Node& reader) const {
  const auto kernel = static_cast<size_t>(SourceOf(reader.inputs[1]));
  const Node& node = graph_.nodes[kernel];
  if (node.op != Op::kConst) return OkStatus();
  const Tensor& value = *node.As<ConstAttributes>().value;
  if (left_out_.contains(&value) && value.byte_size() > 0) {
    return DataLoss("value = 0 bytes: must be " +
                    std::to_string(value.byte_size()) +
                    ", the kernel of node \"" + reader.name + "\"");
  }
  const Shape& shape = value.shape();
  const bool depthwise = reader.op == Op::kDepthwiseConv2D;
  return Require(!depthwise || shape.size() != 4 || shape[3] == 1,
                 "shape = " + ShapeToString(shape) +
                     ": the last side of a depthwise kernel must be 1");
}

Status Conversion::CheckKernels() const {
  for (const Node& node : graph_.nodes) {
    if (node.op != Op::kConv2D && node.op != Op::kDepthwiseConv2D) continue;
    const Status status = CheckKernel(node);
    if (status.ok()) continue;
    const int64_t kernel = SourceOf(node.inputs[1]);
    return Annotate(status,
                    "node \"" + ValueName(graph_, {.node = kernel}) + "\"");
  }
  return OkStatus();
}

StatusOr<Graph> Conversion::Run() {
  StartNodes();
  DropBackEdges();
  CYTO8_RETURN_IF_ERROR(ConvertAll(/*sources=*/true));
  CYTO8_RETURN_IF_ERROR(ConvertAll(/*sources=*/false));
  CYTO8_RETURN_IF_ERROR(CheckOutputs());
  CYTO8_RETURN_IF_ERROR(CheckKernels());
  return std::move(graph_);
}

StatusOr<Graph> ConvertNodes(FlatGraph flat, int64_t file_bytes,
                             const Limits& limits) {
  return Conversion(std::move(flat), file_bytes, limits).Run();
}

}  // namespace cyto8
