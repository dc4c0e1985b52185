// SPDX-License-Identifier: Apache-2.0
// Tests of recognising activations that are spelled out.
#include "detector/passes/recognize_swish.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

constexpr double kRounding = 1e-6;

// Recognises and checks that the result is valid and computes the same.
std::string Recognized(const Graph& before) {
  const auto after = RecognizeSwish(before);
  if (!after.ok()) return after.status().ToString();
  const Status valid = ValidateGraph(*after);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_LT(LargestDifference(before, *after), kRounding);
  return Structure(*after);
}

TEST(RecognizeSwishTest, ProductWithSigmoidInEitherOrder) {
  for (const bool gate_first : {false, true}) {
    GraphBuilder builder;
    const ValueRef x = builder.Input("x", {2, 8});
    const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {x});
    const ValueRef y = gate_first ? builder.Add(Op::kMul, "y", {gate, x})
                                  : builder.Add(Op::kMul, "y", {x, gate});
    EXPECT_EQ(Recognized(builder.Finish({y})),
              "x = Input()\n"
              "y = Swish[1](x)\n"
              "-> y = y\n");
  }
}

TEST(RecognizeSwishTest, ScalarBetaInEitherOrder) {
  for (const bool beta_first : {false, true}) {
    GraphBuilder builder;
    const ValueRef x = builder.Input("x", {2, 8});
    const ValueRef beta = builder.Scalar("beta", 1.5f);
    const ValueRef scaled = beta_first
                                ? builder.Add(Op::kMul, "scaled", {beta, x})
                                : builder.Add(Op::kMul, "scaled", {x, beta});
    const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {scaled});
    const ValueRef y = builder.Add(Op::kMul, "y", {x, gate});
    EXPECT_EQ(Recognized(builder.Finish({y})),
              "x = Input()\n"
              "y = Swish[1.5](x)\n"
              "-> y = y\n");
  }
}

TEST(RecognizeSwishTest, UnknownShapeTakesTrueScalarsOnly) {
  for (const bool scalar : {true, false}) {
    GraphBuilder builder;
    const ValueRef x = builder.Input("x", {8});
    const ValueRef beta =
        scalar ? builder.Scalar("beta", 2) : builder.Floats("beta", {1}, {2});
    const ValueRef scaled = builder.Add(Op::kMul, "scaled", {beta, x});
    const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {scaled});
    const ValueRef y = builder.Add(Op::kMul, "y", {x, gate});
    Graph graph = builder.Finish({y});
    for (Node& node : graph.nodes) {
      if (node.op != Op::kConst) node.outputs[0].shape.reset();
    }
    const auto after = RecognizeSwish(graph);
    ASSERT_TRUE(after.ok()) << after.status().ToString();
    EXPECT_EQ(Structure(*after) == Structure(graph), !scalar);
  }
}

TEST(RecognizeSwishTest, SwishOfAScaledValue) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {8});
  const ValueRef twice =
      builder.Add(Op::kMul, "twice", {x, builder.Scalar("two", 2)});
  const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {twice});
  const ValueRef y = builder.Add(Op::kMul, "y", {twice, gate});
  EXPECT_EQ(Recognized(builder.Finish({y})),
            "x = Input()\n"
            "twice = Mul(x, two)\n"
            "y = Swish[1](twice)\n"
            "-> y = y\n");
}

// x * relu6(x + 3) / 6 with the sixth at one of six places.
Graph HardSwishGraph(int place) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {64});
  const ValueRef six = builder.Scalar("six", 6);
  const ValueRef sixth = builder.Scalar("sixth", 1.0f / 6);
  const ValueRef sum =
      builder.Add(Op::kAdd, "sum", {x, builder.Scalar("three", 3)});
  ValueRef gate = builder.Add(Op::kRelu6, "gate", {sum});
  ValueRef left = x;
  if (place == 0) gate = builder.Add(Op::kDiv, "part", {gate, six});
  if (place == 1) gate = builder.Add(Op::kMul, "part", {sixth, gate});
  if (place == 2) left = builder.Add(Op::kDiv, "part", {x, six});
  if (place == 3) left = builder.Add(Op::kMul, "part", {x, sixth});
  ValueRef y = builder.Add(Op::kMul, "product", {left, gate});
  if (place == 4) y = builder.Add(Op::kDiv, "part", {y, six});
  if (place == 5) y = builder.Add(Op::kMul, "part", {sixth, y});
  return builder.Finish({y});
}

TEST(RecognizeSwishTest, HardSwishWithTheSixthAnywhere) {
  for (int place = 0; place < 6; ++place) {
    const std::string name = place < 4 ? "product" : "part";
    EXPECT_EQ(Recognized(HardSwishGraph(place)), "x = Input()\n" + name +
                                                     " = HardSwish(x)\n-> " +
                                                     name + " = " + name + "\n")
        << "place " << place;
  }
}

TEST(RecognizeSwishTest, HardSwishWithoutASixthIsNone) {
  const Graph graph = HardSwishGraph(/*place=*/-1);
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

TEST(RecognizeSwishTest, Mish) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {64});
  const ValueRef softplus = builder.Add(Op::kSoftplus, "softplus", {x});
  const ValueRef gate = builder.Add(Op::kTanh, "gate", {softplus});
  const ValueRef y = builder.Add(Op::kMul, "y", {gate, x});
  EXPECT_EQ(Recognized(builder.Finish({y})),
            "x = Input()\n"
            "y = Mish(x)\n"
            "-> y = y\n");
}

TEST(RecognizeSwishTest, LeavesTheGateOfASqueezeExcite) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {8});
  const ValueRef other = builder.Add(Op::kNeg, "other", {x});
  const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {other});
  const Graph graph = builder.Finish({builder.Add(Op::kMul, "y", {x, gate})});
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

TEST(RecognizeSwishTest, LeavesASigmoidThatIsAnOutput) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {8});
  const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {x});
  const ValueRef y = builder.Add(Op::kMul, "y", {x, gate});
  const Graph graph = builder.Finish({gate, y});
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

TEST(RecognizeSwishTest, LeavesASigmoidThatSomebodyElseReads) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {8});
  const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {x});
  const ValueRef y = builder.Add(Op::kMul, "y", {x, gate});
  const ValueRef z = builder.Add(Op::kNeg, "z", {gate});
  const Graph graph = builder.Finish({y, z});
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

TEST(RecognizeSwishTest, LeavesABetaPerChannelOrComputed) {
  for (const bool computed : {false, true}) {
    GraphBuilder builder;
    const ValueRef x = builder.Input("x", {8});
    const ValueRef beta =
        computed ? builder.Input("beta", {}) : builder.Noise("beta", {8});
    const ValueRef scaled = builder.Add(Op::kMul, "scaled", {beta, x});
    const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {scaled});
    const Graph graph = builder.Finish({builder.Add(Op::kMul, "y", {x, gate})});
    EXPECT_EQ(Recognized(graph), Structure(graph));
  }
}

TEST(RecognizeSwishTest, LeavesABetaThatWidensTheShape) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {8});
  const ValueRef beta = builder.Floats("beta", {1, 1}, {1});
  const ValueRef scaled = builder.Add(Op::kMul, "scaled", {x, beta});
  const ValueRef gate = builder.Add(Op::kSigmoid, "gate", {scaled});
  const Graph graph = builder.Finish({builder.Add(Op::kMul, "y", {x, gate})});
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

}  // namespace
}  // namespace cyto8
