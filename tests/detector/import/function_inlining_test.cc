// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/function_inlining.h.
#include "detector/import/function_inlining.h"

#include "gtest/gtest.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

StatusOr<FlatGraph> Inline(GraphDefBuilder& graph, const Limits& limits = {}) {
  return InlineFunctions(graph.graph_def(), limits);
}

Status InlineError(GraphDefBuilder& graph, const Limits& limits = {}) {
  return Inline(graph, limits).status();
}

// "name(op: input, input:1)" per node, in order.
std::vector<std::string> Describe(const StatusOr<FlatGraph>& flat) {
  EXPECT_TRUE(flat.ok()) << flat.status().ToString();
  std::vector<std::string> lines;
  if (!flat.ok()) return lines;
  for (const FlatNode& node : flat->nodes) {
    std::string inputs;
    for (const ValueRef& input : node.inputs) {
      inputs += " " + flat->nodes[static_cast<size_t>(input.node)].name;
      if (input.port != 0) inputs += "/" + std::to_string(input.port);
    }
    const std::string op = node.def == nullptr ? "=" : node.source_op;
    lines.push_back(node.name + "(" + op + inputs + ")");
  }
  return lines;
}

std::vector<std::string> OutputNames(const StatusOr<FlatGraph>& flat) {
  std::vector<std::string> names;
  for (const GraphOutput& output : flat->outputs) names.push_back(output.name);
  return names;
}

using Lines = std::vector<std::string>;

TEST(FunctionInliningTest, InputTextsNameNodesAndPorts) {
  GraphDefBuilder graph;
  graph.Node("Add", "c", {"a:1", "b:0", "^a"});  // before what it reads.
  graph.Node("A", "a");
  graph.Node("B", "b", {"a"});
  const auto flat = Inline(graph);
  EXPECT_EQ(Describe(flat), (Lines{"c(Add a/1 b)", "a(A)", "b(B a)"}));
  EXPECT_EQ(flat->nodes[1].read_ports, 2);
  EXPECT_EQ(OutputNames(flat), Lines{"c"});
}

TEST(FunctionInliningTest, IdentityNBecomesOneIdentityPerOutput) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("B", "b");
  graph.Node("IdentityN", "n", {"a", "b", "^a"});
  graph.Node("R", "r", {"n:1", "n"});
  EXPECT_EQ(Describe(Inline(graph)),
            (Lines{"a(A)", "b(B)", "n(= a)", "n:1(= b)", "r(R n:1 n)"}));
}

TEST(FunctionInliningTest, UnreadIdentityNGivesAllItsOutputs) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("IdentityN", "n", {"a", "a"});
  EXPECT_EQ(OutputNames(Inline(graph)), (Lines{"n", "n:1"}));
}

TEST(FunctionInliningTest, OutputsAreWhatNobodyReads) {
  GraphDefBuilder graph;
  graph.Const("constant", {}, {1});
  graph.Placeholder("x", {});
  graph.Node("NoOp", "nothing");
  graph.Node("Assert", "check", {"x"});
  graph.Node("Controlled", "controlled", {"x"});
  graph.Node("Last", "last", {"x", "^controlled"});
  EXPECT_EQ(OutputNames(Inline(graph)), Lines{"last"});
}

// f(v) = Mul(v, Sigmoid(v)), called as "call".
GraphDefBuilder SwishCall() {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("swish", "call", {"a"});
  graph.Node("R", "r", {"call"});
  FunctionBuilder swish = graph.Function("swish");
  swish.Input("v").Output("y", "mul:z:0");
  swish.Node("Sigmoid", "sigmoid", {"v"});
  swish.Node("Mul", "mul", {"v", "sigmoid:y:0"});
  return graph;
}

TEST(FunctionInliningTest, ACallIsReplacedByTheBody) {
  GraphDefBuilder graph = SwishCall();
  EXPECT_EQ(Describe(Inline(graph)),
            (Lines{"a(A)", "call(= call/mul)", "r(R call)", "call/v(= a)",
                   "call/sigmoid(Sigmoid call/v)",
                   "call/mul(Mul call/v call/sigmoid)"}));
}

TEST(FunctionInliningTest, PartitionedCallNamesTheFunction) {
  for (const char* op : {"PartitionedCall", "StatefulPartitionedCall"}) {
    GraphDefBuilder graph = SwishCall();
    graph.graph_def().mutable_node(1)->set_op(op);
    NodeBuilder(*graph.graph_def().mutable_node(1)).Function("f", "swish");
    EXPECT_EQ(Describe(Inline(graph)).size(), 6u) << op;
  }
}

