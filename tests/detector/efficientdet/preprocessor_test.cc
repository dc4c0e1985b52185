// SPDX-License-Identifier: Apache-2.0
// Tests of detector/efficientdet/preprocessor.h against inputs that TensorFlow
// prepared (data/golden): equal to 1e-5 of their range.
#include "detector/efficientdet/preprocessor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/npz.h"

namespace cyto8 {
namespace {

constexpr std::array<float, 3> kMean = {123.675f, 116.28f, 103.53f};
constexpr std::array<float, 3> kDeviation = {58.395f, 57.12f, 57.375f};

constexpr char kOps[] = CYTO8_SOURCE_DIR "/data/golden/tf_ops/tf_ops.npz";

NpzFile Golden(const std::string& path) {
  auto arrays = ReadNpz(path);
  EXPECT_TRUE(arrays.ok()) << arrays.status().ToString();
  return arrays.ok() ? *arrays : NpzFile();
}

ImageView ViewOf(const NpyArray& pixels) {
  return {.data = pixels.As<uint8_t>().data(),
          .width_px = pixels.shape[1],
          .height_px = pixels.shape[0],
          .stride_bytes = pixels.shape[1] * 3};
}

double Range(std::span<const float> values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return static_cast<double>(*high) - static_cast<double>(*low);
}

double LargestError(std::span<const float> a, std::span<const float> b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  }
  return largest;
}

// The options for a stored input [.., H, W, 3].
PreprocessorOptions OptionsFor(const NpyArray& stored,
                               ResizeSampling sampling) {
  const size_t rank = stored.shape.size();
  return {.mean = kMean,
          .deviation = kDeviation,
          .height_px = stored.shape[rank - 3],
          .width_px = stored.shape[rank - 2],
          .sampling = sampling};
}

void ExpectAsStored(const NpyArray& image, const NpyArray& stored, float scale,
                    ResizeSampling sampling) {
  const auto expected = stored.As<float>();
  std::vector<float> input(expected.size(), NAN);
  const auto result =
      Preprocess(ViewOf(image), OptionsFor(stored, sampling), input);
  ASSERT_TRUE(result.ok()) << result.status().ToString();
  EXPECT_EQ(*result, scale);
  EXPECT_LE(LargestError(input, expected), 1e-5 * Range(expected));
}

// Every fifth row and column of their inputs is stored.
std::vector<float> Sampled(std::span<const float> input, int64_t side) {
  constexpr int64_t kStep = 5;
  std::vector<float> sampled;
  for (int64_t y = 0; y < side; y += kStep) {
    for (int64_t x = 0; x < side; x += kStep) {
      const auto pixel = input.begin() + (y * side + x) * 3;
      sampled.insert(sampled.end(), pixel, pixel + 3);
    }
  }
  return sampled;
}

TEST(PreprocessorTest, EqualsServingGraphs) {
  constexpr int64_t kSide = 256;
  for (const char* name : {"tiny-serving", "tiny-serving-hard"}) {
    SCOPED_TRACE(name);
    const NpzFile arrays =
        Golden(CYTO8_GOLDEN_DIR "/efficientdet/" + std::string(name) + ".npz");
    ASSERT_FALSE(arrays.empty());
    std::vector<float> input(kSide * kSide * 3, NAN);
    const auto scale = Preprocess(ViewOf(arrays.at("image")),
                                  {.mean = kMean,
                                   .deviation = kDeviation,
                                   .height_px = kSide,
                                   .width_px = kSide},
                                  input);
    ASSERT_TRUE(scale.ok()) << scale.status().ToString();
    EXPECT_EQ(*scale, arrays.at("scale").As<float>()[0]);
    const auto expected = arrays.at("input_sample").As<float>();
    const std::vector<float> sampled = Sampled(input, kSide);
    ASSERT_EQ(sampled.size(), expected.size());
    EXPECT_LE(LargestError(sampled, expected), 1e-5 * Range(expected));
  }
}

TEST(PreprocessorTest, EqualsTensorFlowForEverySamplingAndTarget) {
  const NpzFile arrays = Golden(kOps);
  ASSERT_FALSE(arrays.empty());
  for (const char* target : {"up", "down", "wide"}) {
    const float scale =
        arrays.at(std::string("scale_") + target).As<float>()[0];
    for (const auto& [name, sampling] :
         {std::pair("half", ResizeSampling::kHalfPixel),
          std::pair("legacy", ResizeSampling::kLegacy),
          std::pair("align", ResizeSampling::kAlignCorners)}) {
      SCOPED_TRACE(std::string(name) + " " + target);
      ExpectAsStored(arrays.at("image"),
                     arrays.at(std::string("input_") + name + "_" + target),
                     scale, sampling);
    }
  }
}

TEST(PreprocessorTest, SamplingsDiffer) {
  const NpzFile arrays = Golden(kOps);
  ASSERT_FALSE(arrays.empty());
  const auto half = arrays.at("input_half_up").As<float>();
  EXPECT_GT(LargestError(half, arrays.at("input_legacy_up").As<float>()), 0.1);
}

TEST(PreprocessorTest, SameSizeOnlyNormalises) {
  const uint8_t pixels[] = {0, 128, 255, 10, 20, 30};
  const ImageView image = {
      .data = pixels, .width_px = 2, .height_px = 1, .stride_bytes = 6};
  std::vector<float> input(6);
  const auto scale = Preprocess(
      image,
      {.mean = kMean, .deviation = kDeviation, .height_px = 1, .width_px = 2},
      input);
  ASSERT_TRUE(scale.ok());
  EXPECT_EQ(*scale, 1);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(input[i], (static_cast<float>(pixels[i]) - kMean[i % 3]) /
                            kDeviation[i % 3]);
  }
}

