// SPDX-License-Identifier: Apache-2.0
// Models of tiny graphs: every operator through both engines, reuse, sharing,
// threads, and what is refused.
#include "detector/runtime/compiled_model.h"

#include <gtest/gtest.h>

#include "tests/detector/runtime/concurrency.h"
#include "tests/detector/runtime/graphs.h"
#include "tests/detector/runtime/op_cases.h"

namespace cyto8 {
namespace {

constexpr Engine kEngines[] = {Engine::kNaive, Engine::kOneDnn};

std::string NameOf(Engine engine) {
  return engine == Engine::kNaive ? "naive" : "oneDNN";
}

// The case as a graph; `fed` is what its inputs get.
Graph GraphOf(const OpCase& c, std::vector<Tensor>& fed) {
  Graph graph;
  std::vector<ValueRef> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const std::string name = "in" + std::to_string(i);
    if (std::ranges::count(c.runtime, i) == 0) {
      inputs.push_back(graph.AddConst(name, c.inputs[i]));
      continue;
    }
    fed.push_back(c.inputs[i]);
    inputs.push_back(
        AddInput(graph, name, c.inputs[i].type(), c.inputs[i].shape()));
  }
  const ValueRef node = graph.Add(
      NodeOf("n", c.op, std::move(inputs), c.attributes, c.outputs.size()));
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    graph.outputs.push_back(
        {"out" + std::to_string(i), {node.node, static_cast<int64_t>(i)}});
  }
  return graph;
}

void ExpectCase(const OpCase& c, Engine engine) {
  SCOPED_TRACE(c.name + ", " + NameOf(engine));
  std::vector<Tensor> fed;
  const Graph graph = GraphOf(c, fed);
  const std::vector<Tensor> outputs = RunGraph(graph, engine, fed);
  ASSERT_EQ(outputs.size(), c.outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    ExpectTensor(outputs[i], c.outputs[i], 1e-6f);
  }
}

TEST(CompiledModelTest, EveryOperatorGivesItsLiteralResultFromBothEngines) {
  for (const OpCase& c : AllOpCases()) {
    for (const Engine engine : kEngines) ExpectCase(c, engine);
  }
}

TEST(CompiledModelTest, EveryOperatorRunsOnConstantsAlone) {
  for (OpCase c : AllOpCases()) {
    c.runtime.clear();
    ExpectCase(c, Engine::kOneDnn);
  }
}

struct ConvCase {
  bool depthwise = false;
  int64_t batch = 1;
  int64_t side = 8;
  int64_t in_channels = 8;
  int64_t out_channels = 8;
  int64_t kernel = 3;
  ConvAttributes conv;
};

Graph ConvGraph(const ConvCase& c) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32,
                              {c.batch, c.side, c.side + 1, c.in_channels});
  const Shape kernel = {c.kernel, c.kernel, c.in_channels,
                        c.depthwise ? 1 : c.out_channels};
  const ValueRef wei = graph.AddConst("wei", RandomFloats(kernel, 1));
  const ValueRef bias = graph.AddConst(
      "bias", RandomFloats({c.depthwise ? c.in_channels : c.out_channels}, 2));
  graph.outputs = {
      {"y", graph.Add(NodeOf("conv",
                             c.depthwise ? Op::kDepthwiseConv2D : Op::kConv2D,
                             {x, wei, bias}, c.conv))}};
  return graph;
}

void ExpectEnginesAgree(const ConvCase& c) {
  const Graph graph = ConvGraph(c);
  const Tensor x =
      RandomFloats({c.batch, c.side, c.side + 1, c.in_channels}, 3);
  const auto naive = RunGraph(graph, Engine::kNaive, {x});
  const auto fast = RunGraph(graph, Engine::kOneDnn, {x});
  ASSERT_EQ(fast.size(), 1u);
  ExpectTensor(fast[0], naive[0], 2e-5f);
}

