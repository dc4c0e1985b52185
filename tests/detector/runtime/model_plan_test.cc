// SPDX-License-Identifier: Apache-2.0
// Plans of small graphs by hand; plans of many random graphs against node by
// node evaluation, where no memory is shared.
#include "detector/runtime/model_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "detector/graph/shape_inference.h"
#include "detector/runtime/evaluate.h"
#include "tests/detector/runtime/graphs.h"
#include "tests/detector/runtime/seed.h"

namespace cyto8 {
namespace {

constexpr int64_t kManyBytes = int64_t{1} << 30;

ModelPlan PlanOf(const Graph& graph) {
  auto plan = MakeModelPlan(*InferShapes(graph), {}, kManyBytes);
  EXPECT_TRUE(plan.ok()) << plan.status().ToString();
  return *std::move(plan);
}

// x [1,4] -> Neg -> four operators that only rename -> Abs -> output.
Graph RenamingGraph() {
  Graph graph;
  ValueRef v = AddInput(graph, "x", DataType::kFloat32, {1, 4});
  v = graph.Add(NodeOf("neg", Op::kNeg, {v}));
  v = graph.Add(NodeOf("identity", Op::kIdentity, {v}));
  const ValueRef shape = graph.AddConst("shape", Ints({2}, {2, 2}));
  v = graph.Add(NodeOf("reshape", Op::kReshape, {v, shape}));
  const ValueRef axis = graph.AddConst("axis", Ints({}, {0}));
  v = graph.Add(NodeOf("expand", Op::kExpandDims, {v, axis}));
  v = graph.Add(NodeOf("squeeze", Op::kSqueeze, {v}, AxesAttributes{}));
  v = graph.Add(NodeOf("abs", Op::kAbs, {v}));
  graph.outputs = {{"y", v}};
  return graph;
}

TEST(ModelPlanTest, OperatorsThatOnlyRenameTakeNoStepAndNoMemory) {
  const ModelPlan plan = PlanOf(RenamingGraph());
  ASSERT_EQ(plan.steps.size(), 2u);
  EXPECT_EQ(plan.steps[0].label, "node \"neg\" (Neg)");
  EXPECT_EQ(plan.steps[1].label, "node \"abs\" (Abs)");
  EXPECT_EQ(plan.steps[1].src[0].offset, plan.steps[0].dst[0].offset);
  EXPECT_EQ(plan.arena_bytes, 3 * 64);  // input, neg, abs: one line each.
}

TEST(ModelPlanTest, ARenamedOutputKeepsTheMemoryOfItsSource) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {4});
  const ValueRef neg = graph.Add(NodeOf("neg", Op::kNeg, {x}));
  const ValueRef same = graph.Add(NodeOf("same", Op::kIdentity, {neg}));
  // Longer work behind it must not overwrite the output.
  ValueRef v = neg;
  for (int i = 0; i < 5; ++i) {
    v = graph.Add(NodeOf("abs" + std::to_string(i), Op::kAbs, {v}));
  }
  graph.outputs = {{"same", same}, {"end", v}};
  const ModelPlan plan = PlanOf(graph);
  EXPECT_EQ(plan.outputs[0].offset, plan.steps[0].dst[0].offset);
  for (size_t i = 1; i < plan.steps.size(); ++i) {
    EXPECT_NE(plan.steps[i].dst[0].offset, plan.outputs[0].offset) << i;
  }
}

TEST(ModelPlanTest, ALongChainNeedsTwoBuffersBesideItsEnds) {
  Graph graph;
  ValueRef v = AddInput(graph, "x", DataType::kFloat32, {1000});
  for (int i = 0; i < 50; ++i) {
    v = graph.Add(NodeOf("n" + std::to_string(i), Op::kNeg, {v}));
  }
  graph.outputs = {{"y", v}};
  EXPECT_LE(PlanOf(graph).arena_bytes, 4 * 4032);
}

TEST(ModelPlanTest, AnOutputThatIsAnInputIsCopied) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {4});
  graph.outputs = {{"y", graph.Add(NodeOf("i", Op::kIdentity, {x}))}};
  const ModelPlan plan = PlanOf(graph);
  ASSERT_EQ(plan.steps.size(), 1u);
  EXPECT_EQ(plan.steps[0].label, "output \"y\"");
  EXPECT_NE(plan.outputs[0].offset, plan.inputs[0].offset);
}

TEST(ModelPlanTest, AnOutputThatIsAConstantStaysWhereItIs) {
  Graph graph;
  graph.outputs = {{"y", graph.AddConst("c", Floats({1}, {7}))}};
  const ModelPlan plan = PlanOf(graph);
  EXPECT_TRUE(plan.steps.empty());
  ASSERT_NE(plan.outputs[0].constant, nullptr);
  EXPECT_EQ(plan.outputs[0].constant->data<float>()[0], 7);
}

// The caller fills inputs before the first step, so no step that stands before
// the input's node may use its memory.
TEST(ModelPlanTest, AnInputDeclaredLateIsNotOverwritten) {
  Graph graph;
  const ValueRef c = graph.AddConst("c", Floats({4}, {1, 2, 3, 4}));
  const ValueRef neg = graph.Add(NodeOf("neg", Op::kNeg, {c}));
  const ValueRef abs = graph.Add(NodeOf("abs", Op::kAbs, {neg}));
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {4});
  graph.outputs = {{"y", graph.Add(NodeOf("add", Op::kAdd, {x, abs}))}};
  const ModelPlan plan = PlanOf(graph);
  ASSERT_EQ(plan.steps.size(), 3u);
  EXPECT_NE(plan.steps[0].dst[0].offset, plan.inputs[0].offset);
  EXPECT_NE(plan.steps[1].dst[0].offset, plan.inputs[0].offset);
}

