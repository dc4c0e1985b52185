// SPDX-License-Identifier: Apache-2.0
// Files that TensorFlow wrote: every graph under data/golden imports, with the
// operators and outputs that stand beside it.
#include "detector/import/graph_def_import.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "detector/graph/shape_inference.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<fs::path> GraphFiles(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry :
       fs::directory_iterator(fs::path(CYTO8_GOLDEN_DIR) / folder)) {
    const std::string extension = entry.path().extension();
    if (extension == ".pb" || extension == ".pbtxt") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

StatusOr<ImportedGraph> ImportFile(const fs::path& path) {
  const auto bytes =
      ReadWholeFile(RealFileSystem(), path, Limits{}.max_model_bytes);
  if (!bytes.ok()) return bytes.status();
  return ImportGraphDef(*bytes);
}

std::set<std::string> OutputNames(const Graph& graph) {
  std::set<std::string> names;
  for (const GraphOutput& output : graph.outputs) names.insert(output.name);
  return names;
}

json ReadJson(fs::path path) {
  std::ifstream in(path.replace_extension(".json"));
  return json::parse(in, nullptr, /*allow_exceptions=*/false);
}

// Without the ":0" that TensorFlow appends.
std::string TensorName(const std::string& name) {
  return name.ends_with(":0") ? name.substr(0, name.size() - 2) : name;
}

TEST(GraphDefImportTest, EfficientDetsHaveTheStatedOperators) {
  const auto files = GraphFiles("efficientdet");
  ASSERT_GE(files.size(), 8u);
  for (const fs::path& file : files) {
    const auto imported = ImportFile(file);
    ASSERT_TRUE(imported.ok()) << file << imported.status().ToString();
    const json stated = ReadJson(file);
    ASSERT_TRUE(stated.contains("ops")) << file;
    for (const auto& [op, count] : stated["ops"].items()) {
      const auto found = imported->source.op_counts.find(op);
      ASSERT_NE(found, imported->source.op_counts.end()) << file << op;
      EXPECT_EQ(found->second, count.get<int64_t>()) << file << op;
    }
  }
}

TEST(GraphDefImportTest, NetworkGraphsHaveTheStatedOutputs) {
  for (const char* name :
       {"tiny-net.pb", "tiny-folded.pb", "tiny-keras.pb",
        "tiny-native-oldbn.pb", "tiny-sum-relu6.pb", "tiny-text.pbtxt"}) {
    const fs::path file = fs::path(CYTO8_GOLDEN_DIR) / "efficientdet" / name;
    const auto imported = ImportFile(file);
    ASSERT_TRUE(imported.ok()) << file << imported.status().ToString();
    std::set<std::string> stated;
    const json description = ReadJson(file);
    for (const json& tensor : description.at("outputs")) {
      stated.insert(TensorName(tensor.get<std::string>()));
    }
    EXPECT_EQ(OutputNames(imported->graph), stated) << file;
    const Status supported = CheckSupported(imported->graph);
    EXPECT_TRUE(supported.ok()) << file << supported.ToString();
  }
}

TEST(GraphDefImportTest, ServingGraphsKeepWhatIsCutOffLater) {
  for (const char* name : {"tiny-serving.pb", "tiny-serving-hard.pb"}) {
    const auto imported =
        ImportFile(fs::path(CYTO8_GOLDEN_DIR) / "efficientdet" / name);
    ASSERT_TRUE(imported.ok()) << imported.status().ToString();
    EXPECT_EQ(OutputNames(imported->graph),
              std::set<std::string>{"detections"});
    EXPECT_EQ(imported->source.control_edge_count, 4);
    EXPECT_EQ(imported->source.functions.size(), 2u);
    EXPECT_TRUE(FindNode(imported->graph, "image_arrays").has_value());
    EXPECT_EQ(CheckSupported(imported->graph).code(),
              StatusCode::kUnimplemented);
  }
}

// Serving graphs keep their non-maximum suppression; all others consist of
// supported operators once what no output needs is gone.
TEST(GraphDefImportTest, EveryGoldenGraphImportsCompletely) {
  const auto files = GraphFiles("graphs");
  ASSERT_GE(files.size(), 20u);
  for (const fs::path& file : files) {
    const auto imported = ImportFile(file);
    ASSERT_TRUE(imported.ok()) << file << imported.status().ToString();
    if (file.filename().string().starts_with("serving_")) continue;
    const StatusOr<Graph> alive = RemoveDeadNodes(imported->graph);
    ASSERT_TRUE(alive.ok()) << file << alive.status().ToString();
    const Status supported = CheckSupported(*alive);
    EXPECT_TRUE(supported.ok()) << file << supported.ToString();
  }
}

TEST(GraphDefImportTest, TypesAndShapesOfEveryGoldenGraphAgree) {
  for (const char* folder : {"graphs", "efficientdet"}) {
    for (const fs::path& file : GraphFiles(folder)) {
      const auto imported = ImportFile(file);
      ASSERT_TRUE(imported.ok()) << file << imported.status().ToString();
      const StatusOr<Graph> shaped = InferShapes(imported->graph);
      EXPECT_TRUE(shaped.ok()) << file << shaped.status().ToString();
    }
  }
}

TEST(GraphDefImportTest, NodesAreInTopologicalOrder) {
  GraphDefBuilder graph;
  graph.Node("Relu", "last", {"first"});
  graph.Placeholder("first", {1});
  const auto imported = ImportGraphDef(graph.ToBytes());
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(imported->graph.nodes[0].name, "first");
  EXPECT_EQ(imported->graph.nodes[1].name, "last");
  EXPECT_EQ(imported->graph.outputs[0].value.node, 1);
}

TEST(GraphDefImportTest, AnUnsupportedOperatorIsNamedWithItsInputs) {
  GraphDefBuilder graph;
  graph.Placeholder("x", {1});
  graph.Node("Bessel", "b", {"x", "x"});
  const auto imported = ImportGraphDef(graph.ToBytes());
  ASSERT_TRUE(imported.ok()) << imported.status().ToString();
  EXPECT_EQ(CheckSupported(imported->graph).message(),
            "node \"b\": operator Bessel is not supported; its inputs: "
            "[x, x]");
}

TEST(GraphDefImportTest, BytesThatAreNoGraphAreRefused) {
  const std::string png = "\x89PNG\r\n\x1A\n";
  EXPECT_EQ(ImportGraphDef(std::as_bytes(std::span(png))).status().ToString(),
            "DATA_LOSS: the record at byte 0 of 8 is damaged or cut: not a "
            "whole GraphDef");
  const std::string prose = "This is no model.";
  EXPECT_EQ(ImportGraphDef(std::as_bytes(std::span(prose))).status().message(),
            "line 1, column 6: Message type \"cyto8.tf.GraphDef\" has no field "
            "named \"This\".");
}

}  // namespace
}  // namespace cyto8
