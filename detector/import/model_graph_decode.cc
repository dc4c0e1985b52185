// SPDX-License-Identifier: Apache-2.0
// From the sections of a .cy8 to a graph; see model_graph.h.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "detector/graph/op_table.h"
#include "detector/graph/shape_inference.h"
#include "detector/import/attribute_fields.h"
#include "detector/import/half.h"
#include "detector/import/model_graph.h"
#include "detector/import/model_graph.pb.h"
#include "detector/import/parse_cost.h"

namespace cyto8 {
namespace {

using Constants = std::vector<std::shared_ptr<const Tensor>>;

// A message that protobuf writes the same way: no unknown fields, no field
// twice, nothing in another order.
StatusOr<file::ModelGraph> ParseMessage(std::span<const std::byte> bytes,
                                        const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t cost,
      BinaryParseCost(bytes, *file::ModelGraph::descriptor()));
  CYTO8_RETURN_IF_ERROR(CheckParseCost(cost, bytes.size(), limits));
  const google::protobuf::LogSilencer silencer;
  file::ModelGraph message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss("not a ModelGraph: a name is not UTF-8 or a field damaged");
  }
  message.DiscardUnknownFields();
  const std::string again = message.SerializeAsString();
  if (!std::ranges::equal(std::as_bytes(std::span(again)), bytes)) {
    return InvalidArgument(
        "holds fields that are unknown, repeated or out of order: " +
        std::to_string(bytes.size()) + " bytes, written anew " +
        std::to_string(again.size()));
  }
  return message;
}

Status CheckLength(const char* what, std::string_view text, int64_t most) {
  return CheckRange(std::string("length of the ") + what, std::ssize(text), 0,
                    most);
}

Status CheckBools(const Tensor& tensor) {
  if (tensor.type() != DataType::kBool) return OkStatus();
  for (const uint8_t value : tensor.data<uint8_t>()) {
    CYTO8_RETURN_IF_ERROR(CheckRange("bool", int64_t{value}, 0, 1));
  }
  return OkStatus();
}

// Room is made only for as many values as the file holds.
StatusOr<Tensor> Expand(Shape shape, std::span<const std::byte> halves,
                        const Limits& limits) {
  constexpr int64_t kHalfBytes = sizeof(uint16_t);
  CYTO8_ASSIGN_OR_RETURN(const int64_t count, ElementCount(shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t size, CheckedMul(count, kHalfBytes));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("bytes of halves", std::ssize(halves), size, size));
  CYTO8_ASSIGN_OR_RETURN(
      Tensor tensor,
      Tensor::Create(DataType::kFloat32, std::move(shape), limits));
  CYTO8_RETURN_IF_ERROR(CheckRange("bytes expanded from halves",
                                   tensor.byte_size(), kMinHalvedBytes,
                                   limits.max_tensor_bytes));
  // It begins at a multiple of 64.
  const auto* src = reinterpret_cast<const uint16_t*>(halves.data());
  std::transform(src, src + count, tensor.mutable_data<float>().begin(),
                 HalfToFloat);
  return tensor;
}

// As the writer would have stored it: every half is a value that it halves.
StatusOr<Tensor> DecodeStorage(const file::Constant& constant, DataType type,
                               SharedBytes bytes, const Limits& limits) {
  Shape shape(constant.shape().begin(), constant.shape().end());
  if (type == DataType::kFloat32 && constant.storage() == kHalfStorage) {
    return Expand(std::move(shape), bytes.bytes, limits);
  }
  CYTO8_RETURN_IF_ERROR(
      CheckLength("storage", constant.storage(), kMaxWordBytes));
  const std::string storage = "storage = \"" + constant.storage() + "\"";
  if (!constant.storage().empty()) {
    return InvalidArgument(storage + ": must be empty, or \"float16\" of " +
                           "type float32");
  }
  CYTO8_ASSIGN_OR_RETURN(
      Tensor tensor,
      Tensor::Borrow(type, std::move(shape), std::move(bytes), limits));
  if (!IsStoredAsHalf(tensor)) return tensor;
  return InvalidArgument(storage +
                         ": must be \"float16\", as every value is one");
}

// A constant that starts right behind the one that ends at `end`.
StatusOr<Tensor> DecodeConstant(const file::Constant& constant, int64_t end,
                                const SharedBytes& weights,
                                const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckLength("type", constant.type(), kMaxWordBytes));
  CYTO8_ASSIGN_OR_RETURN(const DataType type, DataTypeNamed(constant.type()));
  const int64_t size = std::ssize(weights.bytes);
  const int64_t start = AlignedEnd(end);
  CYTO8_RETURN_IF_ERROR(CheckRange("offset", constant.offset(), start, start));
  CYTO8_RETURN_IF_ERROR(CheckRange("end of the gap before it", start, 0, size));
  CYTO8_RETURN_IF_ERROR(CheckRange("bytes", constant.bytes(), 0, size - start));
  CYTO8_RETURN_IF_ERROR(CheckGap(weights.bytes, end));
  CYTO8_ASSIGN_OR_RETURN(
      Tensor tensor,
      DecodeStorage(constant, type, weights.Part(start, constant.bytes()),
                    limits));
  CYTO8_RETURN_IF_ERROR(CheckBools(tensor));
  return tensor;
}

