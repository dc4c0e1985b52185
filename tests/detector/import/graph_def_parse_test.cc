// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/graph_def_parse.h.
#include "detector/import/graph_def_parse.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

Status ParseError(std::string_view text, const Limits& limits = {}) {
  return ParseGraphDef(Bytes(text), limits).status();
}

GraphDefBuilder TwoNodes() {
  GraphDefBuilder graph;
  graph.Placeholder("x", {1, 2});
  graph.Node("Relu", "y", {"x"});
  return graph;
}

TEST(GraphDefParseTest, RecognisesBothFormats) {
  EXPECT_EQ(DetectGraphDefFormat(TwoNodes().ToBytes()),
            GraphDefFormat::kBinary);
  EXPECT_EQ(DetectGraphDefFormat(TwoNodes().ToText()), GraphDefFormat::kText);
  EXPECT_EQ(DetectGraphDefFormat(Bytes("\n\t# a comment\r\nnode {}")),
            GraphDefFormat::kText);
}

TEST(GraphDefParseTest, BothFormatsGiveTheSameMessage) {
  const auto binary = ParseGraphDef(TwoNodes().ToBytes(), Limits{});
  const auto text = ParseGraphDef(TwoNodes().ToText(), Limits{});
  ASSERT_TRUE(binary.ok()) << binary.status().ToString();
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(binary->ShortDebugString(), text->ShortDebugString());
}

TEST(GraphDefParseTest, EmptyFileIsRefused) {
  EXPECT_EQ(ParseError("").ToString(), "DATA_LOSS: the file is empty");
}

TEST(GraphDefParseTest, TextErrorsCarryLineAndColumn) {
  EXPECT_EQ(ParseError("node {\n  name: \"a\"\n  opp: \"Relu\"\n}\n").message(),
            "line 3, column 6: Message type \"cyto8.tf.NodeDef\" has no field "
            "named \"opp\".");
  EXPECT_EQ(ParseError("node {\n  name: 5\n}\n").message(),
            "line 2, column 9: Expected string, got: 5");
}

TEST(GraphDefParseTest, UnclosedBracketIsRefused) {
  EXPECT_EQ(ParseError("node {\n  name: \"a\"\n").code(),
            StatusCode::kDataLoss);
}

TEST(GraphDefParseTest, DeepTextIsRefused) {
  std::string text = "node { attr { key: \"a\" value { ";
  for (int i = 0; i < 200; ++i) text += "list { func { attr { value { ";
  const Status status = ParseError(text);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find("Message is too deep"), std::string::npos)
      << status.message();
}

TEST(GraphDefParseTest, NameThatIsNotUtf8IsRefused) {
  GraphDefBuilder graph;
  graph.Node("NoOp", "ab");
  std::vector<std::byte> bytes = graph.ToBytes();
  bytes[4] = std::byte{0xFF};  // tag, length, tag, length, 'a'.
  EXPECT_EQ(ParseGraphDef(bytes, Limits{}).status().message(),
            "not a GraphDef: a name is not UTF-8 or a field is damaged");
}

TEST(GraphDefParseTest, FileOverTheLimitIsRefused) {
  Limits limits;
  limits.max_model_bytes = 10;
  const Status status = ParseError("node {name: \"a\"}", limits);
  EXPECT_EQ(status.ToString(),
            "RESOURCE_EXHAUSTED: file size in bytes = 16: must be in [1, 10]");
}

TEST(GraphDefParseTest, ManyTinyMessagesAreRefusedBeforeTheyAreBuilt) {
  Limits limits;
  limits.max_nodes = 10;
  std::string binary;
  for (int i = 0; i < 1000; ++i) binary.append("\x0A\x00", 2);
  EXPECT_EQ(ParseError(binary, limits).message(),
            "memory for the messages of the file = 176160: must be in "
            "[0, 44960]");
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "node{}";
  EXPECT_EQ(ParseError(text, limits).message(),
            "memory for the messages of the file = 160160: must be in "
            "[0, 52960]");
}

}  // namespace
}  // namespace cyto8