// A Shape step reads no bytes, so the image may be gone by then.
TEST(ModelPlanTest, InputsThatAreNotReadHaveNoPlace) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {4});
  graph.outputs = {{"y", graph.Add(NodeOf("shape", Op::kShape, {x},
                                          CastAttributes{DataType::kInt32}))}};
  const ModelPlan plan = PlanOf(graph);
  EXPECT_EQ(plan.steps[0].src[0].bytes, 0);
  EXPECT_EQ(plan.steps[0].dst[0].bytes, 4);
}

TEST(ModelPlanTest, MemoryOverTheLimitIsRefused) {
  const auto graph = InferShapes(RenamingGraph());
  EXPECT_EQ(MakeModelPlan(*graph, {}, 191).status().message(),
            "activation memory: must be at most max_arena_bytes = 191");
}

// A random graph over values of shape [2, width].
class RandomGraph {
 public:
  explicit RandomGraph(uint32_t seed) : random_(seed) {
    axis_ = graph_.AddConst("axis", Ints({}, {1}));
    Keep(AddInput(graph_, "x", DataType::kFloat32, {2, 4}), 4);
    Keep(AddInput(graph_, "y", DataType::kFloat32, {2, 6}), 6);
    const int nodes = 5 + static_cast<int>(Below(40));
    for (int i = 0; i < nodes; ++i) AddNode("n" + std::to_string(i));
    for (int i = 0; i < 4; ++i) {
      const Value& value = values_[Below(values_.size())];
      graph_.outputs.push_back({"out" + std::to_string(i), value.ref});
    }
  }
  const Graph& graph() const { return graph_; }

 private:
  struct Value {
    ValueRef ref;
    int64_t width;
  };

  size_t Below(size_t n) { return random_() % n; }
  void Keep(ValueRef ref, int64_t width) { values_.push_back({ref, width}); }

  void AddNode(const std::string& name) {
    const Value a = values_[Below(values_.size())];
    const Value b = values_[Below(values_.size())];
    const size_t kind = Below(6);
    if (kind == 0) {
      Keep(graph_.Add(NodeOf(name, Op::kIdentity, {a.ref})), a.width);
    } else if (kind == 1) {
      const ValueRef shape = graph_.AddConst(
          name + "/shape", Ints({2}, {2, static_cast<int32_t>(a.width)}));
      Keep(graph_.Add(NodeOf(name, Op::kReshape, {a.ref, shape})), a.width);
    } else if (kind == 2 && a.width % 2 == 0) {
      const ValueRef split = graph_.Add(
          NodeOf(name, Op::kSplit, {axis_, a.ref},
                 UnpackAttributes{.axis = 0, .count = 2}, /*outputs=*/2));
      Keep(split, a.width / 2);
      Keep({split.node, 1}, a.width / 2);
    } else if (kind == 3 && a.width + b.width < 40) {
      Keep(graph_.Add(NodeOf(name, Op::kConcat, {a.ref, b.ref, axis_})),
           a.width + b.width);
    } else if (a.width == b.width) {
      Keep(graph_.Add(NodeOf(name, Op::kSub, {a.ref, b.ref})), a.width);
    } else {
      Keep(graph_.Add(NodeOf(name, Op::kNeg, {a.ref})), a.width);
    }
  }

  std::mt19937 random_;
  Graph graph_;
  ValueRef axis_;
  std::vector<Value> values_;
};

// Every output by evaluating node after node, each value in its own memory.
std::vector<Tensor> Reference(const Graph& graph,
                              const std::vector<Tensor>& inputs) {
  std::vector<std::vector<Tensor>> values;
  size_t next_input = 0;
  for (const Node& node : graph.nodes) {
    if (node.op == Op::kInput) {
      values.push_back({inputs[next_input++]});
      continue;
    }
    std::vector<const Tensor*> operands;
    for (const ValueRef& v : node.inputs) {
      operands.push_back(
          &values[static_cast<size_t>(v.node)][static_cast<size_t>(v.port)]);
    }
    values.push_back(*EvaluateNode(node, operands));
  }
  std::vector<Tensor> outputs;
  for (const GraphOutput& output : graph.outputs) {
    outputs.push_back(values[static_cast<size_t>(output.value.node)]
                            [static_cast<size_t>(output.value.port)]);
  }
  return outputs;
}

TEST(ModelPlanProperty, SharedMemoryNeverShowsInTheResults) {
  for (uint32_t round = 0; round < 500; ++round) {
    const uint32_t seed = Seed() * 10'000 + round;
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomGraph random(seed);
    const std::vector<Tensor> inputs = {RandomFloats({2, 4}, seed),
                                        RandomFloats({2, 6}, seed + 1)};
    const std::vector<Tensor> expected = Reference(random.graph(), inputs);
    const std::vector<Tensor> actual =
        RunGraph(random.graph(), Engine::kNaive, inputs);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      ASSERT_NO_FATAL_FAILURE(ExpectTensor(actual[i], expected[i], 0));
    }
  }
}

}  // namespace
}  // namespace cyto8
