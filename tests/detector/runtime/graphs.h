// SPDX-License-Identifier: Apache-2.0
// Tiny graphs and tensors made in code, and ways to run them. Helper of the
// tests in this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "detector/graph/graph.h"
#include "detector/runtime/compiled_model.h"

namespace cyto8 {

template <typename T>
Tensor TensorOf(DataType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor = *Tensor::Create(type, std::move(shape));
  EXPECT_EQ(static_cast<size_t>(tensor.element_count()), values.size());
  std::copy(values.begin(), values.end(), tensor.mutable_data<T>().begin());
  return tensor;
}
inline Tensor Floats(Shape shape, const std::vector<float>& values) {
  return TensorOf(DataType::kFloat32, std::move(shape), values);
}
inline Tensor Ints(Shape shape, const std::vector<int32_t>& values) {
  return TensorOf(DataType::kInt32, std::move(shape), values);
}
inline Tensor Longs(Shape shape, const std::vector<int64_t>& values) {
  return TensorOf(DataType::kInt64, std::move(shape), values);
}
inline Tensor Bytes(Shape shape, const std::vector<uint8_t>& values) {
  return TensorOf(DataType::kUint8, std::move(shape), values);
}
inline Tensor Bools(Shape shape, const std::vector<uint8_t>& values) {
  return TensorOf(DataType::kBool, std::move(shape), values);
}

// Uniform in [-1, 1).
inline Tensor RandomFloats(Shape shape, uint32_t seed) {
  Tensor tensor = *Tensor::Create(DataType::kFloat32, std::move(shape));
  std::mt19937 random(seed);
  for (float& x : tensor.mutable_data<float>()) {
    x = static_cast<float>(random() >> 8) / (1 << 23) - 1.0f;
  }
  return tensor;
}

inline Node NodeOf(std::string name, Op op, std::vector<ValueRef> inputs,
                   Attributes attributes = {}, size_t outputs = 1) {
  return {.name = std::move(name),
          .op = op,
          .source_op = std::string(OpName(op)),
          .inputs = std::move(inputs),
          .attributes = std::move(attributes),
          .outputs = std::vector<TensorDesc>(outputs)};
}

inline ValueRef AddInput(Graph& graph, std::string name, DataType type,
                         Shape shape) {
  const TensorDesc desc = {
      .type = type, .shape = std::move(shape), .quant = std::nullopt};
  return graph.Add(
      NodeOf(std::move(name), Op::kInput, {}, InputAttributes{desc}));
}

// Fails the test if the model cannot be made.
inline std::shared_ptr<const CompiledModel> Compiled(const Graph& graph,
                                                     Engine engine) {
  auto model = CompiledModel::Create(graph, {.engine = engine});
  EXPECT_TRUE(model.ok()) << model.status().ToString();
  return model.ok() ? *model : nullptr;
}

inline std::string CompileError(const Graph& graph, Engine engine) {
  return CompiledModel::Create(graph, {.engine = engine}).status().message();
}

inline InferRequest RequestOf(std::shared_ptr<const CompiledModel> model) {
  auto request = InferRequest::Create(std::move(model));
  EXPECT_TRUE(request.ok()) << request.status().ToString();
  return *std::move(request);
}

inline void SetInput(InferRequest& request, int64_t number,
                     const Tensor& value) {
  const std::span<std::byte> bytes = request.input(number);
  ASSERT_EQ(bytes.size(), value.bytes().size());
  std::ranges::copy(value.bytes(), bytes.begin());
}

// Output number `number` of a request as a tensor of its own.
inline Tensor OutputOf(const InferRequest& request, int64_t number) {
  const ModelPort& port =
      request.model().outputs()[static_cast<size_t>(number)];
  Tensor tensor = *Tensor::Create(port.type, port.shape);
  std::ranges::copy(request.output(number), tensor.mutable_bytes().begin());
  return tensor;
}

// The outputs of one run on the given inputs.
inline std::vector<Tensor> RunGraph(const Graph& graph, Engine engine,
                                    const std::vector<Tensor>& inputs) {
  const auto model = Compiled(graph, engine);
  if (model == nullptr) return {};
  InferRequest request = RequestOf(model);
  for (size_t i = 0; i < inputs.size(); ++i) {
    SetInput(request, static_cast<int64_t>(i), inputs[i]);
  }
  SerialFor executor;
  const Status status = request.Run(executor);
  EXPECT_TRUE(status.ok()) << status.ToString();
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < model->outputs().size(); ++i) {
    outputs.push_back(OutputOf(request, static_cast<int64_t>(i)));
  }
  return outputs;
}

// Types and shapes equal; numbers equal, floats to `tolerance` of
// max(1, |expected|).
inline void ExpectTensor(const Tensor& actual, const Tensor& expected,
                         float tolerance) {
  ASSERT_EQ(DataTypeName(actual.type()), DataTypeName(expected.type()));
  ASSERT_EQ(ShapeToString(actual.shape()), ShapeToString(expected.shape()));
  if (expected.type() != DataType::kFloat32) {
    EXPECT_TRUE(std::ranges::equal(actual.bytes(), expected.bytes()));
    return;
  }
  const auto got = actual.data<float>();
  const auto want = expected.data<float>();
  for (size_t i = 0; i < want.size(); ++i) {
    const float bound = tolerance * std::max(1.0f, std::abs(want[i]));
    ASSERT_NEAR(got[i], want[i], bound) << "element " << i;
  }
}

// Stem, depthwise, pooling, swish, sum: one of each kind of step.
inline Graph SmallNetwork(int64_t batch) {
  Graph graph;
  const ValueRef x =
      AddInput(graph, "x", DataType::kFloat32, {batch, 16, 16, 3});
  const ConvAttributes stem = {.strides = {2, 2},
                               .padding = {.kind = PaddingKind::kSame},
                               .activation = Activation::kSwish};
  const ConvAttributes same = {.padding = {.kind = PaddingKind::kSame}};
  const PoolAttributes pool = {.kernel = {3, 3},
                               .strides = {1, 1},
                               .padding = {.kind = PaddingKind::kSame}};
  const ValueRef k1 = graph.AddConst("k1", RandomFloats({3, 3, 3, 8}, 1));
  const ValueRef k2 = graph.AddConst("k2", RandomFloats({3, 3, 8, 1}, 2));
  const ValueRef k3 = graph.AddConst("k3", RandomFloats({1, 1, 8, 8}, 3));
  const ValueRef bias = graph.AddConst("bias", RandomFloats({8}, 4));
  const ValueRef a =
      graph.Add(NodeOf("stem", Op::kConv2D, {x, k1, bias}, stem));
  const ValueRef b =
      graph.Add(NodeOf("depthwise", Op::kDepthwiseConv2D, {a, k2}, same));
  const ValueRef c = graph.Add(NodeOf("pool", Op::kMaxPool, {b}, pool));
  const ValueRef d =
      graph.Add(NodeOf("point", Op::kConv2D, {c, k3, bias}, same));
  const ValueRef e = graph.Add(NodeOf("sum", Op::kAdd, {a, d}));
  const ValueRef f =
      graph.Add(NodeOf("swish", Op::kSwish, {e}, SwishAttributes{}));
  graph.outputs = {{"swish", f}, {"point", d}};
  return graph;
}

}  // namespace cyto8