TEST(CompiledModelTest, EnginesAgreeOnConvolutionsOfEveryKind) {
  const Padding kinds[] = {{.kind = PaddingKind::kValid},
                           {.kind = PaddingKind::kSame},
                           {.kind = PaddingKind::kExplicit,
                            .top = 2,
                            .bottom = 0,
                            .left = 1,
                            .right = 3}};
  for (const bool depthwise : {false, true}) {
    for (const int64_t kernel : {1, 3, 5}) {
      for (const int64_t stride : {1, 2}) {
        for (const Padding& padding : kinds) {
          for (const int64_t channels : {3, 8, 20}) {
            SCOPED_TRACE(testing::Message()
                         << "depthwise " << depthwise << ", kernel " << kernel
                         << ", stride " << stride << ", padding "
                         << static_cast<int>(padding.kind) << ", channels "
                         << channels);
            ExpectEnginesAgree(
                {.depthwise = depthwise,
                 .in_channels = channels,
                 .out_channels = channels + 4,
                 .kernel = kernel,
                 .conv = {.strides = {stride, stride}, .padding = padding}});
          }
        }
      }
    }
  }
}

TEST(CompiledModelTest, EnginesAgreeOnEveryFusedActivation) {
  for (int i = 0; i <= static_cast<int>(Activation::kSigmoid); ++i) {
    const auto activation = static_cast<Activation>(i);
    for (const bool depthwise : {false, true}) {
      SCOPED_TRACE(std::string(ActivationName(activation)));
      ExpectEnginesAgree({.depthwise = depthwise,
                          .batch = 2,
                          .kernel = 3,
                          .conv = {.dilations = {2, 1},
                                   .padding = {.kind = PaddingKind::kSame},
                                   .activation = activation}});
    }
  }
}

TEST(CompiledModelTest, EnginesAgreeOnPooling) {
  for (const Op op : {Op::kMaxPool, Op::kAvgPool}) {
    for (const int64_t side : {6, 7, 12}) {
      for (const PaddingKind kind : {PaddingKind::kSame, PaddingKind::kValid}) {
        Graph graph;
        const ValueRef x =
            AddInput(graph, "x", DataType::kFloat32, {2, side, side, 5});
        graph.outputs = {
            {"y", graph.Add(NodeOf("pool", op, {x},
                                   PoolAttributes{.kernel = {3, 3},
                                                  .strides = {2, 2},
                                                  .padding = {kind}}))}};
        const Tensor value = RandomFloats({2, side, side, 5}, 4);
        const auto naive = RunGraph(graph, Engine::kNaive, {value});
        const auto fast = RunGraph(graph, Engine::kOneDnn, {value});
        ExpectTensor(fast[0], naive[0], 1e-6f);
      }
    }
  }
}

TEST(CompiledModelTest, PortsHaveTheNamesTypesAndShapesOfTheGraph) {
  const auto model = Compiled(SmallNetwork(2), Engine::kOneDnn);
  ASSERT_EQ(model->inputs().size(), 1u);
  EXPECT_EQ(model->inputs()[0].name, "x");
  EXPECT_EQ(model->inputs()[0].shape, (Shape{2, 16, 16, 3}));
  ASSERT_EQ(model->outputs().size(), 2u);
  EXPECT_EQ(model->outputs()[1].name, "point");
  EXPECT_EQ(model->outputs()[1].type, DataType::kFloat32);
  EXPECT_EQ(model->outputs()[1].shape, (Shape{2, 8, 8, 8}));
  EXPECT_GT(model->scratch_bytes(), 2 * 16 * 16 * 3 * 4);
}

TEST(CompiledModelTest, ARequestMayRunAgainAndKeepsItsInputs) {
  for (const Engine engine : kEngines) {
    SCOPED_TRACE(NameOf(engine));
    const Graph graph = SmallNetwork(1);
    const Tensor first = RandomFloats({1, 16, 16, 3}, 5);
    const Tensor second = RandomFloats({1, 16, 16, 3}, 6);
    const Tensor expected_first = RunGraph(graph, engine, {first})[0];
    const Tensor expected_second = RunGraph(graph, engine, {second})[0];
    InferRequest request = RequestOf(Compiled(graph, engine));
    SerialFor executor;
    SetInput(request, 0, first);
    ASSERT_TRUE(request.Run(executor).ok());
    ASSERT_TRUE(request.Run(executor).ok());  // the input is still there.
    ExpectTensor(OutputOf(request, 0), expected_first, 0);
    SetInput(request, 0, second);
    ASSERT_TRUE(request.Run(executor).ok());
    ExpectTensor(OutputOf(request, 0), expected_second, 0);
  }
}

