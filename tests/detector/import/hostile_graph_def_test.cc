// SPDX-License-Identifier: Apache-2.0
// Promises P1 and P17 for model files: cut anywhere, with flipped bits, or with
// hostile numbers, a file gives an error or a valid graph, never a crash.
#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "detector/import/graph_def_import.h"
#include "gtest/gtest.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

// Placeholder, convolution, bias, batch norm, called function.
GraphDefBuilder SmallNetwork() {
  GraphDefBuilder graph;
  graph.Placeholder("x", {1, 4, 4, 2});
  graph.Const("w", {1, 1, 2, 3}, {1, 2, 3, 4, 5, 6});
  graph.Conv2D("conv", "x", "w");
  graph.Const("b", {3}, {1, 2, 3});
  graph.Node("BiasAdd", "bias", {"conv", "b"});
  graph.Node("FusedBatchNormV3", "bn", {"bias", "b", "b", "b", "b"})
      .Bool("is_training", false);
  graph.Node("swish_f32", "act", {"bn"});
  FunctionBuilder swish = graph.Function("swish_f32");
  swish.Input("v").Output("y", "mul:z:0");
  swish.Node("Sigmoid", "sigmoid", {"v"});
  swish.Node("Mul", "mul", {"v", "sigmoid:y:0"});
  graph.SetProducer(1645);
  return graph;
}

// A result is a refusal with a message, or a graph that is valid.
void ExpectSane(const StatusOr<ImportedGraph>& imported) {
  if (!imported.ok()) {
    EXPECT_FALSE(imported.status().message().empty());
    EXPECT_NE(imported.status().code(), StatusCode::kInternal)
        << imported.status().ToString();
    return;
  }
  const Status valid = ValidateGraph(imported->graph);
  EXPECT_TRUE(valid.ok()) << valid.ToString();
}

// Where the top-level records of the serialized graph end: the only cuts that
// leave a whole message.
std::set<size_t> RecordEnds(GraphDefBuilder graph) {
  std::set<size_t> ends;
  tf::GraphDef prefix;
  for (const tf::NodeDef& node : graph.graph_def().node()) {
    *prefix.add_node() = node;
    ends.insert(prefix.ByteSizeLong());
  }
  *prefix.mutable_library() = graph.graph_def().library();
  ends.insert(prefix.ByteSizeLong());
  return ends;
}

TEST(HostileGraphDefTest, TheSmallNetworkItselfImports) {
  const auto imported = ImportGraphDef(SmallNetwork().ToBytes());
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(imported->graph.outputs[0].name, "act");
}

TEST(HostileGraphDefTest, ACutAnywhereButBetweenRecordsIsRefused) {
  const std::vector<std::byte> bytes = SmallNetwork().ToBytes();
  const std::set<size_t> ends = RecordEnds(SmallNetwork());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto imported =
        ImportGraphDef(std::span<const std::byte>(bytes).first(size));
    ExpectSane(imported);
    if (!ends.contains(size)) {
      EXPECT_FALSE(imported.ok()) << "cut at byte " << size;
    }
  }
}

TEST(HostileGraphDefTest, ACutBetweenRecordsIsRefusedOrASmallerGraph) {
  const std::vector<std::byte> bytes = SmallNetwork().ToBytes();
  size_t accepted = 0;
  for (const size_t size : RecordEnds(SmallNetwork())) {
    const auto imported =
        ImportGraphDef(std::span<const std::byte>(bytes).first(size));
    ExpectSane(imported);
    if (!imported.ok()) continue;
    ++accepted;
    EXPECT_EQ(imported->source.producer_version, std::nullopt);
  }
  // Behind conv, b, bias, bn, act, and behind the library.
  EXPECT_EQ(accepted, 6u);
}

TEST(HostileGraphDefTest, TextCutAnywhereIsRefusedOrASmallerGraph) {
  const std::vector<std::byte> bytes = SmallNetwork().ToText();
  for (size_t size = 0; size < bytes.size(); ++size) {
    ExpectSane(ImportGraphDef(std::span<const std::byte>(bytes).first(size)));
  }
}

TEST(HostileGraphDefTest, EveryFlippedBitIsSurvived) {
  for (std::vector<std::byte> bytes :
       {SmallNetwork().ToBytes(), SmallNetwork().ToText()}) {
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      const std::byte mask{static_cast<uint8_t>(1u << (bit % 8))};
      bytes[bit / 8] ^= mask;
      ExpectSane(ImportGraphDef(bytes));
      bytes[bit / 8] ^= mask;
    }
  }
}

TEST(HostileGraphDefTest, AMiniNetworkCutAtEveryPercentIsRefused) {
  const std::vector<std::byte> bytes = MiniEfficientDet().ToBytes();
  const std::set<size_t> ends = RecordEnds(MiniEfficientDet());
  for (size_t percent = 0; percent < 100; ++percent) {
    const size_t size = bytes.size() * percent / 100;
    const auto imported =
        ImportGraphDef(std::span<const std::byte>(bytes).first(size));
    ExpectSane(imported);
    EXPECT_TRUE(!imported.ok() || ends.contains(size)) << percent << " %";
  }
}

