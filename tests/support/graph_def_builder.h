// SPDX-License-Identifier: Apache-2.0
// Makes TensorFlow GraphDefs in test code, well formed or not: each call adds
// one node with exactly the attributes that are given. Test code only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "detector/graph/tensor.h"
#include "detector/import/graph_def.pb.h"

namespace cyto8 {

// Sets attributes of one node; refers to it.
class NodeBuilder {
 public:
  explicit NodeBuilder(tf::NodeDef& node) : node_(&node) {}

  NodeBuilder& Int(const std::string& name, int64_t value);
  NodeBuilder& Float(const std::string& name, float value);
  NodeBuilder& Bool(const std::string& name, bool value);
  NodeBuilder& String(const std::string& name, const std::string& value);
  NodeBuilder& Type(const std::string& name, tf::DataType value);
  NodeBuilder& Ints(const std::string& name,
                    const std::vector<int64_t>& values);
  NodeBuilder& Strings(const std::string& name,
                       const std::vector<std::string>& values);
  NodeBuilder& ShapeAttribute(const std::string& name, const Shape& shape);
  NodeBuilder& Placeholder(const std::string& name, const std::string& value);
  NodeBuilder& Function(const std::string& name, const std::string& function);
  NodeBuilder& Tensor(const std::string& name, const tf::TensorProto& value);
  NodeBuilder& Device(const std::string& device);

  const std::string& name() const { return node_->name(); }
  operator std::string() const { return name(); }  // NOLINT: an input's name

 private:
  tf::AttrValue& Attribute(const std::string& name);

  tf::NodeDef* node_;
};

// A function of the library while it is being made.
class FunctionBuilder {
 public:
  explicit FunctionBuilder(tf::FunctionDef& function) : function_(&function) {}

  FunctionBuilder& Input(const std::string& name);
  // `source` is an argument or "node:output:index".
  FunctionBuilder& Output(const std::string& name, const std::string& source);
  NodeBuilder Node(const std::string& op, const std::string& name,
                   const std::vector<std::string>& inputs);

 private:
  tf::FunctionDef* function_;
};

// Every method returns the new node; its name is the input text of others.
class GraphDefBuilder {
 public:
  NodeBuilder Node(const std::string& op, const std::string& name,
                   const std::vector<std::string>& inputs = {});
  NodeBuilder Placeholder(const std::string& name, const Shape& shape,
                          tf::DataType type = tf::DT_FLOAT);
  // tensor_content, little-endian.
  NodeBuilder Const(const std::string& name, const Shape& shape,
                    const std::vector<float>& values);
  NodeBuilder ConstInts(const std::string& name, const Shape& shape,
                        const std::vector<int32_t>& values);
  NodeBuilder ConstProto(const std::string& name, const tf::TensorProto& value);
  // Stride 1, SAME.
  NodeBuilder Conv2D(const std::string& name, const std::string& src,
                     const std::string& kernel, int64_t stride = 1);
  NodeBuilder DepthwiseConv2D(const std::string& name, const std::string& src,
                              const std::string& kernel, int64_t stride = 1);
  NodeBuilder MaxPool(const std::string& name, const std::string& src,
                      int64_t kernel, int64_t stride);
  FunctionBuilder Function(const std::string& name);

  void SetProducer(int version);
  tf::GraphDef& graph_def() { return graph_def_; }

  std::vector<std::byte> ToBytes() const;  // the same in every run.
  std::vector<std::byte> ToText() const;

 private:
  tf::GraphDef graph_def_;
};

tf::TensorProto MakeTensorProto(tf::DataType type, const Shape& shape);

}  // namespace cyto8