StatusOr<Constants> DecodeConstants(const file::ModelGraph& message,
                                    const SharedBytes& weights,
                                    const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("constants", message.constants_size(), 0, limits.max_nodes));
  Constants constants;
  int64_t end = 0;
  for (const file::Constant& constant : message.constants()) {
    auto tensor = DecodeConstant(constant, end, weights, limits);
    CYTO8_RETURN_IF_ERROR(Annotate(
        tensor.status(), "constant " + std::to_string(constants.size())));
    end = constant.offset() + constant.bytes();
    constants.push_back(std::make_shared<const Tensor>(*std::move(tensor)));
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("length of section \"weights\"",
                                   std::ssize(weights.bytes), end, end));
  return constants;
}

// The operator list by name.
class OpNames {
 public:
  OpNames() {
    for (int i = 0; i <= static_cast<int>(Op::kQuantizedWeightedSum); ++i) {
      const Op op = static_cast<Op>(i);
      if (op != Op::kOpaque) ops_.emplace(OpName(op), op);
    }
  }
  StatusOr<Op> Find(const std::string& name) const {
    CYTO8_RETURN_IF_ERROR(CheckLength("operator", name, kMaxWordBytes));
    const auto found = ops_.find(name);
    if (found != ops_.end()) return found->second;
    return InvalidArgument("operator = \"" + name +
                           "\": must be one of the operator list");
  }

 private:
  std::map<std::string_view, Op> ops_;
};

// How many results the operator has; InferShapes may not find another number,
// or references that were checked would point nowhere.
int64_t OutputCount(const Node& node) {
  if (node.op == Op::kQuantizedDepthwiseConv2D) return 2;
  const auto* unpack = std::get_if<UnpackAttributes>(&node.attributes);
  return unpack != nullptr ? unpack->count : 1;
}

class GraphReader final : public FieldStream {
 public:
  GraphReader(const file::ModelGraph& message, Constants constants,
              const Limits& limits)
      : message_(message), constants_(std::move(constants)), limits_(limits) {}

  StatusOr<Graph> Read();

  Status Number(int64_t& value) override {
    return Next(node_->numbers(), numbers_, "numbers", value);
  }
  Status Real(float& value) override {
    return Next(node_->reals(), reals_, "reals", value);
  }
  Status Word(std::string& value) override {
    CYTO8_RETURN_IF_ERROR(Next(node_->words(), words_, "words", value));
    return CheckLength("word", value, kMaxWordBytes);
  }
  Status Constant(std::shared_ptr<const Tensor>& value) override;

 private:
  Status ReadNode(const file::Node& source);
  Status ReadOperator(const file::Node& source, Node& node);
  Status ReadInputs(const file::Node& source, Node& node) const;
  Status ReadOutputs();
  Status CheckReference(ValueRef value) const;

  template <typename Values, typename T>
  static Status Next(const Values& values, int& position, const char* what,
                     T& value) {
    if (position == values.size()) {
      return InvalidArgument(std::string(what) + " = " +
                             std::to_string(position) +
                             ": its attributes have more");
    }
    value = values[position++];
    return OkStatus();
  }
  Status CheckAllTaken() const;

  const file::ModelGraph& message_;
  const Constants constants_;
  const Limits& limits_;
  const OpNames op_names_;
  int64_t read_constants_ = 0;
  const file::Node* node_ = nullptr;         // that is being read,
  int numbers_ = 0, reals_ = 0, words_ = 0;  // and how much of it was.
  Graph graph_;
};

Status GraphReader::Constant(std::shared_ptr<const Tensor>& value) {
  int64_t number = 0;
  CYTO8_RETURN_IF_ERROR(Number(number));
  const int64_t last = std::min(read_constants_, std::ssize(constants_) - 1);
  CYTO8_RETURN_IF_ERROR(CheckRange("constant", number, 0, last));
  if (number == read_constants_) ++read_constants_;
  value = constants_[static_cast<size_t>(number)];
  return OkStatus();
}

Status GraphReader::CheckAllTaken() const {
  const auto check = [](const char* what, int64_t count, int64_t taken) {
    return CheckRange(what, count, taken, taken);
  };
  CYTO8_RETURN_IF_ERROR(check("numbers", node_->numbers_size(), numbers_));
  CYTO8_RETURN_IF_ERROR(check("reals", node_->reals_size(), reals_));
  return check("words", node_->words_size(), words_);
}

