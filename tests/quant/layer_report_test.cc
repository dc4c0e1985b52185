// SPDX-License-Identifier: Apache-2.0
// Tests of quant/layer_comparison.h (errors by hand, and of a small network)
// and quant/layer_report.h (which time belongs to which layer).
#include "quant/layer_report.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "quant/layer_comparison.h"
#include "tests/quant/small_network.h"

namespace cyto8 {
namespace {

std::vector<std::byte> BytesOf(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<std::byte> Codes(const std::vector<int>& codes) {
  std::vector<std::byte> bytes;
  for (const int code : codes) bytes.push_back(static_cast<std::byte>(code));
  return bytes;
}

// Codes of step 0.5 from -1 to 126.5.
constexpr ResultCodes kHalves = {.params = {.scale = 0.5f, .zero_point = 2}};
constexpr ResultCodes kFloats = {.are_floats = true};

TEST(CompareResultTest, CountsErrorsOfCodes) {
  LayerError error;
  const std::vector<float> fp32 = {0, 3, 4.25f, -1};
  ASSERT_TRUE(CompareResult(Codes({2, 8, 10, 1}), kHalves, fp32, error).ok());
  EXPECT_EQ(error.values, 4);
  EXPECT_EQ(error.signal, 9 + 4.25 * 4.25 + 1);
  EXPECT_EQ(error.noise, 0.0625 + 0.25);
  EXPECT_EQ(error.max_error, 0.5);
  EXPECT_EQ(error.fp32_min, -1);
  EXPECT_EQ(error.fp32_max, 4.25);
  EXPECT_EQ(error.saturated, 0);
  EXPECT_EQ(error.range->min, -1);
  EXPECT_EQ(error.range->max, 126.5);
}

TEST(CompareResultTest, SaturatedIsMoreThanHalfAStepOutside) {
  LayerError error;
  const std::vector<float> fp32 = {-1.25f, -1.26f, 126.75f, 126.8f, 0};
  ASSERT_TRUE(
      CompareResult(Codes({0, 0, 255, 255, 2}), kHalves, fp32, error).ok());
  EXPECT_EQ(error.saturated, 2);
}

TEST(CompareResultTest, TilesAddUp) {
  LayerError error;
  ASSERT_TRUE(CompareResult(BytesOf({1, 2}), kFloats,
                            std::vector<float>{1.5f, 2}, error)
                  .ok());
  ASSERT_TRUE(
      CompareResult(BytesOf({-4}), kFloats, std::vector<float>{-3}, error)
          .ok());
  EXPECT_EQ(error.values, 3);
  EXPECT_EQ(error.signal, 2.25 + 4 + 9);
  EXPECT_EQ(error.noise, 0.25 + 1);
  EXPECT_EQ(error.max_error, 1);
  EXPECT_EQ(error.fp32_min, -3);
  EXPECT_EQ(error.fp32_max, 2);
  EXPECT_FALSE(error.range);
}

TEST(CompareResultTest, RefusesOtherSizesAndValuesThatAreNotFinite) {
  LayerError error;
  const std::vector<float> three = {1, 2, 3};
  EXPECT_EQ(CompareResult(Codes({1, 2}), kHalves, three, error).message(),
            "2 bytes of the INT8 network: must be 3");
  EXPECT_EQ(CompareResult(Codes({1, 2, 3}), kFloats, three, error).message(),
            "3 bytes of the INT8 network: must be 12");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity()}) {
    LayerError fresh;
    EXPECT_EQ(CompareResult(Codes({1}), kHalves, std::vector<float>{bad}, fresh)
                  .message(),
              "values must be finite");
    EXPECT_EQ(
        CompareResult(BytesOf({bad}), kFloats, std::vector<float>{1}, fresh)
            .message(),
        "values must be finite");
  }
}

TEST(LayerErrorTest, SqnrIsInDecibelAndExistsOnlyWithSignalAndNoise) {
  EXPECT_DOUBLE_EQ(*LayerError({.signal = 1000, .noise = 1}).sqnr_db(), 30);
  EXPECT_FALSE(LayerError({.signal = 1000, .noise = 0}).sqnr_db());
  EXPECT_FALSE(LayerError({.signal = 0, .noise = 1}).sqnr_db());
}

class SmallNetworkTest : public testing::Test {
 protected:
  std::map<std::string, LayerError> Errors(const QuantizeOptions& options) {
    const auto quantized = QuantizedSmallNetwork(graph_, options);
    if (!quantized.ok()) {
      ADD_FAILURE() << quantized.status().message();
      return {};
    }
    auto comparison = LayerComparison::Create(graph_, *quantized, {});
    if (!comparison.ok()) {
      ADD_FAILURE() << comparison.status().message();
      return {};
    }
    SerialFor serial;
    EXPECT_TRUE(comparison->Observe(SmallTile(1), serial).ok());
    return comparison->errors();
  }

