// SPDX-License-Identifier: Apache-2.0
// The store alone, and models of two image sizes that share it.
#include "detector/runtime/packed_weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "tests/detector/runtime/graphs.h"

namespace cyto8 {
namespace {

std::shared_ptr<const Tensor> SharedTensor(float value) {
  return std::make_shared<const Tensor>(Floats({1}, {value}));
}

// Packs the byte `value` and counts.
struct CountingPack {
  int value = 0;
  int calls = 0;
  PackFunction Function() {
    return [this](std::span<std::byte> dst) {
      ++calls;
      std::ranges::fill(dst, static_cast<std::byte>(value));
      return OkStatus();
    };
  }
};

TEST(PackedBytesTest, StartOnACacheLineAndAreZero) {
  for (const int64_t size : {0, 1, 64, 65, 1000}) {
    const PackedBytes packed(size);
    EXPECT_EQ(packed.bytes().size(), static_cast<size_t>(size));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(packed.bytes().data()) % 64, 0u);
    for (const std::byte b : packed.bytes()) EXPECT_EQ(b, std::byte{0});
  }
}

TEST(PackedWeightsTest, TheSameTensorInTheSameLayoutIsPackedOnce) {
  PackedWeights store;
  const auto tensor = SharedTensor(1);
  CountingPack first{.value = 1}, second{.value = 2};
  const auto a = store.FindOrPack(tensor, "a", 3, first.Function());
  const auto b = store.FindOrPack(tensor, "a", 3, second.Function());
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(*a, *b);
  EXPECT_EQ((*a)->bytes()[2], std::byte{1});
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 0);
  EXPECT_EQ(store.total_bytes(), 3);
}

TEST(PackedWeightsTest, AnotherLayoutOrAnotherTensorIsPackedAnew) {
  PackedWeights store;
  const auto one = SharedTensor(1);
  const auto equal = SharedTensor(1);
  CountingPack pack{.value = 1};
  const auto a = store.FindOrPack(one, "a", 3, pack.Function());
  const auto b = store.FindOrPack(one, "b", 4, pack.Function());
  const auto c = store.FindOrPack(equal, "a", 3, pack.Function());
  EXPECT_EQ(pack.calls, 3);
  EXPECT_NE(*a, *b);
  EXPECT_NE(*a, *c);
  EXPECT_EQ(store.total_bytes(), 10);
}

// An allocator may give a new tensor the address of a dead one.
TEST(PackedWeightsTest, ATensorThatIsGoneIsNeverTakenForANewOne) {
  PackedWeights store;
  CountingPack pack{.value = 1};
  for (int i = 0; i < 100; ++i) {
    const auto tensor = SharedTensor(static_cast<float>(i));
    EXPECT_TRUE(store.FindOrPack(tensor, "a", 1, pack.Function()).ok());
  }
  EXPECT_EQ(pack.calls, 100);
}