Status GraphReader::CheckReference(ValueRef value) const {
  const int64_t last = std::ssize(graph_.nodes) - 1;
  CYTO8_RETURN_IF_ERROR(CheckRange("node number", value.node, 0, last));
  return CheckRange("output number of \"" + graph_.node(value).name + "\"",
                    value.port, 0, std::ssize(graph_.node(value).outputs) - 1);
}

Status GraphReader::ReadInputs(const file::Node& source, Node& node) const {
  const int count = source.inputs_size();
  if (count % 2 != 0) {
    return InvalidArgument("numbers of inputs = " + std::to_string(count) +
                           ": must be pairs of node and output");
  }
  for (int i = 0; i < count; i += 2) {
    const ValueRef input{.node = source.inputs(i),
                         .port = source.inputs(i + 1)};
    CYTO8_RETURN_IF_ERROR(
        Annotate(CheckReference(input), "input " + std::to_string(i / 2)));
    node.inputs.push_back(input);
  }
  return OkStatus();
}

Status GraphReader::ReadOperator(const file::Node& source, Node& node) {
  CYTO8_RETURN_IF_ERROR(
      CheckLength("source operator", source.source_op(), kMaxFileNameBytes));
  CYTO8_ASSIGN_OR_RETURN(node.op, op_names_.Find(source.op()));
  node.source_op = source.source_op();
  node.attributes = DefaultAttributes(node.op);
  node_ = &source;
  numbers_ = reals_ = words_ = 0;
  CYTO8_RETURN_IF_ERROR(VisitAttributes(node.attributes, *this, limits_));
  CYTO8_RETURN_IF_ERROR(CheckAllTaken());
  node.outputs.resize(static_cast<size_t>(OutputCount(node)));
  return ReadInputs(source, node);
}

Status GraphReader::ReadNode(const file::Node& source) {
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckLength("name", source.name(), kMaxFileNameBytes),
               "node " + std::to_string(graph_.nodes.size())));
  Node node{.name = source.name()};
  CYTO8_RETURN_IF_ERROR(
      Annotate(ReadOperator(source, node), "node \"" + source.name() + "\""));
  graph_.nodes.push_back(std::move(node));
  return OkStatus();
}

Status GraphReader::ReadOutputs() {
  CYTO8_RETURN_IF_ERROR(CheckRange("graph outputs", message_.outputs_size(), 1,
                                   limits_.max_nodes));
  for (const file::Output& source : message_.outputs()) {
    const GraphOutput output{
        .name = source.name(),
        .value = {.node = source.node(), .port = source.port()}};
    const std::string number = std::to_string(graph_.outputs.size());
    CYTO8_RETURN_IF_ERROR(
        Annotate(CheckLength("name", output.name, kMaxFileNameBytes),
                 "graph output " + number));
    CYTO8_RETURN_IF_ERROR(Annotate(CheckReference(output.value),
                                   "graph output \"" + output.name + "\""));
    graph_.outputs.push_back(output);
  }
  return OkStatus();
}

StatusOr<Graph> GraphReader::Read() {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("nodes", message_.nodes_size(), 1, limits_.max_nodes));
  graph_.nodes.reserve(static_cast<size_t>(message_.nodes_size()));
  for (const file::Node& source : message_.nodes()) {
    CYTO8_RETURN_IF_ERROR(ReadNode(source));
  }
  CYTO8_RETURN_IF_ERROR(ReadOutputs());
  CYTO8_RETURN_IF_ERROR(CheckRange("constants that nodes read", read_constants_,
                                   std::ssize(constants_),
                                   std::ssize(constants_)));
  return std::move(graph_);
}

}  // namespace

Status CheckGap(std::span<const std::byte> bytes, int64_t end) {
  const int64_t start =
      std::min(AlignedEnd(end), static_cast<int64_t>(bytes.size()));
  for (int64_t i = end; i < start; ++i) {
    if (bytes[static_cast<size_t>(i)] != std::byte{0}) {
      return InvalidArgument("byte " + std::to_string(i) +
                             ", between two pieces: must be zero");
    }
  }
  return OkStatus();
}

StatusOr<Graph> DecodeGraph(std::span<const std::byte> graph,
                            const SharedBytes& weights, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const file::ModelGraph message,
                         ParseMessage(graph, limits));
  CYTO8_ASSIGN_OR_RETURN(Constants constants,
                         DecodeConstants(message, weights, limits));
  CYTO8_ASSIGN_OR_RETURN(
      Graph decoded, GraphReader(message, std::move(constants), limits).Read());
  CYTO8_RETURN_IF_ERROR(ValidateGraph(decoded, limits));
  return InferShapes(std::move(decoded), limits);
}

}  // namespace cyto8