TEST(CompiledModelTest, ARequestMayBeMoved) {
  const Tensor x = RandomFloats({1, 16, 16, 3}, 5);
  const Tensor expected = RunGraph(SmallNetwork(1), Engine::kOneDnn, {x})[0];
  InferRequest from = RequestOf(Compiled(SmallNetwork(1), Engine::kOneDnn));
  SetInput(from, 0, x);
  InferRequest to = std::move(from);
  SerialFor executor;
  ASSERT_TRUE(to.Run(executor).ok());
  ExpectTensor(OutputOf(to, 0), expected, 0);
}

TEST(CompiledModelTest, OneToFourRequestsAtOnceGiveTheSameBytes) {
  ExpectSameBytesFromThreads(Engine::kOneDnn);
}

// Runs everything backwards and counts.
class BackwardsFor final : public ParallelFor {
 public:
  void Run(int64_t count, const std::function<void(int64_t)>& body) override {
    for (int64_t i = count - 1; i >= 0; --i) body(i);
    total_ += count;
  }
  int64_t total() const { return total_; }

 private:
  int64_t total_ = 0;
};

TEST(CompiledModelTest, TheImagesOfABatchAreOfferedToTheExecutor) {
  const Tensor x = RandomFloats({3, 16, 16, 3}, 8);
  const Tensor expected = RunGraph(SmallNetwork(3), Engine::kNaive, {x})[0];
  InferRequest request = RequestOf(Compiled(SmallNetwork(3), Engine::kNaive));
  SetInput(request, 0, x);
  BackwardsFor executor;
  ASSERT_TRUE(request.Run(executor).ok());
  EXPECT_EQ(executor.total(), 3 * 3);  // three convolutions of three images.
  ExpectTensor(OutputOf(request, 0), expected, 0);
}

TEST(CompiledModelTest, OutputsAndInputsDoNotShareMemory) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {2});
  graph.outputs = {{"a", x}, {"b", x}};
  InferRequest request = RequestOf(Compiled(graph, Engine::kNaive));
  SetInput(request, 0, Floats({2}, {1, 2}));
  SerialFor executor;
  ASSERT_TRUE(request.Run(executor).ok());
  SetInput(request, 0, Floats({2}, {8, 9}));
  ExpectTensor(OutputOf(request, 0), Floats({2}, {1, 2}), 0);
  ExpectTensor(OutputOf(request, 1), Floats({2}, {1, 2}), 0);
}

TEST(CompiledModelTest, ErrorsOfARunNameTheNode) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kInt32, {1});
  const ValueRef table = graph.AddConst("table", Floats({2}, {1, 2}));
  const ValueRef axis = graph.AddConst("axis", Ints({}, {0}));
  graph.outputs = {{"y", graph.Add(NodeOf("pick", Op::kGather, {table, x, axis},
                                          GatherAttributes{}))}};
  InferRequest request = RequestOf(Compiled(graph, Engine::kOneDnn));
  SetInput(request, 0, Ints({1}, {2}));
  SerialFor executor;
  const std::string message = request.Run(executor).message();
  EXPECT_TRUE(message.starts_with("node \"pick\" (Gather): ")) << message;
}

TEST(CompiledModelTest, RefusesAnInputOfUnknownShape) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {kUnknownDim, 4});
  graph.outputs = {{"y", graph.Add(NodeOf("neg", Op::kNeg, {x}))}};
  EXPECT_EQ(CompileError(graph, Engine::kNaive),
            "node \"x\" (Input): shape [?,4] is not known: bind the input's "
            "shape first");
}

TEST(CompiledModelTest, RefusesAnAxisThatIsNotConstant) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {2, 4});
  const ValueRef axes = AddInput(graph, "axes", DataType::kInt32, {1});
  graph.outputs = {
      {"y", graph.Add(NodeOf("sum", Op::kSum, {x, axes}, ReduceAttributes{}))}};
  EXPECT_EQ(CompileError(graph, Engine::kNaive),
            "node \"sum\" (Sum): output 0: shape is not known, since input 1 "
            "(\"axes\") is not constant");
}

