// SPDX-License-Identifier: Apache-2.0
// Tests of app/graph_run.h on small graphs made in code; what TensorFlow gives
// is held against it in golden_graphs_test.cc.
#include "app/graph_run.h"

#include <gtest/gtest.h>

#include "tests/app/app_fixture.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

NpyArray Floats(std::vector<int64_t> shape, const std::vector<float>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {.type = NpyType::kFloat32,
          .shape = std::move(shape),
          .bytes = {bytes.begin(), bytes.end()}};
}

std::vector<float> FloatsOf(const NamedArray& output) {
  const auto values = output.array.As<float>();
  return {values.begin(), values.end()};
}

// Two inputs of any batch: sum = a + b, double = sum + sum.
std::vector<std::byte> SumGraph() {
  GraphDefBuilder builder;
  builder.Placeholder("a", {kUnknownDim, 2});
  builder.Placeholder("b", {kUnknownDim, 2});
  builder.Node("AddV2", "net/sum", {"a", "b"});
  builder.Node("AddV2", "net/double", {"net/sum", "net/sum"});
  return builder.ToBytes();
}

GraphRunRequest SumRequest() {
  GraphRunRequest request;
  request.inputs["a"] = Floats({1, 2}, {1, 2});
  request.inputs["b"] = Floats({1, 2}, {10, 20});
  return request;
}

std::string Refusal(const GraphRunRequest& request) {
  return RunGraphDef(SumGraph(), request).status().message();
}

TEST(RunGraphDefTest, EveryEngineAndRewritingGivesTheOutput) {
  for (const Engine engine : {Engine::kNaive, Engine::kOneDnn}) {
    for (const Rewriting rewriting : {Rewriting::kNone, Rewriting::kAll}) {
      GraphRunRequest request = SumRequest();
      request.engine = engine;
      request.rewriting = rewriting;
      const auto outputs = RunGraphDef(SumGraph(), request);
      ASSERT_TRUE(outputs.ok()) << outputs.status().message();
      ASSERT_EQ(outputs->size(), 1);
      EXPECT_EQ((*outputs)[0].name, "net/double");
      EXPECT_EQ(FloatsOf((*outputs)[0]), (std::vector<float>{22, 44}));
    }
  }
}

TEST(RunGraphDefTest, AnOpenBatchTakesTheBatchOfTheInput) {
  GraphRunRequest request;
  request.inputs["a"] = Floats({2, 2}, {1, 2, 3, 4});
  request.inputs["b"] = Floats({2, 2}, {0, 0, 1, 1});
  const auto outputs = RunGraphDef(SumGraph(), request);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ((*outputs)[0].array.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(FloatsOf((*outputs)[0]), (std::vector<float>{2, 4, 8, 10}));
}

TEST(RunGraphDefTest, NamedOutputsComeInTheOrderAskedFor) {
  GraphRunRequest request = SumRequest();
  request.outputs = {"net/double", "net/sum"};
  const auto outputs = RunGraphDef(SumGraph(), request);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  ASSERT_EQ(outputs->size(), 2);
  EXPECT_EQ((*outputs)[0].name, "net/double");
  EXPECT_EQ(FloatsOf((*outputs)[1]), (std::vector<float>{11, 22}));
}

TEST(RunGraphDefTest, AnInnerTensorCanBeFed) {
  GraphRunRequest request;
  request.inputs["net/sum"] = Floats({1, 2}, {5, 6});
  const auto outputs = RunGraphDef(SumGraph(), request);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  EXPECT_EQ(FloatsOf((*outputs)[0]), (std::vector<float>{10, 12}));
}

TEST(RunGraphDefTest, AnInnerTensorOfAnotherTypeIsRefused) {
  GraphRunRequest request;
  request.inputs["net/sum"] = {
      .type = NpyType::kUint8, .shape = {1, 2}, .bytes = {{}, {}}};
  EXPECT_EQ(Refusal(request),
            "node \"net/double\" (Add): type = uint8: must be float32, int32 "
            "or int64");
}

TEST(RunGraphDefTest, WrongInputsAreNamed) {
  GraphRunRequest unknown = SumRequest();
  unknown.inputs["c"] = unknown.inputs["a"];
  EXPECT_EQ(Refusal(unknown), "input \"c\": no node has this name");
  GraphRunRequest missing = SumRequest();
  missing.inputs.erase("b");
  EXPECT_EQ(Refusal(missing),
            "node \"b\" (Input): shape [?,2] is not known: bind the input's "
            "shape first");
  GraphRunRequest shape = SumRequest();
  shape.inputs["b"] = Floats({1, 3}, {1, 2, 3});
  EXPECT_EQ(Refusal(shape),
            "input \"b\": shapes [?,2] and [1,3] do not fit together");
  GraphRunRequest type = SumRequest();
  type.inputs["b"] = {
      .type = NpyType::kUint8, .shape = {1, 2}, .bytes = {{}, {}}};
  EXPECT_EQ(Refusal(type), "input \"b\": must be <f4, is |u1");
  // As many bytes, but other numbers.
  type.inputs["b"] = {.type = NpyType::kInt32,
                      .shape = {1, 2},
                      .bytes = std::vector<std::byte>(8)};
  EXPECT_EQ(Refusal(type), "input \"b\": must be <f4, is <i4");
  GraphRunRequest output = SumRequest();
  output.outputs = {"net/summ"};
  EXPECT_EQ(Refusal(output), "output \"net/summ\": no node has this name");
}

TEST(RunGraphDefTest, AnUnsupportedOperatorIsNamedWithItsInputs) {
  GraphDefBuilder builder;
  builder.Placeholder("x", {1, 2});
  builder.Node("Betainc", "deep/odd", {"x", "x", "x"});
  GraphRunRequest request;
  request.inputs["x"] = Floats({1, 2}, {1, 2});
  const Status status = RunGraphDef(builder.ToBytes(), request).status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(),
            "node \"deep/odd\": operator Betainc is not supported; its inputs: "
            "[x, x, x]");
}

