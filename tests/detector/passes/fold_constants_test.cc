// SPDX-License-Identifier: Apache-2.0
// Tests of constant folding.
#include "detector/passes/fold_constants.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

std::string Folded(const Graph& graph,
                   const FoldConstantsOptions& options = {}) {
  const auto result = FoldConstants(graph, NaiveEvaluator(), options);
  return result.ok() ? Structure(*result) : result.status().ToString();
}

// x * relu(w) / (relu(w) + epsilon), w read through an Identity.
Graph FastAttention() {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {4});
  const ValueRef weight = builder.Scalar("w", 3);
  const ValueRef read = builder.Add(Op::kIdentity, "read", {weight});
  const ValueRef relu = builder.Add(Op::kRelu, "relu", {read});
  const ValueRef epsilon = builder.Scalar("epsilon", 1);
  const ValueRef total = builder.Add(Op::kAdd, "total", {relu, epsilon});
  const ValueRef scaled = builder.Add(Op::kMul, "scaled", {x, relu});
  const ValueRef y = builder.Add(Op::kDiv, "y", {scaled, total});
  return builder.Finish({y});
}

TEST(FoldConstantsTest, ComputesConstantSubgraphs) {
  const Graph before = FastAttention();
  const auto after = FoldConstants(before, NaiveEvaluator());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "scaled = Mul(x, relu)\n"
            "y = Div(scaled, total)\n"
            "-> y = y\n");
  EXPECT_EQ(ConstantNames(*after), "relu total");
  EXPECT_EQ(FloatsOf(*after, "relu"), std::vector<float>{3});
  EXPECT_EQ(FloatsOf(*after, "total"), std::vector<float>{4});
  EXPECT_EQ(LargestDifference(before, *after), 0);
}

TEST(FoldConstantsTest, ReadersOfAnIdentityReadTheConstant) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {3});
  const ValueRef bias = builder.Noise("bias", {3});
  const ValueRef read = builder.Add(Op::kIdentity, "read", {bias});
  const ValueRef again = builder.Add(Op::kIdentity, "again", {read});
  const ValueRef a = builder.Add(Op::kBiasAdd, "a", {x, read});
  const ValueRef b = builder.Add(Op::kBiasAdd, "b", {a, again});
  EXPECT_EQ(Folded(builder.Finish({b})),
            "x = Input()\n"
            "a = BiasAdd(x, bias)\n"
            "b = BiasAdd(a, bias)\n"
            "-> b = b\n");
}

TEST(FoldConstantsTest, KnownShapesAreConstants) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2, 3});
  const ValueRef y = builder.Input("y", {6});
  const ValueRef shape =
      builder.Add(Op::kShape, "shape", {x}, CastAttributes{DataType::kInt32});
  const ValueRef result = builder.Add(Op::kReshape, "result", {y, shape});
  const auto after = FoldConstants(builder.Finish({result}), NaiveEvaluator());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "y = Input()\n"
            "result = Reshape(y, shape)\n"
            "-> result = result\n");
  // The constant made the shape of what follows known.
  EXPECT_EQ(after->desc(after->outputs[0].value).shape, Shape({2, 3}));
}

TEST(FoldConstantsTest, UnknownShapesStay) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {kUnknownDim, 3});
  const ValueRef shape =
      builder.Add(Op::kShape, "shape", {x}, CastAttributes{DataType::kInt64});
  EXPECT_EQ(Folded(builder.Finish({shape})),
            "x = Input()\n"
            "shape = Shape(x)\n"
            "-> shape = shape\n");
}

TEST(FoldConstantsTest, SeveralOutputsBecomeSeveralConstants) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {});
  const ValueRef both = builder.Floats("both", {2}, {5, 6});
  const ValueRef parts =
      builder.Add(Op::kUnpack, "parts", {both}, UnpackAttributes{.count = 2});
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {x, parts});
  Graph before = builder.Finish({sum});
  before.node(parts).outputs.resize(2);
  before.outputs.push_back({.name = "second", .value = {parts.node, 1}});
  const auto after = FoldConstants(before, NaiveEvaluator());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "sum = Add(x, parts/output_0)\n"
            "-> sum = sum\n"
            "-> second = parts/output_1\n");
  EXPECT_EQ(FloatsOf(*after, "parts/output_1"), std::vector<float>{6});
}

