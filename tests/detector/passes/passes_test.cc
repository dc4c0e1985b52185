// SPDX-License-Identifier: Apache-2.0
// Tests of calling passes by name.
#include "detector/passes/passes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "detector/graph/shape_inference.h"
#include "detector/import/graph_def_import.h"
#include "tests/detector/passes/small_graph.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

TransformContext NaiveContext() {
  TransformContext context;
  context.evaluator = NaiveEvaluator();
  return context;
}

// A block as a model file has it: weights behind Identity, a batch norm behind
// a bias, swish with its beta, a fusion with ReLU weights.
Graph ImportedGraph() {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 4, 4, 3});
  const ValueRef unused = builder.Input("unused", {1});
  (void)unused;
  const ValueRef kernel = builder.Noise("kernel", {1, 1, 3, 3});
  const ValueRef read = builder.Add(Op::kIdentity, "read", {kernel});
  const ValueRef conv =
      builder.Add(Op::kConv2D, "conv", {x, read}, ConvAttributes{});
  const ValueRef bias = builder.Bias("bias", conv, 3);
  const ValueRef norm = builder.BatchNorm("norm", bias, 3);
  const ValueRef scaled =
      builder.Add(Op::kMul, "scaled", {builder.Scalar("beta", 1), norm});
  const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {scaled});
  const ValueRef swish = builder.Add(Op::kMul, "swish", {norm, gate});
  const ValueRef wrapped = builder.Add(Op::kIdentity, "wrapped", {swish});
  const ValueRef weight =
      builder.Add(Op::kRelu, "weight", {builder.Scalar("WSM", 0.5f)});
  const ValueRef first = builder.Add(Op::kMul, "first", {wrapped, weight});
  const ValueRef second = builder.Add(Op::kMul, "second", {x, weight});
  return builder.Finish({builder.Add(Op::kAddN, "y", {first, second})});
}

TEST(ApplyTransformsTest, InferenceChain) {
  const Graph before = ImportedGraph();
  const auto after =
      ApplyTransforms(before, kInferenceTransforms, NaiveContext());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "x = Input()\n"
            "conv = Conv2D[swish](x, conv/folded_kernel, conv/folded_bias)\n"
            "y = WeightedSum(conv, x, y/weights)\n"
            "-> y = y\n");
  EXPECT_TRUE(ValidateGraph(*after).ok());
}

TEST(ApplyTransformsTest, InferenceChainComputesTheSame) {
  // The unused input goes, so that both graphs read the same noise.
  auto before =
      ApplyTransforms(ImportedGraph(), "strip_unused_nodes", NaiveContext());
  ASSERT_TRUE(before.ok()) << before.status().ToString();
  const auto after =
      ApplyTransforms(*before, kInferenceTransforms, NaiveContext());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_LT(LargestDifference(*before, *after), 1e-5);
}

TEST(ApplyTransformsTest, EveryNameWorks) {
  const auto names = TransformNames();
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  for (const std::string_view name : names) {
    const std::string arguments = name == "remove_nodes" ? "(op=Identity)" : "";
    const auto after = ApplyTransforms(
        ImportedGraph(), std::string(name) + arguments, NaiveContext());
    EXPECT_TRUE(after.ok()) << name << ": " << after.status().ToString();
  }
}

TEST(ApplyTransformsTest, OldBatchNormsAreTheSamePass) {
  const auto fold = [&](const char* name) {
    const auto after = ApplyTransforms(
        ImportedGraph(), "fold_constants " + std::string(name), NaiveContext());
    EXPECT_TRUE(after.ok()) << after.status().ToString();
    return after.ok() ? Structure(*after) : std::string();
  };
  EXPECT_EQ(fold("fold_old_batch_norms"), fold("fold_batch_norms"));
}

TEST(ApplyTransformsTest, StripTakesItsEndsFromTheContext) {
  TransformContext context;
  context.inputs = {"norm"};
  context.outputs = {"swish"};
  const auto after = ApplyTransforms(
      ImportedGraph(),
      "strip_unused_nodes(type=float, shape=\"2,-1,4,3\", name=norm, "
      "shape_for_name=\"1,-1,4,3\", type_for_name=uint8)",
      context);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after),
            "norm = Input()\n"
            "scaled = Mul(beta, norm)\n"
            "gate = Sigmoid(scaled)\n"
            "swish = Mul(norm, gate)\n"
            "-> swish = swish\n");
  const TensorDesc& desc = after->nodes[0].outputs[0].shape
                               ? after->nodes[0].outputs[0]
                               : after->nodes[1].outputs[0];
  EXPECT_EQ(desc.type, DataType::kUint8);
  EXPECT_EQ(desc.shape, (Shape{1, kUnknownDim, 4, 3}));
}

TEST(ApplyTransformsTest, ArgumentsOfFoldConstantsArrive) {
  const auto after = ApplyTransforms(
      ImportedGraph(), "fold_constants(exclude_op=Relu, exclude_node=read)",
      NaiveContext());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_TRUE(FindNode(*after, "WSM").has_value());
  EXPECT_TRUE(FindNode(*after, "read").has_value());
}

std::string ErrorOf(std::string_view transforms) {
  return ApplyTransforms(ImportedGraph(), transforms, NaiveContext())
      .status()
      .ToString();
}

TEST(ApplyTransformsTest, UnknownNamesNameTheNearest) {
  EXPECT_EQ(ErrorOf("fold_batchnorm"),
            "INVALID_ARGUMENT: transform \"fold_batchnorm\" is not known; "
            "did you mean \"fold_batch_norms\"?");
  EXPECT_EQ(ErrorOf("remove_node(op=Identity)"),
            "INVALID_ARGUMENT: transform \"remove_node\" is not known; did "
            "you mean \"remove_nodes\"?");
}