TEST(RunGraphDefTest, BytesThatAreNoGraphAreRefused) {
  EXPECT_FALSE(RunGraphDef({}, SumRequest()).ok());
  const std::vector<std::byte> noise(100, std::byte{0x5a});
  EXPECT_FALSE(RunGraphDef(noise, SumRequest()).ok());
}

// tiny-serving: two images in, one box table each.
class ServingTest : public testing::Test {
 protected:
  std::vector<std::byte> model_ =
      ReadBytes(CYTO8_GOLDEN_DIR "/efficientdet/tiny-serving.pb");

  static NpyArray Pixels(std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t side : shape) count *= side;
    return {.type = NpyType::kUint8,
            .shape = std::move(shape),
            .bytes = std::vector<std::byte>(static_cast<size_t>(count))};
  }

  std::string Refusal(NpyArray pixels) {
    GraphRunRequest request;
    request.inputs["image_arrays"] = std::move(pixels);
    return RunGraphDef(model_, request).status().message();
  }
};

TEST_F(ServingTest, PixelsOfAnotherKindAreRefused) {
  EXPECT_EQ(Refusal(Floats({1, 1, 1, 3}, {1, 2, 3})),
            "input \"image_arrays\": must be uint8 of shape [B,H,W,3], is <f4 "
            "[1,1,1,3]");
  EXPECT_EQ(Refusal(Pixels({10, 10, 3})),
            "input \"image_arrays\": must be uint8 of shape [B,H,W,3], is |u1 "
            "[10,10,3]");
  EXPECT_EQ(Refusal(Pixels({1, 10, 10, 4})),
            "input \"image_arrays\": must be uint8 of shape [B,H,W,3], is |u1 "
            "[1,10,10,4]");
  EXPECT_EQ(Refusal(Pixels({0, 10, 10, 3})),
            "input \"image_arrays\": batch = 0: must be in [1, 1]");
  EXPECT_EQ(Refusal(Pixels({1, 0, 10, 3})),
            "input \"image_arrays\": height = 0: must be in [1, 1000000]");
}

TEST_F(ServingTest, OnlyTheNamedOutputsCome) {
  GraphRunRequest request;
  request.inputs["image_arrays"] = Pixels({1, 24, 30, 3});
  request.outputs = {"detections", "input"};
  const auto outputs = RunGraphDef(model_, request);
  ASSERT_TRUE(outputs.ok()) << outputs.status().message();
  ASSERT_EQ(outputs->size(), 2);
  EXPECT_EQ((*outputs)[0].name, "detections");
  EXPECT_EQ((*outputs)[1].name, "input");
  request.outputs = {"detection"};
  EXPECT_EQ(RunGraphDef(model_, request).status().message(),
            "output \"detection\": must be a head of the network, input or "
            "detections where pixels are given");
}

TEST_F(ServingTest, FedAtItsNetworkInputItGivesTheHeads) {
  GraphRunRequest pixels;
  pixels.inputs["image_arrays"] = Pixels({1, 24, 30, 3});
  const auto whole = RunGraphDef(model_, pixels);
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  ASSERT_EQ(whole->size(), 12);  // ten heads, input, detections.
  GraphRunRequest network;
  network.inputs["stack"] = (*whole)[10].array;
  const auto heads = RunGraphDef(model_, network);
  ASSERT_TRUE(heads.ok()) << heads.status().message();
  ASSERT_EQ(heads->size(), 10);
  for (size_t i = 0; i < heads->size(); ++i) {
    EXPECT_EQ((*heads)[i].name, (*whole)[i].name);
    EXPECT_EQ((*heads)[i].array.bytes, (*whole)[i].array.bytes);
  }
}

TEST_F(ServingTest, OtherInputsBesideThePixelsAreRefused) {
  GraphRunRequest request;
  request.inputs["image_arrays"] = Pixels({1, 24, 30, 3});
  request.inputs["input"] = Floats({1}, {1});
  EXPECT_EQ(
      RunGraphDef(model_, request).status().message(),
      "input \"image_arrays\": no other input may stand beside the pixels");
}

}  // namespace
}  // namespace cyto8