TEST(CompiledModelTest, RefusesAShapeThatIsNotConstant) {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {2, 4});
  const ValueRef shape = AddInput(graph, "shape", DataType::kInt32, {1});
  graph.outputs = {{"y", graph.Add(NodeOf("r", Op::kReshape, {x, shape}))}};
  EXPECT_EQ(CompileError(graph, Engine::kNaive),
            "node \"r\" (Reshape): output 0: shape is not known, since input 1 "
            "(\"shape\") is not constant");
}

Graph OpaqueGraph() {
  Graph graph;
  const ValueRef x = AddInput(graph, "x", DataType::kFloat32, {2});
  Node opaque = NodeOf("decode", Op::kOpaque, {x});
  opaque.source_op = "DecodeJpeg";
  graph.outputs = {{"y", graph.Add(std::move(opaque))}};
  return graph;
}

TEST(CompiledModelTest, RefusesOpaqueNodes) {
  EXPECT_EQ(CompileError(OpaqueGraph(), Engine::kNaive),
            "node \"decode\": operator DecodeJpeg is not supported; its "
            "inputs: [x]");
}

TEST(CompiledModelTest, NodesThatNoOutputNeedsAreIgnored) {
  Graph graph = OpaqueGraph();
  graph.outputs = {{"y", graph.Add(NodeOf("neg", Op::kNeg, {{0, 0}}))}};
  EXPECT_EQ(CompileError(graph, Engine::kNaive), "");
}

TEST(CompiledModelTest, RefusesAGraphWithoutOutputs) {
  Graph graph;
  AddInput(graph, "x", DataType::kFloat32, {2});
  EXPECT_EQ(CompileError(graph, Engine::kNaive), "graph has no outputs");
}

TEST(CompiledModelTest, RefusesMissingWeights) {
  Graph graph = ConvGraph({});
  graph.nodes[1].attributes = ConstAttributes{};
  for (const Engine engine : kEngines) {
    EXPECT_EQ(CompileError(graph, engine),
              "node \"wei\" (Const): has no value");
  }
}

TEST(CompiledModelTest, RefusesWeightsOfAnotherWidth) {
  Graph graph = ConvGraph({});
  graph.nodes[1].attributes = ConstAttributes{
      std::make_shared<const Tensor>(RandomFloats({3, 3, 7, 8}, 1))};
  for (const Engine engine : kEngines) {
    EXPECT_EQ(CompileError(graph, engine),
              "node \"conv\" (Conv2D): channels of input 0 = 8: must be in [7, "
              "7]");
  }
}

TEST(CompiledModelTest, RefusesWeightsOfAnotherType) {
  Graph graph = ConvGraph({});
  graph.nodes[2].attributes = ConstAttributes{
      std::make_shared<const Tensor>(Ints({8}, std::vector<int32_t>(8)))};
  for (const Engine engine : kEngines) {
    EXPECT_EQ(CompileError(graph, engine),
              "node \"conv\" (Conv2D): type of input 2 = int32: must be "
              "float32");
  }
}

TEST(CompiledModelTest, RefusesMoreMemoryThanAllowed) {
  const auto model = CompiledModel::Create(
      SmallNetwork(1), {.engine = Engine::kNaive, .max_arena_bytes = 4096});
  EXPECT_EQ(model.status().ToString(),
            "RESOURCE_EXHAUSTED: activation memory: must be at most "
            "max_arena_bytes = 4096");
}

TEST(CompiledModelTest, TheModelOutlivesTheGraphAndItsHandles) {
  const Tensor x = RandomFloats({1, 16, 16, 3}, 9);
  const Tensor expected = RunGraph(SmallNetwork(1), Engine::kOneDnn, {x})[0];
  auto model = Compiled(SmallNetwork(1), Engine::kOneDnn);
  InferRequest request = RequestOf(model);
  model.reset();
  SetInput(request, 0, x);
  SerialFor executor;
  ASSERT_TRUE(request.Run(executor).ok());
  ExpectTensor(OutputOf(request, 0), expected, 0);
}

}  // namespace
}  // namespace cyto8
