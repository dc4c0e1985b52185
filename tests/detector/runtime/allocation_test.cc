// SPDX-License-Identifier: Apache-2.0
// A run allocates nothing: every operator new of this program is counted.
#include <gtest/gtest.h>

#include "tests/detector/runtime/graphs.h"
#include "tests/detector/runtime/op_cases.h"
#include "tests/support/allocation_counter.h"

namespace cyto8 {
namespace {

// Of the second run: the first may load what is loaded once.
int64_t AllocationsOfSecondRun(const Graph& graph, Engine engine) {
  InferRequest request = RequestOf(Compiled(graph, engine));
  SerialFor executor;
  EXPECT_TRUE(request.Run(executor).ok());
  const int64_t before = AllocationCount();
  const Status status = request.Run(executor);
  const int64_t after = AllocationCount();
  EXPECT_TRUE(status.ok()) << status.ToString();
  return after - before;
}

// The case on constants, so that no input needs filling.
Graph ConstantGraph(const OpCase& c) {
  Graph graph;
  std::vector<ValueRef> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    inputs.push_back(graph.AddConst("in" + std::to_string(i), c.inputs[i]));
  }
  const ValueRef node = graph.Add(
      NodeOf("n", c.op, std::move(inputs), c.attributes, c.outputs.size()));
  graph.outputs = {{"y", node}};
  return graph;
}

TEST(AllocationTest, TheCounterCounts) {
  const int64_t before = AllocationCount();
  const auto number = std::make_unique<int>(1);
  EXPECT_EQ(AllocationCount() - before, 1) << *number;
}

TEST(AllocationTest, NoNaiveOperatorAllocatesWhenItRuns) {
  for (const OpCase& c : AllOpCases()) {
    EXPECT_EQ(AllocationsOfSecondRun(ConstantGraph(c), Engine::kNaive), 0)
        << c.name;
  }
}

// oneDNN makes its own argument map in every call; ours adds nothing to it.
constexpr int64_t kPerOneDnnCall = 8;

TEST(AllocationTest, OneDnnAllocatesItsArgumentMapsOnly) {
  for (const OpCase& c : AllOpCases()) {
    const int64_t count =
        AllocationsOfSecondRun(ConstantGraph(c), Engine::kOneDnn);
    EXPECT_LE(count, kPerOneDnnCall) << c.name;
  }
}

TEST(AllocationTest, ManyOneDnnCallsAllocateInProportion) {
  Graph graph;
  ValueRef v = AddInput(graph, "x", DataType::kFloat32, {1, 8, 8, 8});
  const ValueRef wei = graph.AddConst("w", RandomFloats({3, 3, 8, 8}, 1));
  constexpr int64_t kCalls = 20;
  for (int64_t i = 0; i < kCalls; ++i) {
    v = graph.Add(NodeOf("conv" + std::to_string(i), Op::kConv2D, {v, wei},
                         ConvAttributes{.padding = {PaddingKind::kSame},
                                        .activation = Activation::kSwish}));
  }
  graph.outputs = {{"y", v}};
  EXPECT_LE(AllocationsOfSecondRun(graph, Engine::kOneDnn),
            kCalls * kPerOneDnnCall);
}

}  // namespace
}  // namespace cyto8
