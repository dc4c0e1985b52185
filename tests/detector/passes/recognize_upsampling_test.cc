// SPDX-License-Identifier: Apache-2.0
// Tests of recognising up-sampling.
#include "detector/passes/recognize_upsampling.h"

#include <gtest/gtest.h>

#include "tests/detector/passes/small_graph.h"

namespace cyto8 {
namespace {

std::string Recognized(const Graph& before) {
  const auto after = RecognizeUpsampling(before);
  if (!after.ok()) return after.status().ToString();
  const Status valid = ValidateGraph(*after);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
  EXPECT_EQ(LargestDifference(before, *after), 0);
  return Structure(*after);
}

Graph ResizeGraph(const std::vector<int32_t>& size,
                  ResizeAttributes attributes) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2, 2, 3, 2});
  const ValueRef y = builder.Add(Op::kResizeNearest, "y",
                                 {x, builder.Ints("size", size)}, attributes);
  return builder.Finish({y});
}

constexpr char kUpsampled[] =
    "x = Input()\n"
    "y = UpsampleNearest[2,3](x)\n"
    "-> y = y\n";

TEST(RecognizeUpsamplingTest, ResizeToAMultiple) {
  EXPECT_EQ(Recognized(ResizeGraph({4, 9}, {})), kUpsampled);
  EXPECT_EQ(Recognized(ResizeGraph({4, 9}, {.half_pixel_centers = true})),
            kUpsampled);
}

TEST(RecognizeUpsamplingTest, LeavesOtherResizes) {
  for (const Graph& graph : {ResizeGraph({4, 8}, {}), ResizeGraph({1, 9}, {}),
                             ResizeGraph({4, 9}, {.align_corners = true})}) {
    EXPECT_EQ(Recognized(graph), Structure(graph));
  }
}

TEST(RecognizeUpsamplingTest, LeavesASizeThatIsNoConstant) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {2, 2, 3, 2});
  const ValueRef doubled =
      builder.Add(Op::kCast, "size", {builder.Input("given", {2})},
                  CastAttributes{DataType::kInt32});
  const Graph graph = builder.Finish(
      {builder.Add(Op::kResizeNearest, "y", {x, doubled}, ResizeAttributes{})});
  const auto after = RecognizeUpsampling(graph);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after), Structure(graph));
}

TEST(RepeatsPixelsTest, PowersOfTwoAlwaysDo) {
  for (const bool half_pixel : {false, true}) {
    for (int64_t in = 1; in <= 200; ++in) {
      for (const int64_t factor : {1, 2, 4, 8}) {
        EXPECT_TRUE(RepeatsPixels(in, in * factor, half_pixel));
      }
    }
  }
}

TEST(RepeatsPixelsTest, RoundingOfTheLegacyScaleIsNotIgnored) {
  // The float nearest to 1/41 lies below it, so TensorFlow takes pixel 0 for
  // x = 41; half-pixel centres stay clear of that edge.
  int64_t different = 0;
  for (int64_t factor = 1; factor <= 64; ++factor) {
    EXPECT_TRUE(RepeatsPixels(2, 2 * factor, true)) << factor;
    if (!RepeatsPixels(2, 2 * factor, false)) ++different;
  }
  EXPECT_GT(different, 0);
}

TEST(RepeatsPixelsTest, RefusesSizesThatAreNoMultiple) {
  EXPECT_FALSE(RepeatsPixels(4, 6, false));
  EXPECT_FALSE(RepeatsPixels(4, 2, false));
  EXPECT_FALSE(RepeatsPixels(0, 0, false));
  EXPECT_FALSE(RepeatsPixels(kUnknownDim, kUnknownDim, false));
}

enum class Repeat { kOnes, kOnesFirst, kTile, kBroadcast };