TEST(FoldConstantsTest, LeavesWhatIsExcluded) {
  const std::string unchanged_relu =
      "x = Input()\n"
      "relu = Relu(w)\n"
      "total = Add(relu, epsilon)\n"
      "scaled = Mul(x, relu)\n"
      "y = Div(scaled, total)\n"
      "-> y = y\n";
  EXPECT_EQ(
      Folded(FastAttention(),
             {.exclude_ops = {"Relu"}, .exclude_nodes = {}, .limits = {}}),
      unchanged_relu);
  EXPECT_EQ(
      Folded(FastAttention(),
             {.exclude_ops = {}, .exclude_nodes = {"relu"}, .limits = {}}),
      unchanged_relu);
}

// A Fill of `count` floats added to x.
Graph FillGraph(int32_t count) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1});
  const ValueRef size = builder.Ints("size", {count});
  const ValueRef one = builder.Scalar("one", 1);
  const ValueRef ones = builder.Add(Op::kFill, "ones", {size, one});
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {x, ones});
  return builder.Finish({sum});
}

TEST(FoldConstantsTest, LeavesWhatWouldGrowBeyondTheLimit) {
  constexpr auto kMost = static_cast<int32_t>(kMaxFoldedBytes / 4);
  EXPECT_EQ(Folded(FillGraph(kMost)),
            "x = Input()\n"
            "sum = Add(x, ones)\n"
            "-> sum = sum\n");
  EXPECT_EQ(Folded(FillGraph(kMost + 1)),
            "x = Input()\n"
            "ones = Fill(size, one)\n"
            "sum = Add(x, ones)\n"
            "-> sum = sum\n");
}

TEST(FoldConstantsTest, LargeConstantsThatDoNotGrowAreFolded) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1});
  const ValueRef large = builder.Noise("large", {kMaxFoldedBytes / 4 + 1});
  const ValueRef negated = builder.Add(Op::kNeg, "negated", {large});
  const ValueRef sum = builder.Add(Op::kAdd, "sum", {x, negated});
  EXPECT_EQ(Folded(builder.Finish({sum})),
            "x = Input()\n"
            "sum = Add(x, negated)\n"
            "-> sum = sum\n");
}

TEST(FoldConstantsTest, LeavesWhatTheEvaluatorDoesNotKnow) {
  const NodeEvaluator knows_nothing = [](const Node&,
                                         std::span<const Tensor* const>) {
    return StatusOr<std::vector<Tensor>>(Unimplemented("no"));
  };
  const auto after = FoldConstants(FastAttention(), knows_nothing);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "relu = Relu(w)\n"
            "total = Add(relu, epsilon)\n"
            "scaled = Mul(x, relu)\n"
            "y = Div(scaled, total)\n"
            "-> y = y\n");
}

TEST(FoldConstantsTest, OtherErrorsNameTheNode) {
  const NodeEvaluator fails = [](const Node&, std::span<const Tensor* const>) {
    return StatusOr<std::vector<Tensor>>(InvalidArgument("wrong type"));
  };
  EXPECT_EQ(FoldConstants(FastAttention(), fails).status().ToString(),
            "INVALID_ARGUMENT: node \"relu\": wrong type");
  const NodeEvaluator gives_nothing = [](const Node&,
                                         std::span<const Tensor* const>) {
    return StatusOr<std::vector<Tensor>>(std::vector<Tensor>());
  };
  EXPECT_EQ(FoldConstants(FastAttention(), gives_nothing).status().ToString(),
            "INTERNAL: node \"relu\": the evaluator gave 0 outputs, not 1");
}

TEST(FoldConstantsTest, RefusesACycle) {
  Graph graph = FastAttention();
  graph.nodes[static_cast<size_t>(*FindNode(graph, "scaled"))].inputs[1] = {
      *FindNode(graph, "y"), 0};
  EXPECT_EQ(FoldConstants(graph, NaiveEvaluator()).status().code(),
            StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace cyto8