  Graph graph_ = SmallNetwork::Make();
};

TEST_F(SmallNetworkTest, EveryLayerWithOneScaleIsCompared) {
  const auto errors = Errors({});
  std::vector<std::string> names;
  for (const auto& [name, error] : errors) names.push_back(name);
  // Neither the gate nor what has a scale for each channel.
  EXPECT_EQ(names,
            (std::vector<std::string>{"add", "dw", "expand", "point", "pool",
                                      "predict", "stem", "sum"}));
  for (const auto& [name, error] : errors) {
    SCOPED_TRACE(name);
    EXPECT_GT(error.sqnr_db().value_or(0), 25);
    EXPECT_EQ(error.range.has_value(), name != "predict");
    EXPECT_EQ(error.saturated, 0);
  }
  EXPECT_EQ(errors.at("stem").values, kSmallSide * kSmallSide * 16);
}

TEST_F(SmallNetworkTest, ANarrowRangeSaturates) {
  const RangeChoiceOptions narrow = {.method = RangeMethod::kPercentile,
                                     .percentile = 99};
  const auto wide = Errors({});
  const auto errors = Errors({.range_of = {{"expand", narrow}}});
  EXPECT_GT(errors.at("expand").saturated, 0);
  EXPECT_LT(errors.at("expand").saturated,
            errors.at("expand").values * 2 / 100);
  EXPECT_LT(*errors.at("expand").sqnr_db(), *wide.at("expand").sqnr_db());
  EXPECT_EQ(errors.at("stem").saturated, 0);
}

TEST_F(SmallNetworkTest, WithoutEqualizationSeparablePartsAreComparedToo) {
  EXPECT_GT(*Errors({.equalize = false}).at("separable").sqnr_db(), 25);
}

TEST_F(SmallNetworkTest, RefusesAnotherNumberOfPixels) {
  const QuantizedGraph quantized = *QuantizedSmallNetwork(graph_, {});
  LayerComparison comparison = *LayerComparison::Create(graph_, quantized, {});
  SerialFor serial;
  EXPECT_EQ(comparison.Observe(std::vector<uint8_t>(5), serial).message(),
            "pixels: 5 bytes: the network takes 3072");
}

struct WantedRow {
  const char* name;
  const char* kind;
  std::optional<double> int8_ms;
  std::optional<double> fp32_ms;
  const char* time_layer;
  std::optional<double> speedup;
};

void ExpectRows(const LayerReport& report,
                const std::vector<WantedRow>& wanted) {
  ASSERT_EQ(report.rows.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const LayerRow& row = report.rows[i];
    SCOPED_TRACE(row.name);
    EXPECT_EQ(row.name, wanted[i].name);
    EXPECT_EQ(row.kind, wanted[i].kind);
    EXPECT_EQ(row.int8_ms, wanted[i].int8_ms);
    EXPECT_EQ(row.fp32_ms, wanted[i].fp32_ms);
    EXPECT_EQ(row.time_layer, wanted[i].time_layer);
    EXPECT_EQ(row.speedup, wanted[i].speedup);
  }
}

// Times by hand: expand and gate have no FP32 step of their own; normalize and
// up are none of the INT8 network.
TEST_F(SmallNetworkTest, TimesComeToTheLayerThatDoesTheWork) {
  const QuantizedGraph quantized = *QuantizedSmallNetwork(graph_, {});
  const NetworkTimes fp32 = {.steps = {{"normalize", 1},
                                       {"stem", 2},
                                       {"dw", 8},
                                       {"add", 16},
                                       {"pool", 32},
                                       {"up", 64},
                                       {"sum", 128},
                                       {"separable", 256},
                                       {"point", 7},
                                       {"stray", 512}},
                             .whole_ms = 1100};
  const NetworkTimes int8 = {.steps = {{"stem", 1},
                                       {"expand", 1},
                                       {"dw", 3},
                                       {"gate", 1},
                                       {"add", 1},
                                       {"pool", 1},
                                       {"sum", 1},
                                       {"separable", 1},
                                       {"point", 1},
                                       {"predict", 1}},
                             .whole_ms = 12};
  const LayerReport report = MakeLayerReport(
      graph_, quantized, {{"stem", {.signal = 4, .noise = 1}}}, fp32, int8);
  ExpectRows(report, {{"stem", "stem", 1, 3, "stem", 3},
                      {"expand", "conv", 1, {}, "dw", {}},
                      {"dw", "depthwise", 3, 8, "dw", 2},
                      {"gate", "QuantizedGate", 1, {}, "add", {}},
                      {"add", "gated conv", 1, 16, "add", 8},
                      {"pool", "max pool", 1, 32, "pool", 32},
                      {"sum", "sum", 1, 192, "sum", 192},
                      {"separable", "depthwise", 1, 256, "separable", 256},
                      {"point", "conv", 1, 7, "point", 7},
                      {"predict", "conv to float", 1, {}, "predict", {}},
                      {"stray", "copy (FP32 only)", {}, 512, "stray", {}}});
  for (const LayerRow& row : report.rows) {
    EXPECT_EQ(row.error.has_value(), row.name == "stem");
  }
  EXPECT_EQ(report.fp32.sum_ms(), 1026);
  EXPECT_DOUBLE_EQ(report.int8.share(), 1);
  EXPECT_EQ(NetworkTimes().share(), 0);
}

// The INT8 network computes expand with dw and point with predict, FP32 dw with
// the gate and add: layers without a step stay, and groups grow together.
TEST_F(SmallNetworkTest, LayersWithoutAStepOfTheirOwnAreThere) {
  const QuantizedGraph quantized = *QuantizedSmallNetwork(graph_, {});
  const LayerReport report = MakeLayerReport(
      graph_, quantized, {{"expand", {}}},
      {.steps = {{"stem", 1}, {"expand", 2}, {"add", 6}, {"predict", 9}}},
      {.steps = {{"stem", 1},
                 {"dw", 1},
                 {"gate", 1},
                 {"add", 2},
                 {"sum", 1},
                 {"predict", 3}}});
  ExpectRows(report, {{"stem", "stem", 1, 1, "stem", 1},
                      {"expand", "conv", {}, 2, "add", {}},
                      {"dw", "depthwise", 1, {}, "add", {}},
                      {"gate", "QuantizedGate", 1, {}, "add", {}},
                      {"add", "gated conv", 2, 6, "add", 2},
                      {"pool", "max pool", {}, {}, "predict", {}},
                      {"sum", "sum", 1, {}, "predict", {}},
                      {"separable", "depthwise", {}, {}, "predict", {}},
                      {"point", "conv", {}, {}, "predict", {}},
                      {"predict", "conv to float", 3, 9, "predict", 9.0 / 4}});
  EXPECT_TRUE(report.rows[1].error);
}

}  // namespace
}  // namespace cyto8