TEST(PreprocessorTest, PadsRightAndBottomWithZeros) {
  const uint8_t pixels[] = {255, 255, 255};
  const ImageView image = {
      .data = pixels, .width_px = 1, .height_px = 1, .stride_bytes = 3};
  std::vector<float> input(2 * 3 * 3, NAN);
  ASSERT_TRUE(Preprocess(image, {.height_px = 2, .width_px = 3}, input).ok());
  for (size_t y = 0; y < 2; ++y) {
    for (size_t x = 0; x < 3; ++x) {
      EXPECT_EQ(input[(y * 3 + x) * 3], x < 2 ? 255 : 0) << y << " " << x;
    }
  }
}

TEST(PreprocessorTest, RefusesArgumentsOutOfRange) {
  const std::vector<uint8_t> pixels(300);
  const ImageView image = {.data = pixels.data(),
                           .width_px = 100,
                           .height_px = 1,
                           .stride_bytes = 300};
  std::vector<float> input(8 * 8 * 3);
  const auto error = [&](const ImageView& view, PreprocessorOptions options) {
    return Preprocess(view, options, input).status().message();
  };
  EXPECT_EQ(error(image, {.height_px = 8, .width_px = 8}),
            "image 100 x 1 px: too narrow to be resized to 8 x 8");
  EXPECT_EQ(error({}, {.height_px = 8, .width_px = 8}),
            "image width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(error(image, {.height_px = 8, .width_px = 0}),
            "input width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(error(image, {.height_px = 4, .width_px = 8}),
            "floats of the network input = 192: must be in [96, 96]");
  EXPECT_EQ(
      error(image, {.deviation = {1, 0, 1}, .height_px = 8, .width_px = 8}),
      "deviation = 0: must be in [1e-06, 1e+06]");
}

TEST(PreprocessorTest, SamplingsHaveNames) {
  EXPECT_EQ(ResizeSamplingName(ResizeSampling::kHalfPixel), "half-pixel");
  EXPECT_EQ(ResizeSamplingName(ResizeSampling::kLegacy), "legacy");
  EXPECT_EQ(ResizeSamplingName(ResizeSampling::kAlignCorners), "align-corners");
}

}  // namespace
}  // namespace cyto8
