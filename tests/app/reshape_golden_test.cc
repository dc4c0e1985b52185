// SPDX-License-Identifier: Apache-2.0
// NetworkForSize against TensorFlow: graphs frozen for one size, the answers of
// the same networks built for another (data/golden/reshape).
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "app/network.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/import/graph_def_import.h"
#include "detector/runtime/compiled_model.h"
#include "tests/app/app_fixture.h"
#include "tests/app/golden_comparison.h"
#include "tests/support/npz.h"

namespace cyto8 {
namespace {

const char kFolder[] = CYTO8_SOURCE_DIR "/data/golden/reshape/";
constexpr double kOutputLimit = 1e-4;  // of the output's range.

struct Case {
  std::string name;
  Shape old_shape;  // what a card says where the graph leaves sides open.
};

class ReshapeGoldenTest : public testing::TestWithParam<Case> {};

StatusOr<Graph> PreparedAt(const Case& golden, Rewriting rewriting) {
  const auto bytes = ReadBytes(kFolder + golden.name + ".pb");
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported,
                         ImportGraphDef(bytes, Limits()));
  NetworkCut cut;
  cut.inputs["input"] = {.type = DataType::kFloat32, .shape = golden.old_shape};
  cut.outputs = {"head_0", "head_1", "head_2"};
  return PrepareNetwork(std::move(imported.graph), cut, rewriting, Limits());
}

void ExpectAnswers(const Graph& graph, const NpzFile& arrays, Engine engine) {
  const auto model = CompiledModel::Create(graph, {.engine = engine});
  ASSERT_TRUE(model.ok()) << model.status().message();
  InferRequest request = InferRequest::Create(*model).value();
  const std::vector<std::byte>& image = arrays.at("in_input").bytes;
  ASSERT_EQ(image.size(), request.input(0).size());
  std::copy(image.begin(), image.end(), request.input(0).begin());
  SerialFor executor;
  ASSERT_TRUE(request.Run(executor).ok());
  for (int64_t i = 0; i < 3; ++i) {
    const NpyArray& expected = arrays.at("out_head_" + std::to_string(i));
    EXPECT_EQ((*model)->outputs()[static_cast<size_t>(i)].shape,
              expected.shape);
    EXPECT_LE(ErrorOfRange(request.output_as<float>(i), expected.As<float>()),
              kOutputLimit)
        << i;
  }
}

TEST_P(ReshapeGoldenTest, GivesWhatTensorFlowGaveAtTheNewSize) {
  const auto arrays = ReadNpz(kFolder + GetParam().name + ".npz");
  ASSERT_TRUE(arrays.ok()) << arrays.status().message();
  const std::vector<int64_t>& size = arrays->at("in_input").shape;
  for (const Rewriting rewriting : {Rewriting::kNone, Rewriting::kAll}) {
    const auto prepared = PreparedAt(GetParam(), rewriting);
    ASSERT_TRUE(prepared.ok()) << prepared.status().message();
    const auto reshaped = NetworkForSize(*prepared, size[1], size[2], Limits());
    ASSERT_TRUE(reshaped.ok()) << reshaped.status().message();
    ExpectAnswers(*reshaped, *arrays, Engine::kNaive);
    ExpectAnswers(*reshaped, *arrays, Engine::kOneDnn);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ReshapeGoldenTest,
                         testing::Values(Case{"odd_levels", {1, 72, 88, 3}},
                                         Case{"open_sides", {1, 72, 88, 3}},
                                         Case{"reshape_ones", {1, 64, 96, 3}},
                                         Case{"cut_and_filled",
                                              {1, 72, 96, 3}}),
                         [](const testing::TestParamInfo<Case>& golden) {
                           return golden.param.name;
                         });

// The outputs for some image, byte by byte.
std::vector<std::vector<float>> OutputsOf(const Graph& graph) {
  const auto model = CompiledModel::Create(graph, {}).value();
  InferRequest request = InferRequest::Create(model).value();
  uint32_t seed = 3;
  for (float& value : request.input_as<float>(0)) {
    seed = seed * 1664525u + 1013904223u;
    value = static_cast<float>(seed >> 24) / 64.0f - 2.0f;
  }
  SerialFor executor;
  EXPECT_TRUE(request.Run(executor).ok());
  std::vector<std::vector<float>> outputs;
  for (int64_t i = 0; i < std::ssize(model->outputs()); ++i) {
    const auto output = request.output_as<float>(i);
    outputs.emplace_back(output.begin(), output.end());
  }
  return outputs;
}

class RealExportTest : public testing::TestWithParam<std::string> {};

// google/automl's own exports: to another size, where every level has its
// sides, and back, where nothing may have changed.
TEST_P(RealExportTest, GoesToAnotherSizeAndBack) {
  const auto bytes = ReadBytes(CYTO8_GOLDEN_DIR "/efficientdet/" + GetParam());
  auto imported = ImportGraphDef(bytes, Limits());
  ASSERT_TRUE(imported.ok()) << imported.status().message();
  const ExportLayout layout = FindExportLayout(imported->graph).value();
  const Shape shape = {1, 256, GetParam() == "tiny-keras.pb" ? 384 : 256, 3};
  NetworkCut cut;
  cut.inputs[layout.network_input.name] = {.type = DataType::kFloat32,
                                           .shape = shape};
  for (const GraphOutput& output : HeadOutputs(layout)) {
    cut.outputs.push_back(output.name);
  }
  const Graph network =
      PrepareNetwork(std::move(imported->graph), cut, Rewriting::kAll, Limits())
          .value();
  const auto there = NetworkForSize(network, 128, 640, Limits());
  ASSERT_TRUE(there.ok()) << there.status().message();
  const size_t levels = layout.levels.size();
  for (size_t i = 0; i < levels; ++i) {
    const Shape& map = *there->desc(there->outputs[i].value).shape;
    EXPECT_EQ(map[1], 16 >> i);
    EXPECT_EQ(map[2], 80 >> i);
  }
  const auto back = NetworkForSize(*there, shape[1], shape[2], Limits());
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(OutputsOf(*back), OutputsOf(network));
}

INSTANTIATE_TEST_SUITE_P(
    All, RealExportTest,
    testing::Values("tiny-net.pb", "tiny-serving.pb", "tiny-serving-hard.pb",
                    "tiny-native-oldbn.pb", "tiny-folded.pb", "tiny-keras.pb",
                    "tiny-sum-relu6.pb", "tiny-text.pbtxt"),
    [](const testing::TestParamInfo<std::string>& graph) {
      std::string name = graph.param.substr(0, graph.param.find('.'));
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

}  // namespace
}  // namespace cyto8