TEST(HostileGraphDefTest, AMiniNetworkWithFlippedBitsIsSurvived) {
  constexpr uint32_t kSeed = 20261121;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  std::vector<std::byte> bytes = MiniEfficientDet().ToBytes();
  for (int trial = 0; trial < 100; ++trial) {
    const size_t bit = random() % (bytes.size() * 8);
    const std::byte mask{static_cast<uint8_t>(1u << (bit % 8))};
    bytes[bit / 8] ^= mask;
    ExpectSane(ImportGraphDef(bytes));
    bytes[bit / 8] ^= mask;
  }
}

TEST(HostileGraphDefTest, ACycleNamesItsNodes) {
  GraphDefBuilder graph;
  graph.Node("Relu", "a", {"b"});
  graph.Node("Relu", "b", {"a"});
  graph.Node("Relu", "out", {"b"});
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().message(),
            "graph has a cycle through or before 3 nodes: \"a\", \"b\", "
            "\"out\"");
}

TEST(HostileGraphDefTest, ACycleOfCallsAndIdentitiesIsFound) {
  GraphDefBuilder graph;
  graph.Node("pass", "call", {"call"});
  graph.Function("pass").Input("v").Output("y", "v");
  graph.Node("IdentityN", "n", {"n:1", "n"});
  graph.Node("Conv2D", "conv", {"n", "n:1"})
      .Ints("strides", {1, 1, 1, 1})
      .String("padding", "SAME");
  const Status status = ImportGraphDef(graph.ToBytes()).status();
  EXPECT_NE(status.message().find("graph has a cycle"), std::string::npos)
      << status.message();
}

TEST(HostileGraphDefTest, AShortBlobNamesNodeAndBytes) {
  GraphDefBuilder graph = SmallNetwork();
  auto& value = (*graph.graph_def().mutable_node(1)->mutable_attr())["value"];
  value.mutable_tensor()->mutable_tensor_content()->resize(20);
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().ToString(),
            "DATA_LOSS: node \"w\" (Const): value: tensor_content = 20 bytes: "
            "must be 24 for DT_FLOAT [1,1,2,3]");
}

TEST(HostileGraphDefTest, AMissingBlobOfAKernelIsRefused) {
  GraphDefBuilder graph = SmallNetwork();
  auto& value = (*graph.graph_def().mutable_node(1)->mutable_attr())["value"];
  value.mutable_tensor()->clear_tensor_content();
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().ToString(),
            "DATA_LOSS: node \"w\": value = 0 bytes: must be 24, the kernel of "
            "node \"conv\"");
}

TEST(HostileGraphDefTest, AMissingValueIsRefused) {
  GraphDefBuilder graph = SmallNetwork();
  graph.graph_def().mutable_node(1)->mutable_attr()->erase("value");
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().message(),
            "node \"w\" (Const): attribute 'value' is missing");
}

// 64 MiB may be repeated: two constants of 40 MiB from a file of some bytes.
TEST(HostileGraphDefTest, TheSumOfRepeatedValuesIsBounded) {
  GraphDefBuilder graph;
  for (const char* name : {"a", "b"}) {
    tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {10 << 20});
    proto.add_float_val(1);
    graph.ConstProto(name, proto);
  }
  graph.Node("Add", "sum", {"a", "b"});
  const Status status = ImportGraphDef(graph.ToBytes()).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "node \"b\" (Const): value: bytes of repeated constant values = "
            "41943036: must be in [0, 25165828]");
}

TEST(HostileGraphDefTest, AHugeTensorIsRefusedByItsSize) {
  GraphDefBuilder graph;
  graph.ConstProto("w", MakeTensorProto(tf::DT_FLOAT, {1 << 20, 1 << 20}));
  graph.Node("Relu", "y", {"w"});
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().code(),
            StatusCode::kResourceExhausted);
}

TEST(HostileGraphDefTest, AnUnknownTypeIsRefused) {
  GraphDefBuilder graph;
  graph.Placeholder("x", {1}, static_cast<tf::DataType>(99));
  graph.Node("Relu", "y", {"x"});
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().message(),
            "node \"x\" (Placeholder): attribute 'dtype': dtype = 99: no "
            "TensorFlow type has this number");
}

TEST(HostileGraphDefTest, AGraphWithoutOutputIsRefused) {
  GraphDefBuilder graph;
  graph.Const("a", {}, {1});
  EXPECT_EQ(ImportGraphDef(graph.ToBytes()).status().message(),
            "graph has no output: every node is read by another or is a "
            "constant, a placeholder or without result");
}

// Many nodes of many outputs each: refused before they are made.
TEST(HostileGraphDefTest, TheSumOfOutputsIsBounded) {
  GraphDefBuilder graph;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "a" + std::to_string(i);
    graph.Node("Unknown", name);
    graph.Node("Neg", name + "/neg", {name + ":1023"});
  }
  Limits limits;
  limits.max_nodes = 100;
  const Status status = ImportGraphDef(graph.ToBytes(), limits).status();
  EXPECT_NE(status.message().find("outputs of all nodes"), std::string::npos)
      << status.message();
}

}  // namespace
}  // namespace cyto8
