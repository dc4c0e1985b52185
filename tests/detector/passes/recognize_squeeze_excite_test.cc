// SPDX-License-Identifier: Apache-2.0
// Tests of recognising squeeze-and-excitation.
#include "detector/passes/recognize_squeeze_excite.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

constexpr double kRounding = 1e-5;

enum class Pooling {
  kMean,
  kMeanNegativeAxes,
  kMeanReshape,
  kMeanExpand,
  kPool
};

// What a block looks like; each test changes one thing.
struct Spelling {
  Pooling pooling = Pooling::kMean;
  Op activation = Op::kSwish;
  Attributes activation_attributes = SwishAttributes{};
  bool with_bias = true;
  bool gate_first = false;
  std::vector<int32_t> axes = {1, 2};
  Op gate = Op::kSigmoid;
  bool gates_its_own_image = true;
};

ValueRef AddPooling(GraphBuilder& builder, ValueRef x,
                    const Spelling& spelling) {
  const ReduceAttributes keep{.keep_dims = true};
  switch (spelling.pooling) {
    case Pooling::kMean:
      return builder.Add(Op::kMean, "mean",
                         {x, builder.Ints("axes", spelling.axes)}, keep);
    case Pooling::kMeanNegativeAxes:
      return builder.Add(Op::kMean, "mean", {x, builder.Ints("axes", {-2, -3})},
                         keep);
    case Pooling::kMeanReshape: {
      const ValueRef mean =
          builder.Add(Op::kMean, "mean", {x, builder.Ints("axes", {1, 2})},
                      ReduceAttributes{});
      return builder.Add(Op::kReshape, "square",
                         {mean, builder.Ints("shape", {-1, 1, 1, 4})});
    }
    case Pooling::kMeanExpand: {
      const ValueRef mean =
          builder.Add(Op::kMean, "mean", {x, builder.Ints("axes", {1, 2})},
                      ReduceAttributes{});
      const ValueRef wide = builder.Add(Op::kExpandDims, "wide",
                                        {mean, builder.Ints("one", {1})});
      return builder.Add(Op::kExpandDims, "square",
                         {wide, builder.Ints("two", {1})});
    }
    case Pooling::kPool:
      return builder.Add(Op::kAvgPool, "pool", {x},
                         PoolAttributes{.kernel = {3, 5}, .strides = {3, 5}});
  }
  return {};
}

ValueRef AddDense(GraphBuilder& builder, const std::string& name, ValueRef x,
                  int64_t in, int64_t out, bool with_bias) {
  std::vector<ValueRef> inputs = {
      x, builder.Noise(name + "/kernel", {1, 1, in, out})};
  if (with_bias) inputs.push_back(builder.Noise(name + "/bias", {out}));
  return builder.Add(Op::kConv2D, name, std::move(inputs),
                     ConvAttributes{.padding = {.kind = PaddingKind::kSame}});
}

// Inputs x and the values of the block, the result last.
struct Block {
  ValueRef x, pooled, reduced, active, expanded, gate, y;
};

Block AddBlock(GraphBuilder& builder, const Spelling& spelling) {
  Block block;
  block.x = builder.Input("x", {2, 3, 5, 4});
  block.pooled = AddPooling(builder, block.x, spelling);
  block.reduced =
      AddDense(builder, "reduce", block.pooled, 4, 2, spelling.with_bias);
  block.active = builder.Add(spelling.activation, "active", {block.reduced},
                             spelling.activation_attributes);
  block.expanded =
      AddDense(builder, "expand", block.active, 2, 4, spelling.with_bias);
  block.gate = builder.Add(spelling.gate, "gate", {block.expanded});
  const ValueRef image = spelling.gates_its_own_image
                             ? block.x
                             : builder.Input("other", {2, 3, 5, 4});
  block.y = spelling.gate_first
                ? builder.Add(Op::kMul, "y", {block.gate, image})
                : builder.Add(Op::kMul, "y", {image, block.gate});
  return block;
}

Graph BlockGraph(const Spelling& spelling) {
  GraphBuilder builder;
  return builder.Finish({AddBlock(builder, spelling).y});
}

std::string Recognized(const Graph& before) {
  const auto after = RecognizeSqueezeExcite(before);
  if (!after.ok()) return after.status().ToString();
  const Status valid = ValidateGraph(*after);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_LT(LargestDifference(before, *after), kRounding);
  return Structure(*after);
}

std::string OneBlock(const std::string& activation) {
  return "x = Input()\ny = SqueezeExcite[" + activation +
         "](x, y/reduce_kernel, y/reduce_bias, y/expand_kernel, "
         "y/expand_bias)\n-> y = y\n";
}

TEST(RecognizeSqueezeExciteTest, EveryWayToPool) {
  for (const Pooling pooling :
       {Pooling::kMean, Pooling::kMeanNegativeAxes, Pooling::kMeanReshape,
        Pooling::kMeanExpand, Pooling::kPool}) {
    Spelling spelling;
    spelling.pooling = pooling;
    EXPECT_EQ(Recognized(BlockGraph(spelling)), OneBlock("swish"))
        << "pooling " << static_cast<int>(pooling);
  }
}

TEST(RecognizeSqueezeExciteTest, EitherOrderOfTheProduct) {
  Spelling spelling;
  spelling.gate_first = true;
  EXPECT_EQ(Recognized(BlockGraph(spelling)), OneBlock("swish"));
}

TEST(RecognizeSqueezeExciteTest, OtherActivations) {
  for (const auto& [op, name] :
       {std::pair(Op::kRelu, "relu"), std::pair(Op::kRelu6, "relu6"),
        std::pair(Op::kHardSwish, "hard_swish")}) {
    Spelling spelling;
    spelling.activation = op;
    spelling.activation_attributes = {};
    EXPECT_EQ(Recognized(BlockGraph(spelling)), OneBlock(name));
  }
}

TEST(RecognizeSqueezeExciteTest, MissingBiasesAreZeros) {
  Spelling spelling;
  spelling.with_bias = false;
  const Graph before = BlockGraph(spelling);
  EXPECT_EQ(Recognized(before), OneBlock("swish"));
  const auto after = RecognizeSqueezeExcite(before);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(FloatsOf(*after, "y/reduce_bias"), (std::vector<float>{0, 0}));
}

TEST(RecognizeSqueezeExciteTest, LeavesOtherSpellings) {
  Spelling mish;
  mish.activation = Op::kMish;
  mish.activation_attributes = {};
  Spelling rows_only;
  rows_only.axes = {1};
  Spelling relu_gate;
  relu_gate.gate = Op::kRelu;
  Spelling other_image;
  other_image.gates_its_own_image = false;
  for (const Spelling& spelling : {mish, rows_only, relu_gate, other_image}) {
    const Graph graph = BlockGraph(spelling);
    EXPECT_EQ(Recognized(graph), Structure(graph));
  }
}

TEST(RecognizeSqueezeExciteTest, LeavesInnerValuesThatAreOutputs) {
  for (const ValueRef Block::*inner :
       {&Block::pooled, &Block::reduced, &Block::active, &Block::expanded,
        &Block::gate}) {
    GraphBuilder builder;
    const Block block = AddBlock(builder, {});
    const Graph graph = builder.Finish({block.*inner, block.y});
    EXPECT_EQ(Recognized(graph), Structure(graph));
  }
}

}  // namespace
}  // namespace cyto8
