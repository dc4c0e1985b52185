// SPDX-License-Identifier: Apache-2.0
// Every stored graph against what TensorFlow computed: both engines, as in the
// file and rewritten. Then the proof that the comparison sees a changed weight,
// a wrong padding rule and a missing gate.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/graph_run.h"
#include "detector/import/graph_def_import.h"
#include "tests/app/app_fixture.h"
#include "tests/app/golden_comparison.h"
#include "tests/support/npz.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

const char kEfficientDets[] = CYTO8_GOLDEN_DIR "/efficientdet";
const char kGraphs[] = CYTO8_GOLDEN_DIR "/graphs";

constexpr double kOutputLimit = 1e-4;  // of the output's range.
constexpr double kInputLimit = 1e-5;   // of the preprocessed image.

// A graph, what to feed it, and what must come out by output name ('/' as '_').
struct Golden {
  std::vector<std::byte> model;
  std::map<std::string, NpyArray> inputs;
  std::map<std::string, NpyArray> outputs;
};

// The graph files of a folder, sorted; none if the folder is missing.
std::vector<std::string> GraphFilesIn(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string ending = entry.path().extension().string();
    if (ending == ".pb" || ending == ".pbtxt") {
      paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string WithEnding(const std::string& path, const std::string& ending) {
  return fs::path(path).replace_extension(ending).string();
}

// "a/b:0" as "a_b".
std::string PlainName(std::string name) {
  if (name.ends_with(":0")) name.resize(name.size() - 2);
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

NpzFile ReadArrays(const std::string& path) {
  auto arrays = ReadNpz(path);
  if (arrays.ok()) return *std::move(arrays);
  ADD_FAILURE() << path << ": " << arrays.status().message();
  return {};
}

// One image becomes a batch of one.
NpyArray Batched(NpyArray image) {
  image.shape.insert(image.shape.begin(), 1);
  return image;
}

// (image - mean) / deviation, as the network is fed where only a sample of its
// input is stored: every 16th row and column, which must agree.
NpyArray NormalizedInput(const NpyArray& image, const NpyArray& sample,
                         const nlohmann::json& facts) {
  const std::span<const uint8_t> pixels = image.As<uint8_t>();
  std::vector<float> values(pixels.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const float mean = facts["mean_rgb"][i % 3];
    const float deviation = facts["stddev_rgb"][i % 3];
    values[i] = (static_cast<float>(pixels[i]) - mean) / deviation;
  }
  constexpr int64_t kStep = 16;
  std::vector<float> sampled;
  for (int64_t y = 0; y < image.shape[0]; y += kStep) {
    for (int64_t x = 0; x < image.shape[1]; x += kStep) {
      const auto begin = values.begin() + (y * image.shape[1] + x) * 3;
      sampled.insert(sampled.end(), begin, begin + 3);
    }
  }
  EXPECT_LE(ErrorOfRange(sampled, sample.As<float>()), kInputLimit);
  const auto bytes = std::as_bytes(std::span(values));
  return {.type = NpyType::kFloat32,
          .shape = {1, image.shape[0], image.shape[1], 3},
          .bytes = {bytes.begin(), bytes.end()}};
}

// data/golden/efficientdet: a JSON file says which tensor is which output.
Golden ReadEfficientDet(const std::string& path) {
  Golden golden{.model = ReadBytes(path), .inputs = {}, .outputs = {}};
  const auto facts =
      nlohmann::json::parse(TextOf(ReadBytes(WithEnding(path, ".json"))));
  NpzFile arrays = ReadArrays(WithEnding(path, ".npz"));
  for (const auto& [key, tensor] : facts["outputs"].items()) {
    golden.outputs[PlainName(tensor)] = arrays.at(key);
  }
  const std::string input = PlainName(facts["inputs"][0]);
  if (facts["kind"] == "serving") {
    golden.inputs[input] = Batched(arrays.at("image"));
  } else {
    golden.inputs[input] =
        NormalizedInput(arrays.at("image"), arrays.at("input_sample"), facts);
  }
  return golden;
}

// data/golden/graphs: in_TENSOR and out_TENSOR. What a serving export stacks
// are the normalised images and their scales; the latter are no output of ours
// and show in the boxes of `detections`.
Golden ReadSmallGraph(const std::string& path) {
  Golden golden{.model = ReadBytes(path), .inputs = {}, .outputs = {}};
  for (const auto& [key, array] : ReadArrays(WithEnding(path, ".npz"))) {
    const std::string name = key.substr(key.find('_') + 1);
    if (key.starts_with("in_")) {
      golden.inputs[name] = array;
    } else if (!name.starts_with("stack")) {
      golden.outputs[name] = array;
    } else if (array.shape.size() == 4) {
      golden.outputs["input"] = array;
    }
  }
  return golden;
}

Golden ReadGolden(const std::string& path) {
  return path.starts_with(kGraphs) ? ReadSmallGraph(path)
                                   : ReadEfficientDet(path);
}

// Folding a batch norm into the weights before it multiplies in another order,
// and relu6 cuts where the sums of this graph lie dense: float32 itself is off
// by 6.8e-5 of the range of one output there, by 1.7e-4 with the weights that
// were not rounded.
double LimitOf(const std::string& path, const std::string& output,
               Rewriting rewriting) {
  constexpr double kFoldedRelu6Limit = 3e-4;
  if (output == "input") return kInputLimit;
  const bool relu6 = path.ends_with("/tiny-sum-relu6.pb");
  return relu6 && rewriting == Rewriting::kAll ? kFoldedRelu6Limit
                                               : kOutputLimit;
}

// A rewritten network rounds elsewhere, and soft suppression multiplies what is
// left: up to 1.07e-4 was measured.
float ScoreLimitOf(Rewriting rewriting) {
  constexpr float kAsInTheFile = 1e-4f;
  constexpr float kRewritten = 2e-4f;
  return rewriting == Rewriting::kNone ? kAsInTheFile : kRewritten;
}

void ExpectGolden(const std::string& path, const Golden& golden, Engine engine,
                  Rewriting rewriting) {
  GraphRunRequest request;
  request.inputs = golden.inputs;
  request.engine = engine;
  request.rewriting = rewriting;
  const auto outputs = RunGraphDef(golden.model, request);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  std::map<std::string, NpyArray> actual;
  for (const NamedArray& output : *outputs) {
    actual[PlainName(output.name)] = output.array;
  }
  for (const auto& [name, expected] : golden.outputs) {
    ASSERT_TRUE(actual.contains(name)) << name << " is not computed";
    ASSERT_EQ(actual[name].type, NpyType::kFloat32) << name;
    EXPECT_EQ(actual[name].shape, expected.shape) << name;
    if (name == "detections") {
      EXPECT_TRUE(DetectionsMatch(actual[name].As<float>(),
                                  expected.As<float>(),
                                  ScoreLimitOf(rewriting)));
      continue;
    }
    EXPECT_LE(ErrorOfRange(actual[name].As<float>(), expected.As<float>()),
              LimitOf(path, name, rewriting))
        << name;
  }
}

class GoldenGraphTest : public testing::TestWithParam<std::string> {};

TEST_P(GoldenGraphTest, BothEnginesGiveWhatTensorFlowGave) {
  const Golden golden = ReadGolden(GetParam());
  ASSERT_FALSE(golden.inputs.empty());
  ASSERT_FALSE(golden.outputs.empty());
  for (const Engine engine : {Engine::kNaive, Engine::kOneDnn}) {
    for (const Rewriting rewriting : {Rewriting::kNone, Rewriting::kAll}) {
      SCOPED_TRACE(engine == Engine::kNaive ? "naive" : "onednn");
      SCOPED_TRACE(rewriting == Rewriting::kNone ? "as in the file"
                                                 : "rewritten");
      ExpectGolden(GetParam(), golden, engine, rewriting);
    }
  }
}

std::string TestName(const testing::TestParamInfo<std::string>& graph) {
  std::string name = fs::path(graph.param).stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(EfficientDet, GoldenGraphTest,
                         testing::ValuesIn(GraphFilesIn(kEfficientDets)),
                         TestName);
INSTANTIATE_TEST_SUITE_P(Small, GoldenGraphTest,
                         testing::ValuesIn(GraphFilesIn(kGraphs)), TestName);

TEST(GoldenGraphsTest, NoGraphIsLost) {
  EXPECT_EQ(GraphFilesIn(kEfficientDets).size(), 8);
  EXPECT_EQ(GraphFilesIn(kGraphs).size(), 62);
}

// The largest error of tiny-net over all outputs after an edit of the imported
// graph, which must apply.
double ErrorAfter(const std::function<bool(Graph&)>& edit) {
  const Golden golden =
      ReadEfficientDet(std::string(kEfficientDets) + "/tiny-net.pb");
  Graph graph = ImportGraphDef(golden.model).value().graph;
  EXPECT_TRUE(edit(graph));
  NetworkCut cut;
  cut.inputs["input"] = {.type = DataType::kFloat32,
                         .shape = golden.inputs.at("input").shape};
  const Graph ready =
      PrepareNetwork(std::move(graph), cut, Rewriting::kNone, Limits()).value();
  InferRequest run =
      InferRequest::Create(CompiledModel::Create(ready, {}).value()).value();
  std::copy_n(golden.inputs.at("input").bytes.begin(), run.input(0).size(),
              run.input(0).begin());
  SerialFor executor;
  EXPECT_TRUE(run.Run(executor).ok());
  double error = 0;
  const std::vector<ModelPort>& ports = run.model().outputs();
  for (size_t i = 0; i < ports.size(); ++i) {
    const NpyArray& expected = golden.outputs.at(PlainName(ports[i].name));
    error = std::max(error,
                     ErrorOfRange(run.output_as<float>(static_cast<int64_t>(i)),
                                  expected.As<float>()));
  }
  return error;
}

// The first node of this operator whose name holds `part`, or null.
Node* Find(Graph& graph, Op op, std::string_view part) {
  const auto found = std::find_if(
      graph.nodes.begin(), graph.nodes.end(), [&](const Node& node) {
        return node.op == op && node.name.find(part) != std::string::npos;
      });
  return found == graph.nodes.end() ? nullptr : &*found;
}

TEST(GoldenProofTest, WithoutAnEditTheGraphIsWithinTheLimit) {
  EXPECT_LE(ErrorAfter([](Graph&) { return true; }), kOutputLimit);
}

TEST(GoldenProofTest, OneChangedWeightIsSeen) {
  EXPECT_GT(ErrorAfter([](Graph& graph) {
              Node* kernel = Find(graph, Op::kConst, "stem/conv2d/kernel");
              if (kernel == nullptr) return false;
              auto& value = kernel->As<ConstAttributes>().value;
              Tensor weights = *value;
              weights.mutable_data<float>()[0] += 0.1f;
              value = std::make_shared<const Tensor>(std::move(weights));
              return true;
            }),
            kOutputLimit);
}

// TensorFlow pads an even side below and right only when the stride is 2; other
// frameworks pad on both sides, which shifts the result by one pixel.
TEST(GoldenProofTest, ThePaddingRuleOfOtherFrameworksIsSeen) {
  EXPECT_GT(ErrorAfter([](Graph& graph) {
              Node* stem = Find(graph, Op::kConv2D, "stem");
              if (stem == nullptr) return false;
              stem->As<ConvAttributes>().padding = {
                  .kind = PaddingKind::kExplicit,
                  .top = 1,
                  .bottom = 0,
                  .left = 1,
                  .right = 0};
              return true;
            }),
            kOutputLimit);
}

TEST(GoldenProofTest, AMissingSqueezeExciteGateIsSeen) {
  EXPECT_GT(ErrorAfter([](Graph& graph) {
              Node* gate = Find(graph, Op::kMul, "blocks_0/se/mul_2");
              if (gate == nullptr) return false;
              gate->op = Op::kIdentity;
              gate->inputs = {gate->inputs[1]};
              return true;
            }),
            kOutputLimit);
}

}  // namespace
}  // namespace cyto8
