// SPDX-License-Identifier: Apache-2.0
// The builder behind graph_def_builder.h. Test code.
#include "tests/support/graph_def_builder.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <span>

namespace cyto8 {
namespace {

void SetShape(const Shape& shape, tf::TensorShapeProto& proto) {
  for (const int64_t size : shape) proto.add_dim()->set_size(size);
}

template <typename T>
tf::TensorProto RawTensor(tf::DataType type, const Shape& shape,
                          const std::vector<T>& values) {
  tf::TensorProto proto = MakeTensorProto(type, shape);
  proto.set_tensor_content(reinterpret_cast<const char*>(values.data()),
                           values.size() * sizeof(T));
  return proto;
}

void SetNode(const std::string& op, const std::string& name,
             const std::vector<std::string>& inputs, tf::NodeDef& node) {
  node.set_op(op);
  node.set_name(name);
  for (const std::string& input : inputs) node.add_input(input);
}

std::vector<std::byte> BytesOf(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

tf::TensorProto MakeTensorProto(tf::DataType type, const Shape& shape) {
  tf::TensorProto proto;
  proto.set_dtype(type);
  SetShape(shape, *proto.mutable_tensor_shape());
  return proto;
}

tf::AttrValue& NodeBuilder::Attribute(const std::string& name) {
  return (*node_->mutable_attr())[name];
}
NodeBuilder& NodeBuilder::Int(const std::string& name, int64_t value) {
  Attribute(name).set_i(value);
  return *this;
}
NodeBuilder& NodeBuilder::Float(const std::string& name, float value) {
  Attribute(name).set_f(value);
  return *this;
}
NodeBuilder& NodeBuilder::Bool(const std::string& name, bool value) {
  Attribute(name).set_b(value);
  return *this;
}
NodeBuilder& NodeBuilder::String(const std::string& name,
                                 const std::string& value) {
  Attribute(name).set_s(value);
  return *this;
}
NodeBuilder& NodeBuilder::Type(const std::string& name, tf::DataType value) {
  Attribute(name).set_type(value);
  return *this;
}
NodeBuilder& NodeBuilder::Ints(const std::string& name,
                               const std::vector<int64_t>& values) {
  auto& list = *Attribute(name).mutable_list();
  for (const int64_t value : values) list.add_i(value);
  return *this;
}
NodeBuilder& NodeBuilder::Strings(const std::string& name,
                                  const std::vector<std::string>& values) {
  auto& list = *Attribute(name).mutable_list();
  for (const std::string& value : values) list.add_s(value);
  return *this;
}
NodeBuilder& NodeBuilder::ShapeAttribute(const std::string& name,
                                         const Shape& shape) {
  SetShape(shape, *Attribute(name).mutable_shape());
  return *this;
}
NodeBuilder& NodeBuilder::Placeholder(const std::string& name,
                                      const std::string& value) {
  Attribute(name).set_placeholder(value);
  return *this;
}
NodeBuilder& NodeBuilder::Function(const std::string& name,
                                   const std::string& function) {
  Attribute(name).mutable_func()->set_name(function);
  return *this;
}
NodeBuilder& NodeBuilder::Tensor(const std::string& name,
                                 const tf::TensorProto& value) {
  *Attribute(name).mutable_tensor() = value;
  return *this;
}
NodeBuilder& NodeBuilder::Device(const std::string& device) {
  node_->set_device(device);
  return *this;
}

FunctionBuilder& FunctionBuilder::Input(const std::string& name) {
  auto& arg = *function_->mutable_signature()->add_input_arg();
  arg.set_name(name);
  arg.set_type(tf::DT_FLOAT);
  return *this;
}
FunctionBuilder& FunctionBuilder::Output(const std::string& name,
                                         const std::string& source) {
  auto& arg = *function_->mutable_signature()->add_output_arg();
  arg.set_name(name);
  arg.set_type(tf::DT_FLOAT);
  (*function_->mutable_ret())[name] = source;
  return *this;
}
NodeBuilder FunctionBuilder::Node(const std::string& op,
                                  const std::string& name,
                                  const std::vector<std::string>& inputs) {
  tf::NodeDef& node = *function_->add_node_def();
  SetNode(op, name, inputs, node);
  return NodeBuilder(node);
}

NodeBuilder GraphDefBuilder::Node(const std::string& op,
                                  const std::string& name,
                                  const std::vector<std::string>& inputs) {
  tf::NodeDef& node = *graph_def_.add_node();
  SetNode(op, name, inputs, node);
  return NodeBuilder(node);
}
NodeBuilder GraphDefBuilder::Placeholder(const std::string& name,
                                         const Shape& shape,
                                         tf::DataType type) {
  return Node("Placeholder", name)
      .Type("dtype", type)
      .ShapeAttribute("shape", shape);
}
NodeBuilder GraphDefBuilder::ConstProto(const std::string& name,
                                        const tf::TensorProto& value) {
  return Node("Const", name)
      .Type("dtype", value.dtype())
      .Tensor("value", value);
}
NodeBuilder GraphDefBuilder::Const(const std::string& name, const Shape& shape,
                                   const std::vector<float>& values) {
  return ConstProto(name, RawTensor(tf::DT_FLOAT, shape, values));
}
NodeBuilder GraphDefBuilder::ConstInts(const std::string& name,
                                       const Shape& shape,
                                       const std::vector<int32_t>& values) {
  return ConstProto(name, RawTensor(tf::DT_INT32, shape, values));
}
NodeBuilder GraphDefBuilder::Conv2D(const std::string& name,
                                    const std::string& src,
                                    const std::string& kernel, int64_t stride) {
  return Node("Conv2D", name, {src, kernel})
      .Ints("strides", {1, stride, stride, 1})
      .String("padding", "SAME");
}
NodeBuilder GraphDefBuilder::DepthwiseConv2D(const std::string& name,
                                             const std::string& src,
                                             const std::string& kernel,
                                             int64_t stride) {
  return Node("DepthwiseConv2dNative", name, {src, kernel})
      .Ints("strides", {1, stride, stride, 1})
      .String("padding", "SAME");
}
NodeBuilder GraphDefBuilder::MaxPool(const std::string& name,
                                     const std::string& src, int64_t kernel,
                                     int64_t stride) {
  return Node("MaxPool", name, {src})
      .Ints("ksize", {1, kernel, kernel, 1})
      .Ints("strides", {1, stride, stride, 1})
      .String("padding", "SAME");
}
FunctionBuilder GraphDefBuilder::Function(const std::string& name) {
  tf::FunctionDef& function = *graph_def_.mutable_library()->add_function();
  function.mutable_signature()->set_name(name);
  return FunctionBuilder(function);
}

void GraphDefBuilder::SetProducer(int version) {
  graph_def_.mutable_versions()->set_producer(version);
}

std::vector<std::byte> GraphDefBuilder::ToBytes() const {
  std::string text;
  {
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    graph_def_.SerializeToCodedStream(&coded);
  }
  return BytesOf(text);
}

std::vector<std::byte> GraphDefBuilder::ToText() const {
  std::string text;
  google::protobuf::TextFormat::PrintToString(graph_def_, &text);
  return BytesOf(text);
}

}  // namespace cyto8