TEST(ApplyTransformsTest, UnknownArgumentsNameTheKnownOnes) {
  EXPECT_EQ(ErrorOf("fold_constants(exclude=Relu)"),
            "INVALID_ARGUMENT: fold_constants: argument \"exclude\": must be "
            "one of exclude_node,exclude_op,ignore_errors");
  EXPECT_EQ(ErrorOf("fold_batch_norms(op=Conv2D)"),
            "INVALID_ARGUMENT: fold_batch_norms: argument \"op\": must be one "
            "of ignore_errors");
}

TEST(ApplyTransformsTest, BadArgumentsAreRefused) {
  EXPECT_EQ(ErrorOf("remove_nodes"),
            "INVALID_ARGUMENT: remove_nodes: op: must be given at least once");
  EXPECT_EQ(ErrorOf("fold_constants(ignore_errors=yes)"),
            "INVALID_ARGUMENT: fold_constants: ignore_errors = \"yes\": must "
            "be true or false");
  EXPECT_EQ(ErrorOf("strip_unused_nodes(type=double)"),
            "INVALID_ARGUMENT: strip_unused_nodes: type = \"double\": must be "
            "one of float, int32, int64, uint8, int8, bool");
  for (const std::string shape : {"1,,2", "1,2,", "-2", "a"}) {
    EXPECT_EQ(ErrorOf("strip_unused_nodes(shape=\"" + shape + "\")"),
              "INVALID_ARGUMENT: strip_unused_nodes: shape = \"" + shape +
                  "\": must be sides >= 0, or -1 if unknown, with commas "
                  "between");
  }
  EXPECT_EQ(ErrorOf("strip_unused_nodes(type_for_name=float)"),
            "INVALID_ARGUMENT: strip_unused_nodes: type_for_name: 1 values for "
            "0 names");
}

TEST(ApplyTransformsTest, IgnoredErrorsKeepTheGraphFromBefore) {
  TransformContext context;
  context.evaluator = [](const Node&, std::span<const Tensor* const>) {
    return StatusOr<std::vector<Tensor>>(InvalidArgument("broken"));
  };
  EXPECT_EQ(ApplyTransforms(ImportedGraph(), "fold_constants", context)
                .status()
                .ToString(),
            "INVALID_ARGUMENT: fold_constants: node \"weight\": broken");
  const auto after = ApplyTransforms(
      ImportedGraph(), "fold_constants(ignore_errors=true)", context);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after), Structure(ImportedGraph()));
}

TEST(ApplyTransformsTest, IgnoreErrorsDoesNotCoverBadArguments) {
  EXPECT_EQ(ErrorOf("fold_constants(ignore_errors=true, nonsense=1)"),
            "INVALID_ARGUMENT: fold_constants: argument \"nonsense\": must be "
            "one of exclude_node,exclude_op,ignore_errors");
}

// An imported network, shapes known.
Graph Imported(const EfficientDetGraphOptions& options) {
  const std::vector<std::byte> bytes = EfficientDetGraphDef(options).ToBytes();
  auto imported = ImportGraphDef(bytes);
  EXPECT_TRUE(imported.ok()) << imported.status().ToString();
  if (!imported.ok()) return Graph();
  auto inferred = InferShapes(imported->graph);
  EXPECT_TRUE(inferred.ok()) << inferred.status().ToString();
  return inferred.ok() ? *std::move(inferred) : Graph();
}

std::map<Op, int64_t> CountOps(const Graph& graph) {
  std::map<Op, int64_t> counts;
  for (const Node& node : graph.nodes) {
    if (node.op != Op::kConst && node.op != Op::kInput) ++counts[node.op];
  }
  return counts;
}

// What is left of D2 (efficientdet.md, section 3): all 144 batch norms, 132
// biases and 98 of the 138 swishes are parts of convolutions, 40 swishes follow
// the fusions, 23 more lie in the squeeze-excites.
TEST(ApplyTransformsTest, EfficientDetD2IsFullyFused) {
  const auto after = ApplyTransforms(Imported(EfficientDetPhi(2)),
                                     kInferenceTransforms, NaiveContext());
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  const std::map<Op, int64_t> expected = {
      {Op::kConv2D, 177 - 2 * 23}, {Op::kDepthwiseConv2D, 103},
      {Op::kSqueezeExcite, 23},    {Op::kAdd, 16},
      {Op::kMaxPool, 22},          {Op::kUpsampleNearest, 20},
      {Op::kWeightedSum, 40},      {Op::kSwish, 40}};
  EXPECT_EQ(CountOps(*after), expected);
}

TEST(ApplyTransformsTest, EverySpellingComputesTheSame) {
  for (const ActivationSpelling activation :
       {ActivationSpelling::kSwishIdentityN, ActivationSpelling::kSwishNative,
        ActivationSpelling::kSwishFunction, ActivationSpelling::kHardSwish,
        ActivationSpelling::kRelu6}) {
    EfficientDetGraphOptions options = MiniEfficientDetGraphOptions();
    options.activation = activation;
    options.add_n = activation == ActivationSpelling::kSwishNative;
    if (activation == ActivationSpelling::kRelu6) {
      options.fusion = FusionSpelling::kSum;
      options.separable = false;
    }
    const Graph before = Imported(options);
    const auto after =
        ApplyTransforms(before, kInferenceTransforms, NaiveContext());
    ASSERT_TRUE(after.ok()) << after.status().ToString();
    EXPECT_FALSE(CountOps(*after).contains(Op::kBatchNorm));
    EXPECT_LT(LargestDifference(before, *after), 1e-4);
  }
}

}  // namespace
}  // namespace cyto8