TEST(PackedWeightsTest, TensorsAreNotKeptAlive) {
  PackedWeights store;
  CountingPack pack;
  auto tensor = SharedTensor(1);
  const std::weak_ptr<const Tensor> watch = tensor;
  ASSERT_TRUE(store.FindOrPack(tensor, "a", 1, pack.Function()).ok());
  tensor.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(PackedWeightsTest, ABorrowedTensorIsNotKept) {
  PackedWeights store;
  const Tensor one = Floats({1}, {1}), two = Floats({1}, {2});
  CountingPack pack;
  for (const Tensor* tensor : {&one, &two}) {
    const std::shared_ptr<const Tensor> borrowed(std::shared_ptr<void>(),
                                                 tensor);
    EXPECT_TRUE(store.FindOrPack(borrowed, "a", 1, pack.Function()).ok());
  }
  EXPECT_EQ(pack.calls, 2);
  EXPECT_EQ(store.total_bytes(), 0);
}

TEST(PackedWeightsTest, AnErrorIsReturnedAndForgotten) {
  PackedWeights store;
  const auto tensor = SharedTensor(1);
  const auto failing = [](std::span<std::byte>) { return Internal("no"); };
  EXPECT_EQ(store.FindOrPack(tensor, "a", 1, failing).status().message(), "no");
  CountingPack pack;
  EXPECT_TRUE(store.FindOrPack(tensor, "a", 1, pack.Function()).ok());
  EXPECT_EQ(pack.calls, 1);
}

TEST(PackedWeightsTest, ThreadsGetTheSameBytes) {
  PackedWeights store;
  const auto tensor = SharedTensor(1);
  CountingPack pack{.value = 7};
  std::vector<std::shared_ptr<const PackedBytes>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) {
    threads.emplace_back(
        [&] { result = *store.FindOrPack(tensor, "a", 100, pack.Function()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pack.calls, 1);
  for (const auto& result : results) EXPECT_EQ(result, results[0]);
}

// Convolution, depthwise and pointwise; the constants belong to `weights`.
struct Weights {
  std::shared_ptr<const Tensor> dense, depthwise;
};

Graph NetworkOf(const Weights& weights, int64_t side) {
  Graph graph;
  const ConvAttributes same = {.padding = {.kind = PaddingKind::kSame},
                               .activation = Activation::kSwish};
  const auto constant = [&](std::string name, auto tensor) {
    Node node = NodeOf(std::move(name), Op::kConst, {},
                       ConstAttributes{.value = tensor});
    node.outputs[0] = {.type = tensor->type(), .shape = tensor->shape()};
    return graph.Add(std::move(node));
  };
  const ValueRef x =
      AddInput(graph, "x", DataType::kFloat32, {1, side, side, 16});
  const ValueRef dense = constant("dense", weights.dense);
  const ValueRef depthwise = constant("depthwise", weights.depthwise);
  const ValueRef a = graph.Add(NodeOf("a", Op::kConv2D, {x, dense}, same));
  const ValueRef b =
      graph.Add(NodeOf("b", Op::kDepthwiseConv2D, {a, depthwise}, same));
  graph.outputs = {{"y", b}};
  return graph;
}

Tensor RunOnce(const std::shared_ptr<const CompiledModel>& model,
               const Tensor& x) {
  InferRequest request = RequestOf(model);
  SetInput(request, 0, x);
  SerialFor executor;
  EXPECT_TRUE(request.Run(executor).ok());
  return OutputOf(request, 0);
}

TEST(PackedWeightsTest, ModelsOfTwoImageSizesShareAndGiveTheSameResults) {
  const Weights weights = {
      .dense = std::make_shared<const Tensor>(RandomFloats({3, 3, 16, 16}, 1)),
      .depthwise =
          std::make_shared<const Tensor>(RandomFloats({3, 3, 16, 1}, 2))};
  const auto store = std::make_shared<PackedWeights>();
  int64_t packed = 0;
  for (const int64_t side : {32, 48}) {
    const Graph graph = NetworkOf(weights, side);
    const auto shared = CompiledModel::Create(graph, {.packed_weights = store});
    ASSERT_TRUE(shared.ok()) << shared.status().ToString();
    if (packed == 0) packed = store->total_bytes();
    EXPECT_EQ(store->total_bytes(), packed) << side;
    const Tensor x = RandomFloats({1, side, side, 16}, 3);
    ExpectTensor(RunOnce(*shared, x),
                 RunOnce(Compiled(graph, Engine::kOneDnn), x), 0);
  }
  EXPECT_GE(packed, 9 * 16 * 16 * 4);
}

TEST(PackedWeightsTest, AModelOutlivesTheStoreAndTheGraph) {
  Weights weights = {
      .dense = std::make_shared<const Tensor>(RandomFloats({3, 3, 16, 16}, 1)),
      .depthwise =
          std::make_shared<const Tensor>(RandomFloats({3, 3, 16, 1}, 2))};
  const Tensor x = RandomFloats({1, 8, 8, 16}, 3);
  const Tensor expected =
      RunOnce(Compiled(NetworkOf(weights, 8), Engine::kOneDnn), x);
  auto store = std::make_shared<PackedWeights>();
  const auto model =
      *CompiledModel::Create(NetworkOf(weights, 8), {.packed_weights = store});
  store.reset();
  weights = {};
  ExpectTensor(RunOnce(model, x), expected, 0);
}

}  // namespace
}  // namespace cyto8
