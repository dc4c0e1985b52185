// SPDX-License-Identifier: Apache-2.0
// From a graph to the sections of a .cy8; see model_graph.h.
#include <algorithm>
#include <map>
#include <utility>

#include "base/checked_math.h"
#include "base/valid_utf8.h"
#include "detector/import/attribute_fields.h"
#include "detector/import/half.h"
#include "detector/import/model_graph.h"
#include "detector/import/model_graph.pb.h"

namespace cyto8 {
namespace {

// protobuf would print a complaint about it.
Status CheckText(const std::string& what, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = Utf8CharacterBytes(text.substr(i));
    if (bytes == 0) {
      return InvalidArgument(what + " \"" + ValidUtf8(text) +
                             "\": must be UTF-8");
    }
    i += bytes;
  }
  return OkStatus();
}

// IsStoredAsHalf() has been asked.
std::vector<uint16_t> Halves(std::span<const float> values) {
  std::vector<uint16_t> halves;
  halves.reserve(values.size());
  for (const float value : values) halves.push_back(*ExactHalf(value));
  return halves;
}

class GraphWriter final : public FieldStream {
 public:
  Status AddNode(const Node& node, const Limits& limits);
  Status AddOutput(const GraphOutput& output);
  EncodedGraph Finish() &&;

  Status Number(int64_t& value) override {
    node_->add_numbers(value);
    return OkStatus();
  }
  Status Real(float& value) override {
    node_->add_reals(value);
    return OkStatus();
  }
  Status Word(std::string& value) override {
    node_->add_words(value);
    return OkStatus();
  }
  Status Constant(std::shared_ptr<const Tensor>& value) override;

 private:
  void AddConstant(const Tensor& tensor);
  void AddBytes(std::span<const std::byte> bytes, file::Constant& constant);

  file::ModelGraph message_;
  file::Node* node_ = nullptr;  // that is being written.
  std::map<const Tensor*, int64_t> numbers_;
  std::vector<std::byte> weights_;
};

void GraphWriter::AddConstant(const Tensor& tensor) {
  file::Constant& constant = *message_.add_constants();
  constant.set_type(std::string(DataTypeName(tensor.type())));
  constant.mutable_shape()->Assign(tensor.shape().begin(),
                                   tensor.shape().end());
  if (!IsStoredAsHalf(tensor)) return AddBytes(tensor.bytes(), constant);
  constant.set_storage(std::string(kHalfStorage));
  const std::vector<uint16_t> halves = Halves(tensor.data<float>());
  AddBytes(std::as_bytes(std::span(halves)), constant);
}

void GraphWriter::AddBytes(std::span<const std::byte> bytes,
                           file::Constant& constant) {
  const int64_t offset = AlignedEnd(std::ssize(weights_));
  weights_.resize(static_cast<size_t>(offset));
  weights_.insert(weights_.end(), bytes.begin(), bytes.end());
  constant.set_offset(offset);
  constant.set_bytes(std::ssize(bytes));
}

Status GraphWriter::Constant(std::shared_ptr<const Tensor>& value) {
  const auto [place, is_new] =
      numbers_.try_emplace(value.get(), std::ssize(numbers_));
  if (is_new) AddConstant(*value);
  return Number(place->second);
}

Status GraphWriter::AddNode(const Node& node, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckText("name", node.name));
  CYTO8_RETURN_IF_ERROR(CheckText("operator", node.source_op));
  node_ = message_.add_nodes();
  node_->set_name(node.name);
  node_->set_op(std::string(OpName(node.op)));
  node_->set_source_op(node.source_op);
  for (const ValueRef& input : node.inputs) {
    node_->add_inputs(input.node);
    node_->add_inputs(input.port);
  }
  Attributes attributes = node.attributes;
  return VisitAttributes(attributes, *this, limits);
}

Status GraphWriter::AddOutput(const GraphOutput& output) {
  CYTO8_RETURN_IF_ERROR(CheckText("name", output.name));
  file::Output& written = *message_.add_outputs();
  written.set_name(output.name);
  written.set_node(output.value.node);
  written.set_port(output.value.port);
  return OkStatus();
}

EncodedGraph GraphWriter::Finish() && {
  return {.graph = message_.SerializeAsString(),
          .weights = std::move(weights_)};
}

}  // namespace

bool IsStoredAsHalf(const Tensor& tensor) {
  return tensor.type() == DataType::kFloat32 &&
         tensor.byte_size() >= kMinHalvedBytes &&
         std::ranges::all_of(tensor.data<float>(), [](float value) {
           return ExactHalf(value).has_value();
         });
}

StatusOr<EncodedGraph> EncodeGraph(const Graph& graph, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(ValidateGraph(graph, limits));
  CYTO8_RETURN_IF_ERROR(CheckSupported(graph));
  GraphWriter writer;
  for (const Node& node : graph.nodes) {
    CYTO8_RETURN_IF_ERROR(Annotate(writer.AddNode(node, limits),
                                   "node \"" + ValidUtf8(node.name) + "\" (" +
                                       std::string(OpName(node.op)) + ")"));
  }
  for (const GraphOutput& output : graph.outputs) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(writer.AddOutput(output),
                 "graph output \"" + ValidUtf8(output.name) + "\""));
  }
  return std::move(writer).Finish();
}

}  // namespace cyto8