TEST(FunctionInliningTest, PlaceholderAttributesSeeTheCall) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("f", "call", {"a"}).Type("T", tf::DT_INT64);
  FunctionBuilder function = graph.Function("f");
  function.Input("v").Output("y", "cast:y:0");
  function.Node("Cast", "cast", {"v"}).Placeholder("DstT", "T");
  const auto flat = Inline(graph);
  ASSERT_TRUE(flat.ok()) << flat.status().ToString();
  ASSERT_EQ(flat->nodes.back().name, "call/cast");
  EXPECT_EQ(flat->nodes.back().attributes->Type("DstT").value(), tf::DT_INT64);
}

TEST(FunctionInliningTest, NestedCallsAreInlined) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("outer", "o", {"a"});
  FunctionBuilder outer = graph.Function("outer");
  outer.Input("v").Output("first", "i:p:0").Output("second", "i:q:0");
  outer.Node("inner", "i", {"v"});
  FunctionBuilder inner = graph.Function("inner");
  inner.Input("w").Output("p", "w").Output("q", "neg:y:0");
  inner.Node("Neg", "neg", {"w"});
  EXPECT_EQ(
      Describe(Inline(graph)),
      (Lines{"a(A)", "o(= o/i)", "o:1(= o/i:1)", "o/v(= a)", "o/i(= o/i/w)",
             "o/i:1(= o/i/neg)", "o/i/w(= o/v)", "o/i/neg(Neg o/i/w)"}));
}

TEST(FunctionInliningTest, NamedOutputsOfUnknownOperatorsStayDistinct) {
  GraphDefBuilder graph;
  graph.Node("f", "call");
  FunctionBuilder function = graph.Function("f");
  function.Output("y", "r:z:0");
  function.Node("TopK", "t", {});
  function.Node("R", "r", {"t:values:0", "t:indices:0", "t:values:0"});
  EXPECT_EQ(Describe(Inline(graph)).back(), "call/r(R call/t call/t/1 call/t)");
}

TEST(FunctionInliningTest, ListOutputsAreCountedInFunctions) {
  GraphDefBuilder graph;
  graph.Node("f", "call");
  FunctionBuilder function = graph.Function("f");
  function.Output("y", "r:z:0");
  function.Node("Split", "s", {});
  function.Node("R", "r", {"s:output:2", "s:output:0"});
  EXPECT_EQ(Describe(Inline(graph)).back(), "call/r(R call/s/2 call/s)");
}

TEST(FunctionInliningTest, FunctionsThatNobodyCallsAreNotLookedAt) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Function("gradient").Node("B", "b", {"nowhere"});
  EXPECT_EQ(Describe(Inline(graph)), Lines{"a(A)"});
}

TEST(FunctionInliningTest, ListArgumentsKeepTheCall) {
  GraphDefBuilder graph;
  graph.Node("f", "call");
  graph.Function("f").Input("v");
  graph.graph_def()
      .mutable_library()
      ->mutable_function(0)
      ->mutable_signature()
      ->mutable_input_arg(0)
      ->set_number_attr("N");
  EXPECT_EQ(Describe(Inline(graph)), Lines{"call(f)"});
}

TEST(FunctionInliningTest, RecursionIsRefused) {
  GraphDefBuilder graph;
  graph.Node("f", "f");
  graph.Function("f").Node("f", "f", {});
  const Status status = InlineError(graph);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("function calls are nested deeper than 32: "
                                  "recursion is not supported"),
            std::string::npos)
      << status.message();
}

// Every function calls the next one twice: 2^20 bodies without a node.
TEST(FunctionInliningTest, ExponentialCallsAreBounded) {
  GraphDefBuilder graph;
  graph.Node("f0", "call");
  for (int i = 0; i < 20; ++i) {
    FunctionBuilder function = graph.Function("f" + std::to_string(i));
    const std::string next = "f" + std::to_string(i + 1);
    function.Node(next, "a", {});
    function.Node(next, "b", {});
  }
  graph.Function("f20");
  Limits limits;
  limits.max_nodes = 1000;
  const Status status = InlineError(graph, limits);
  EXPECT_NE(status.message().find(
                "nodes with function bodies = 1001: must be in [0, 1000]"),
            std::string::npos)
      << status.message();
}