// Reshape - repeat 2 x 3 - Reshape, with the factor of the Mul as given.
Graph ReshapeGraph(Repeat repeat, float factor = 1, int64_t batch = 2,
                   int32_t batch_tiles = 1) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {batch, 2, 3, 2});
  const ValueRef narrow =
      builder.Add(Op::kReshape, "narrow",
                  {x, builder.Ints("narrow/shape", {-1, 2, 1, 3, 1, 2})});
  const ValueRef ones =
      builder.Floats("ones", {1, 1, 2, 1, 3, 1}, std::vector<float>(6, factor));
  ValueRef wide;
  switch (repeat) {
    case Repeat::kOnes:
      wide = builder.Add(Op::kMul, "wide", {narrow, ones});
      break;
    case Repeat::kOnesFirst:
      wide = builder.Add(Op::kMul, "wide", {ones, narrow});
      break;
    case Repeat::kTile:
      wide = builder.Add(
          Op::kTile, "wide",
          {narrow, builder.Ints("tiles", {batch_tiles, 1, 2, 1, 3, 1})});
      break;
    case Repeat::kBroadcast:
      wide =
          builder.Add(Op::kBroadcastTo, "wide",
                      {narrow, builder.Ints("wide/shape", {2, 2, 2, 3, 3, 2})});
      break;
  }
  const ValueRef y = builder.Add(
      Op::kReshape, "y", {wide, builder.Ints("y/shape", {-1, 4, 9, 2})});
  return builder.Finish({y});
}

TEST(RecognizeUpsamplingTest, ReshapeAndRepeat) {
  for (const Repeat repeat :
       {Repeat::kOnes, Repeat::kOnesFirst, Repeat::kTile, Repeat::kBroadcast}) {
    EXPECT_EQ(Recognized(ReshapeGraph(repeat)), kUpsampled)
        << static_cast<int>(repeat);
  }
}

TEST(RecognizeUpsamplingTest, ReshapeAndRepeatOfAnUnknownBatch) {
  for (const Repeat repeat : {Repeat::kOnes, Repeat::kTile}) {
    const auto after =
        RecognizeUpsampling(ReshapeGraph(repeat, 1, kUnknownDim));
    ASSERT_TRUE(after.ok()) << after.status().ToString();
    EXPECT_EQ(Structure(*after), kUpsampled);
  }
}

TEST(RecognizeUpsamplingTest, LeavesATileOfAnUnknownBatch) {
  const Graph graph = ReshapeGraph(Repeat::kTile, 1, kUnknownDim, 2);
  const auto after = RecognizeUpsampling(graph);
  ASSERT_TRUE(after.ok()) << after.status().ToString();
  EXPECT_EQ(Structure(*after), Structure(graph));
}

TEST(RecognizeUpsamplingTest, LeavesFactorsOtherThanOne) {
  const Graph graph = ReshapeGraph(Repeat::kOnes, 2);
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

TEST(RecognizeUpsamplingTest, LeavesRepeatedValuesThatAreOutputs) {
  Graph graph = ReshapeGraph(Repeat::kOnes);
  const int64_t wide = *FindNode(graph, "wide");
  graph.outputs.push_back({.name = "wide", .value = {wide, 0}});
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

TEST(RecognizeUpsamplingTest, LeavesTheOtherOrderOfAxes) {
  GraphBuilder builder;
  const ValueRef x = builder.Input("x", {1, 2, 2, 2});
  const ValueRef narrow =
      builder.Add(Op::kReshape, "narrow",
                  {x, builder.Ints("narrow/shape", {1, 1, 2, 1, 2, 2})});
  const ValueRef wide = builder.Add(
      Op::kMul, "wide",
      {narrow,
       builder.Floats("ones", {1, 2, 1, 2, 1, 1}, std::vector<float>(4, 1))});
  const ValueRef y = builder.Add(Op::kReshape, "y",
                                 {wide, builder.Ints("y/shape", {1, 4, 4, 2})});
  const Graph graph = builder.Finish({y});
  EXPECT_EQ(Recognized(graph), Structure(graph));
}

}  // namespace
}  // namespace cyto8
