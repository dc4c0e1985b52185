// SPDX-License-Identifier: Apache-2.0
// NetworkForSize against TensorFlow: graphs frozen for one size, the answers of
// the same networks built for another (data/golden/reshape).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "app/network.h"
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

}  // namespace
}  // namespace cyto8