TEST(FunctionInliningTest, InputNamingNoNodeIsRefused) {
  GraphDefBuilder graph;
  graph.Node("A", "a", {"gone:2"});
  EXPECT_EQ(InlineError(graph).ToString(),
            "NOT_FOUND: node \"a\" (A): input \"gone\": no node has this name");
}

TEST(FunctionInliningTest, ControlInputNamingNoNodeIsRefused) {
  GraphDefBuilder graph;
  graph.Node("A", "a", {"^gone"});
  EXPECT_EQ(InlineError(graph).message(),
            "node \"a\" (A): input \"gone\": no node has this name");
}

TEST(FunctionInliningTest, DuplicateNameIsRefused) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("B", "a");
  EXPECT_EQ(InlineError(graph).message(), "node \"a\" (B): name is used twice");
}

TEST(FunctionInliningTest, EmptyAndLongNamesAreRefused) {
  GraphDefBuilder unnamed;
  unnamed.Node("A", "");
  EXPECT_EQ(InlineError(unnamed).message(), "node \"\" (A): has no name");
  GraphDefBuilder graph;
  const std::string name(1025, 'a');
  graph.Node("A", name);
  EXPECT_EQ(InlineError(graph).message(),
            "node \"" + name +
                "\" (A): length of its name = 1025: must be in [1, 1024]");
}

TEST(FunctionInliningTest, OutputNumberOutOfRangeIsRefused) {
  for (const char* port : {"-1", "1024", "x", "", "99999999999999999999"}) {
    GraphDefBuilder graph;
    graph.Node("A", "a");
    graph.Node("B", "b", {std::string("a:") + port});
    const Status status = InlineError(graph);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << port;
    EXPECT_NE(status.message().find("must be in [0, 1023]"), std::string::npos)
        << status.message();
  }
}

TEST(FunctionInliningTest, OutputBeyondIdentityNIsRefused) {
  GraphDefBuilder graph;
  graph.Node("A", "a");
  graph.Node("IdentityN", "n", {"a", "a"});
  graph.Node("R", "r", {"n:2"});
  EXPECT_EQ(InlineError(graph).message(),
            "node \"r\" (R): output number of input \"n\" = 2: must be in "
            "[0, 1]");
}

TEST(FunctionInliningTest, TooManyNodesAreRefused) {
  GraphDefBuilder graph;
  for (int i = 0; i < 4; ++i) graph.Node("A", "a" + std::to_string(i));
  Limits limits;
  limits.max_nodes = 3;
  EXPECT_EQ(InlineError(graph, limits).message(),
            "node \"a3\" (A): nodes with function bodies = 4: must be in "
            "[0, 3]");
}

TEST(FunctionInliningTest, TooManyInputsAreRefused) {
  GraphDefBuilder graph;
  graph.Node("A", "a", std::vector<std::string>(17, "a"));
  Limits limits;
  limits.max_nodes = 1;
  EXPECT_EQ(InlineError(graph, limits).message(),
            "node \"a\" (A): inputs of all nodes = 17: must be in [0, 16]");
}

TEST(FunctionInliningTest, WrongNumberOfCallInputsIsRefused) {
  GraphDefBuilder graph = SwishCall();
  graph.graph_def().mutable_node(1)->add_input("a");
  EXPECT_EQ(InlineError(graph).message(),
            "node \"call\" (swish): inputs = 2: must be in [1, 1]");
}

TEST(FunctionInliningTest, ResultWithoutSourceIsRefused) {
  GraphDefBuilder graph = SwishCall();
  auto& function = *graph.graph_def().mutable_library()->mutable_function(0);
  function.mutable_ret()->clear();
  EXPECT_EQ(InlineError(graph).message(),
            "node \"call\" (swish): function result \"y\" is not in its 'ret'");
}

TEST(FunctionInliningTest, CallOfAnUnknownFunctionIsRefused) {
  GraphDefBuilder graph;
  graph.Node("PartitionedCall", "call").Function("f", "gone");
  EXPECT_EQ(InlineError(graph).message(),
            "node \"call\" (PartitionedCall): attribute 'f' = \"gone\": no "
            "function of the library has this name");
}

TEST(FunctionInliningTest, DuplicateFunctionIsRefused) {
  GraphDefBuilder graph;
  graph.Function("f");
  graph.Function("f");
  EXPECT_EQ(InlineError(graph).message(), "function \"f\": name is used twice");
}

}  // namespace
}  // namespace cyto8
