// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/node_conversion.h.
#include "detector/import/node_conversion.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

StatusOr<Graph> Convert(GraphDefBuilder& graph) {
  StatusOr<FlatGraph> flat = InlineFunctions(graph.graph_def(), Limits{});
  if (!flat.ok()) return flat.status();
  return ConvertNodes(*std::move(flat), /*file_bytes=*/0, Limits{});
}

Status ConvertError(GraphDefBuilder& graph) { return Convert(graph).status(); }

// The node of that name; the first one, with a failure, if there is none.
Node Find(const StatusOr<Graph>& graph, const std::string& name) {
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  if (!graph.ok()) return {};
  const auto found = FindNode(*graph, name);
  EXPECT_TRUE(found.has_value()) << name;
  return graph->nodes[static_cast<size_t>(found.value_or(0))];
}

std::vector<std::string> Inputs(const StatusOr<Graph>& graph,
                                const std::string& name) {
  std::vector<std::string> names;
  for (const ValueRef& input : Find(graph, name).inputs) {
    names.push_back(ValueName(*graph, input));
  }
  return names;
}

using Names = std::vector<std::string>;

// Placeholders a, b, ... of one float.
GraphDefBuilder WithInputs(const Names& names) {
  GraphDefBuilder graph;
  for (const std::string& name : names) graph.Placeholder(name, {1});
  return graph;
}

TEST(NodeConversionTest, PlaceholderKeepsTypeAndShape) {
  GraphDefBuilder graph;
  graph.Placeholder("x", {-1, 8}, tf::DT_UINT8);
  graph.Node("Placeholder", "unknown_rank").Type("dtype", tf::DT_HALF);
  const auto converted = Convert(graph);
  const TensorDesc x = Find(converted, "x").As<InputAttributes>().desc;
  EXPECT_EQ(x.type, DataType::kUint8);
  EXPECT_EQ(x.shape, (Shape{kUnknownDim, 8}));
  const Node unknown = Find(converted, "unknown_rank");
  EXPECT_EQ(unknown.As<InputAttributes>().desc.type, DataType::kFloat32);
  EXPECT_EQ(unknown.outputs[0].shape, std::nullopt);
}

TEST(NodeConversionTest, StringsBecomeOpaque) {
  GraphDefBuilder graph;
  graph.Placeholder("files", {-1}, tf::DT_STRING);
  graph.ConstProto("text", MakeTensorProto(tf::DT_STRING, {}));
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "files").op, Op::kOpaque);
  EXPECT_EQ(Find(converted, "text").op, Op::kOpaque);
  EXPECT_EQ(Find(converted, "text").source_op, "Const");
}

TEST(NodeConversionTest, ConstIsDecoded) {
  GraphDefBuilder graph;
  graph.Const("c", {2}, {1, 2});
  const Node node = Find(Convert(graph), "c");
  EXPECT_EQ(node.op, Op::kConst);
  EXPECT_EQ(node.outputs[0].shape, (Shape{2}));
  EXPECT_EQ(node.As<ConstAttributes>().value->data<float>()[1], 2);
}

TEST(NodeConversionTest, ConstTypesMustAgree) {
  GraphDefBuilder graph;
  graph.Const("c", {}, {1}).Type("dtype", tf::DT_INT32);
  EXPECT_EQ(ConvertError(graph).message(),
            "node \"c\" (Const): attribute 'dtype' and the type of 'value' "
            "differ");
}

TEST(NodeConversionTest, ConstInACalledFunctionIsDecodedOnce) {
  GraphDefBuilder graph;
  graph.Node("f", "one");
  graph.Node("f", "two");
  FunctionBuilder function = graph.Function("f");
  function.Output("y", "c:output:0");
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {});
  proto.add_float_val(1);
  function.Node("Const", "c", {}).Tensor("value", proto);
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "one/c").As<ConstAttributes>().value,
            Find(converted, "two/c").As<ConstAttributes>().value);
}

TEST(NodeConversionTest, ConvolutionAttributesAreRead) {
  GraphDefBuilder graph = WithInputs({"x", "w"});
  graph.Node("Conv2D", "c", {"x", "w"})
      .Ints("strides", {1, 2, 3, 1})
      .Ints("dilations", {1, 4, 5, 1})
      .String("padding", "EXPLICIT")
      .Ints("explicit_paddings", {0, 0, 1, 2, 3, 4, 0, 0})
      .String("data_format", "NHWC");
  const Node node = Find(Convert(graph), "c");
  EXPECT_EQ(node.op, Op::kConv2D);
  const auto& conv = node.As<ConvAttributes>();
  EXPECT_EQ(conv.strides, (std::array<int64_t, 2>{2, 3}));
  EXPECT_EQ(conv.dilations, (std::array<int64_t, 2>{4, 5}));
  EXPECT_EQ(conv.padding.kind, PaddingKind::kExplicit);
  EXPECT_EQ(conv.padding.top, 1);
  EXPECT_EQ(conv.padding.bottom, 2);
  EXPECT_EQ(conv.padding.left, 3);
  EXPECT_EQ(conv.padding.right, 4);
}

// One convolution with the attribute changed by `change`.
template <typename Change>
std::string ConvolutionError(Change change) {
  GraphDefBuilder graph = WithInputs({"x", "w"});
  NodeBuilder node = graph.Conv2D("c", "x", "w");
  change(node);
  return ConvertError(graph).ToString();
}

TEST(NodeConversionTest, ConvolutionFormsWeCannotSayAreRefused) {
  EXPECT_EQ(
      ConvolutionError([](NodeBuilder& n) { n.String("data_format", "NCHW"); }),
      "UNIMPLEMENTED: node \"c\" (Conv2D): data_format = NCHW: must be "
      "NHWC");
  EXPECT_EQ(
      ConvolutionError([](NodeBuilder& n) { n.String("padding", "CIRCULAR"); }),
      "INVALID_ARGUMENT: node \"c\" (Conv2D): padding = \"CIRCULAR\": "
      "must be SAME, VALID or EXPLICIT");
  EXPECT_EQ(ConvolutionError([](NodeBuilder& n) {
              n.Ints("dilations", {1, 1, 1, 2});
            }),
            "UNIMPLEMENTED: node \"c\" (Conv2D): dilations = [1,1,1,2]: must "
            "be 1 along batch and channels");
  EXPECT_EQ(ConvolutionError([](NodeBuilder& n) {
              n.Ints("dilations", {1, 0, 1, 1});
            }),
            "INVALID_ARGUMENT: node \"c\" (Conv2D): dilations = 0: must be in "
            "[1, 1024]");
  EXPECT_EQ(
      ConvolutionError([](NodeBuilder& n) {
        n.Ints("dilations", {1, 1});
      }),
      "INVALID_ARGUMENT: node \"c\" (Conv2D): length of 'dilations' = 2: must "
      "be in [4, 4]");
  EXPECT_EQ(
      ConvolutionError([](NodeBuilder& n) { n.String("padding", "EXPLICIT"); }),
      "INVALID_ARGUMENT: node \"c\" (Conv2D): attribute 'explicit_paddings' is "
      "missing");
}

TEST(NodeConversionTest, ConvolutionWithoutKernelIsRefused) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("Conv2D", "c", {"x"});
  EXPECT_EQ(ConvertError(graph).message(),
            "node \"c\" (Conv2D): inputs = 1: must be in [2, 3]");
}

TEST(NodeConversionTest, DepthMultiplierIsRefused) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Const("w", {1, 1, 1, 2}, {1, 2});
  graph.Node("Identity", "read", {"w"});
  graph.DepthwiseConv2D("d", "x", "read");
  EXPECT_EQ(ConvertError(graph).ToString(),
            "UNIMPLEMENTED: node \"w\": shape = [1,1,1,2]: the last side of a "
            "depthwise kernel must be 1");
}

TEST(NodeConversionTest, PoolsAreRead) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.MaxPool("m", "x", 3, 2);
  graph.ConstInts("k", {4}, {1, 3, 2, 1});
  graph.ConstInts("s", {4}, {1, 2, 1, 1});
  graph.Node("MaxPoolV2", "m2", {"x", "k", "s"}).String("padding", "VALID");
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "m").As<PoolAttributes>().kernel,
            (std::array<int64_t, 2>{3, 3}));
  const auto pool = Find(converted, "m2").As<PoolAttributes>();
  EXPECT_EQ(pool.kernel, (std::array<int64_t, 2>{3, 2}));
  EXPECT_EQ(pool.strides, (std::array<int64_t, 2>{2, 1}));
  EXPECT_EQ(Inputs(converted, "m2"), Names{"x"});
}

TEST(NodeConversionTest, MaxPoolV2NeedsConstants) {
  GraphDefBuilder graph = WithInputs({"x", "k", "s"});
  graph.Node("MaxPoolV2", "m", {"x", "k", "s"}).String("padding", "SAME");
  EXPECT_EQ(ConvertError(graph).ToString(),
            "UNIMPLEMENTED: node \"m\" (MaxPoolV2): input \"k\": must be a "
            "constant");
}

TEST(NodeConversionTest, EveryFusedBatchNormIsOneOperator) {
  for (const char* op :
       {"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"}) {
    GraphDefBuilder graph = WithInputs({"x", "g", "b", "m", "v"});
    graph.Node(op, "bn", {"x", "g", "b", "m", "v"})
        .Bool("is_training", false)
        .Float("epsilon", 0.5f);
    const Node node = Find(Convert(graph), "bn");
    EXPECT_EQ(node.op, Op::kBatchNorm) << op;
    EXPECT_EQ(node.As<BatchNormAttributes>().epsilon, 0.5f) << op;
  }
}

TEST(NodeConversionTest, TrainingBatchNormIsRefused) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("FusedBatchNormV3", "bn", {"x", "x", "x", "x", "x"});
  EXPECT_EQ(ConvertError(graph).ToString(),
            "UNIMPLEMENTED: node \"bn\" (FusedBatchNormV3): is_training = "
            "true: must be false");
}

TEST(NodeConversionTest, BatchStatisticsMayNotBeRead) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("FusedBatchNormV3", "bn", {"x", "x", "x", "x", "x"})
      .Bool("is_training", false);
  graph.Node("Neg", "n", {"bn:1"});
  EXPECT_EQ(ConvertError(graph).message(),
            "node \"bn\" (FusedBatchNormV3): output 1 is read: only output 0 "
            "exists outside training");
}

TEST(NodeConversionTest, GlobalBatchNormIsReordered) {
  GraphDefBuilder graph = WithInputs({"x", "m", "v", "beta", "gamma"});
  const Names inputs = {"x", "m", "v", "beta", "gamma"};
  graph.Node("BatchNormWithGlobalNormalization", "scaled", inputs)
      .Float("variance_epsilon", 0.25f)
      .Bool("scale_after_normalization", true);
  graph.Node("BatchNormWithGlobalNormalization", "unscaled", inputs)
      .Float("variance_epsilon", 0.25f)
      .Bool("scale_after_normalization", false);
  const auto converted = Convert(graph);
  EXPECT_EQ(Inputs(converted, "scaled"),
            (Names{"x", "gamma", "beta", "m", "v"}));
  EXPECT_EQ(Inputs(converted, "unscaled"),
            (Names{"x", "unscaled/ones", "beta", "m", "v"}));
  EXPECT_EQ(Find(converted, "unscaled/ones").op, Op::kOnesLike);
  EXPECT_EQ(Find(converted, "scaled").As<BatchNormAttributes>().epsilon, 0.25f);
}

// x -> _FusedConv2D with those steps and arguments.
GraphDefBuilder FusedConvolution(const std::string& op, const Names& steps,
                                 const Names& arguments) {
  GraphDefBuilder graph =
      WithInputs({"x", "w", "b", "side", "gamma", "beta", "mean", "var"});
  Names inputs = {"x", "w"};
  inputs.insert(inputs.end(), arguments.begin(), arguments.end());
  graph.Node(op, "f", inputs)
      .Ints("strides", {1, 1, 1, 1})
      .String("padding", "SAME")
      .Strings("fused_ops", steps)
      .Float("epsilon", 0.125f)
      .Float("leakyrelu_alpha", 0.75f);
  graph.Node("Neg", "reader", {"f"});
  return graph;
}

TEST(NodeConversionTest, FusedConvolutionBecomesItsSteps) {
  GraphDefBuilder graph = FusedConvolution(
      "_FusedConv2D", {"BiasAdd", "Add", "Relu6"}, {"b", "side"});
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "f/Conv2D").op, Op::kConv2D);
  EXPECT_EQ(Inputs(converted, "f/Conv2D"), (Names{"x", "w"}));
  EXPECT_EQ(Inputs(converted, "f/BiasAdd"), (Names{"f/Conv2D", "b"}));
  EXPECT_EQ(Inputs(converted, "f/Add"), (Names{"f/BiasAdd", "side"}));
  EXPECT_EQ(Find(converted, "f").op, Op::kRelu6);
  EXPECT_EQ(Inputs(converted, "f"), Names{"f/Add"});
  EXPECT_EQ(Inputs(converted, "reader"), Names{"f"});
}

TEST(NodeConversionTest, FusedConvolutionMayHoldABatchNorm) {
  GraphDefBuilder graph =
      FusedConvolution("_FusedConv2D", {"FusedBatchNorm", "LeakyRelu"},
                       {"gamma", "beta", "mean", "var"});
  const auto converted = Convert(graph);
  EXPECT_EQ(Inputs(converted, "f/FusedBatchNorm"),
            (Names{"f/Conv2D", "gamma", "beta", "mean", "var"}));
  EXPECT_EQ(
      Find(converted, "f/FusedBatchNorm").As<BatchNormAttributes>().epsilon,
      0.125f);
  EXPECT_EQ(Find(converted, "f").As<LeakyReluAttributes>().alpha, 0.75f);
}

TEST(NodeConversionTest, FusedConvolutionWithoutStepsIsAConvolution) {
  GraphDefBuilder graph = FusedConvolution("_FusedConv2D", {}, {});
  EXPECT_EQ(Find(Convert(graph), "f").op, Op::kConv2D);
}

TEST(NodeConversionTest, FusedDepthwiseAndMatMulBecomeTheirSteps) {
  GraphDefBuilder depthwise = FusedConvolution("_FusedDepthwiseConv2dNative",
                                               {"BiasAdd", "Elu"}, {"b"});
  EXPECT_EQ(Find(Convert(depthwise), "f/DepthwiseConv2d").op,
            Op::kDepthwiseConv2D);
  EXPECT_EQ(Find(Convert(depthwise), "f").op, Op::kElu);
  GraphDefBuilder matmul =
      FusedConvolution("_FusedMatMul", {"BiasAdd", "Tanh"}, {"b"});
  EXPECT_EQ(Find(Convert(matmul), "f/MatMul").op, Op::kMatMul);
  EXPECT_EQ(Find(Convert(matmul), "f").op, Op::kTanh);
}

TEST(NodeConversionTest, NamesOfStepsAvoidTakenNames) {
  GraphDefBuilder graph = FusedConvolution("_FusedConv2D", {"BiasAdd"}, {"b"});
  graph.Placeholder("f/Conv2D", {1});
  EXPECT_EQ(Inputs(Convert(graph), "f"), (Names{"f/Conv2D_2", "b"}));
}

TEST(NodeConversionTest, FusedStepsAndArgumentsMustFit) {
  GraphDefBuilder few = FusedConvolution("_FusedConv2D", {"BiasAdd"}, {});
  EXPECT_EQ(ConvertError(few).message(),
            "node \"f\" (_FusedConv2D): fewer arguments than 'fused_ops' need");
  GraphDefBuilder many =
      FusedConvolution("_FusedConv2D", {"Relu"}, {"b", "side"});
  EXPECT_EQ(ConvertError(many).message(),
            "node \"f\" (_FusedConv2D): more arguments than 'fused_ops' need");
  GraphDefBuilder unknown = FusedConvolution("_FusedConv2D", {"GeluExact"}, {});
  EXPECT_EQ(ConvertError(unknown).ToString(),
            "UNIMPLEMENTED: node \"f\" (_FusedConv2D): fused_ops holds "
            "\"GeluExact\", which is not supported");
}

TEST(NodeConversionTest, FusedBatchNormExBecomesItsSteps) {
  GraphDefBuilder graph = WithInputs({"x", "g", "b", "m", "v", "side"});
  graph.Node("_FusedBatchNormEx", "f", {"x", "g", "b", "m", "v", "side"})
      .Bool("is_training", false)
      .String("activation_mode", "Relu");
  const auto converted = Convert(graph);
  EXPECT_EQ(Inputs(converted, "f/FusedBatchNorm"),
            (Names{"x", "g", "b", "m", "v"}));
  EXPECT_EQ(Inputs(converted, "f/Add"), (Names{"f/FusedBatchNorm", "side"}));
  EXPECT_EQ(Inputs(converted, "f"), Names{"f/Add"});
  EXPECT_EQ(Find(converted, "f").op, Op::kRelu);
}

TEST(NodeConversionTest, IdentitiesKeepTheirFirstInput) {
  for (const char* op :
       {"Identity", "Snapshot", "StopGradient", "PreventGradient",
        "CheckNumerics", "Print", "EnsureShape", "PlaceholderWithDefault"}) {
    GraphDefBuilder graph = WithInputs({"x", "y"});
    graph.Node(op, "i", {"x", "y"});
    const auto converted = Convert(graph);
    EXPECT_EQ(Find(converted, "i").op, Op::kIdentity) << op;
    EXPECT_EQ(Inputs(converted, "i"), Names{"x"}) << op;
  }
}

struct PlainCase {
  const char* name;
  Op op;
  size_t inputs;
};

TEST(NodeConversionTest, OperatorsWithoutAttributes) {
  constexpr PlainCase kCases[] = {
      {"Add", Op::kAdd, 2},           {"AddV2", Op::kAdd, 2},
      {"AddN", Op::kAddN, 3},         {"Div", Op::kDiv, 2},
      {"RealDiv", Op::kDiv, 2},       {"FloorMod", Op::kFloorMod, 2},
      {"Select", Op::kSelect, 3},     {"SelectV2", Op::kSelect, 3},
      {"BiasAddV1", Op::kBiasAdd, 2}, {"Softmax", Op::kSoftmax, 1},
      {"Reshape", Op::kReshape, 2},   {"ConcatV2", Op::kConcat, 4},
      {"Pad", Op::kPad, 2},           {"PadV2", Op::kPad, 3},
      {"Inv", Op::kReciprocal, 1},    {"BroadcastTo", Op::kBroadcastTo, 2},
  };
  for (const PlainCase& plain : kCases) {
    GraphDefBuilder graph = WithInputs({"x"});
    graph.Node(plain.name, "n", Names(plain.inputs, "x"));
    EXPECT_EQ(Find(Convert(graph), "n").op, plain.op) << plain.name;
  }
}

TEST(NodeConversionTest, OtherOperatorsBecomeOpaque) {
  for (const char* op : {"MirrorPad", "DivNoNan", "Mod", "StatelessWhile",
                         "DecodeImage", "NonMaxSuppressionV5", "NoSuchOp"}) {
    GraphDefBuilder graph = WithInputs({"x"});
    graph.Node(op, "n", {"x"});
    graph.Node("Neg", "reader", {"n:2"});
    const Node node = Find(Convert(graph), "n");
    EXPECT_EQ(node.op, Op::kOpaque) << op;
    EXPECT_EQ(node.source_op, op);
    EXPECT_EQ(node.outputs.size(), 3u) << op;
  }
}

TEST(NodeConversionTest, OpaqueOutputsHaveTheirTypes) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("GatherNd", "gather", {"x"}).Type("Tparams", tf::DT_INT32);
  graph.Node("Where", "where", {"x"}).Type("T", tf::DT_BOOL);
  graph.Node("TopKV2", "top", {"x"});
  graph.Node("Neg", "reader", {"top:1"});
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "gather").outputs[0].type, DataType::kInt32);
  EXPECT_EQ(Find(converted, "where").outputs[0].type, DataType::kInt64);
  const Node top = Find(converted, "top");
  EXPECT_EQ(top.outputs[0].type, DataType::kFloat32);
  EXPECT_EQ(top.outputs[1].type, DataType::kInt32);
}

TEST(NodeConversionTest, OldFormsAreRewritten) {
  GraphDefBuilder graph = WithInputs({"axis", "x", "y"});
  graph.Node("Concat", "c", {"axis", "x", "y"});
  graph.Node("Gather", "g", {"x", "y"});
  const auto converted = Convert(graph);
  EXPECT_EQ(Inputs(converted, "c"), (Names{"x", "y", "axis"}));
  EXPECT_EQ(Inputs(converted, "g"), (Names{"x", "y", "g/axis"}));
}

TEST(NodeConversionTest, AttributesOfDataMovementAreRead) {
  GraphDefBuilder graph = WithInputs({"x", "y"});
  graph.Node("Pack", "pack", {"x", "y"}).Int("axis", -1);
  graph.Node("Unpack", "unpack", {"x"}).Int("axis", 2).Int("num", 3);
  graph.Node("Split", "split", {"x", "y"}).Int("num_split", 4);
  graph.Node("Squeeze", "squeeze", {"x"}).Ints("squeeze_dims", {0, -1});
  graph.Node("GatherV2", "gather", {"x", "x", "x"}).Int("batch_dims", 1);
  graph.Node("StridedSlice", "slice", {"x", "x", "x", "x"})
      .Int("begin_mask", 1)
      .Int("end_mask", 2)
      .Int("ellipsis_mask", 4)
      .Int("new_axis_mask", 8)
      .Int("shrink_axis_mask", 16);
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "pack").As<AxisAttributes>().axis, -1);
  EXPECT_EQ(Find(converted, "unpack").As<UnpackAttributes>().axis, 2);
  EXPECT_EQ(Find(converted, "unpack").outputs.size(), 3u);
  EXPECT_EQ(Find(converted, "split").As<UnpackAttributes>().count, 4);
  EXPECT_EQ(Find(converted, "squeeze").As<AxesAttributes>().axes,
            (std::vector<int64_t>{0, -1}));
  EXPECT_EQ(Find(converted, "gather").As<GatherAttributes>().batch_dims, 1);
  const auto slice = Find(converted, "slice").As<StridedSliceAttributes>();
  EXPECT_EQ(slice.begin_mask, 1);
  EXPECT_EQ(slice.end_mask, 2);
  EXPECT_EQ(slice.ellipsis_mask, 4);
  EXPECT_EQ(slice.new_axis_mask, 8);
  EXPECT_EQ(slice.shrink_axis_mask, 16);
}

TEST(NodeConversionTest, ReductionsAndResizesAreRead) {
  GraphDefBuilder graph = WithInputs({"x", "y"});
  graph.Node("Mean", "mean", {"x", "y"}).Bool("keep_dims", true);
  graph.Node("Max", "max", {"x", "y"});
  graph.Node("ResizeBilinear", "r", {"x", "y"})
      .Bool("half_pixel_centers", true);
  graph.Node("ResizeNearestNeighbor", "n", {"x", "y"})
      .Bool("align_corners", true);
  const auto converted = Convert(graph);
  EXPECT_TRUE(Find(converted, "mean").As<ReduceAttributes>().keep_dims);
  EXPECT_FALSE(Find(converted, "max").As<ReduceAttributes>().keep_dims);
  EXPECT_TRUE(Find(converted, "r").As<ResizeAttributes>().half_pixel_centers);
  EXPECT_FALSE(Find(converted, "r").As<ResizeAttributes>().align_corners);
  EXPECT_TRUE(Find(converted, "n").As<ResizeAttributes>().align_corners);
}

TEST(NodeConversionTest, ResultTypesAreRead) {
  GraphDefBuilder graph = WithInputs({"x", "y"});
  graph.Node("Cast", "cast", {"x"}).Type("DstT", tf::DT_DOUBLE);
  graph.Node("Cast", "text", {"x"}).Type("DstT", tf::DT_STRING);
  graph.Node("Shape", "shape", {"x"});
  graph.Node("ArgMax", "arg", {"x", "y"});
  graph.Node("ArgMax", "arg32", {"x", "y"}).Type("output_type", tf::DT_INT32);
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "cast").As<CastAttributes>().to,
            DataType::kFloat32);
  EXPECT_EQ(Find(converted, "text").op, Op::kOpaque);
  EXPECT_EQ(Find(converted, "shape").As<CastAttributes>().to, DataType::kInt32);
  EXPECT_EQ(Find(converted, "arg").As<CastAttributes>().to, DataType::kInt64);
  EXPECT_EQ(Find(converted, "arg32").As<CastAttributes>().to, DataType::kInt32);
}

TEST(NodeConversionTest, CastsBetweenTypesComputedAlikeAreNoSteps) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("Cast", "half", {"x"})
      .Type("SrcT", tf::DT_HALF)
      .Type("DstT", tf::DT_FLOAT);
  graph.Node("Cast", "int", {"x"})
      .Type("SrcT", tf::DT_FLOAT)
      .Type("DstT", tf::DT_INT32);
  const auto converted = Convert(graph);
  EXPECT_EQ(Find(converted, "half").op, Op::kIdentity);
  EXPECT_EQ(Find(converted, "half").source_op, "Cast");
  EXPECT_EQ(Inputs(converted, "half"), Names{"x"});
  EXPECT_EQ(Find(converted, "int").As<CastAttributes>().to, DataType::kInt32);
}

TEST(NodeConversionTest, KernelsInHalfPrecisionAreChecked) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.ConstProto("w", MakeTensorProto(tf::DT_HALF, {1, 1, 3, 2}));
  graph.Node("Cast", "read", {"w"})
      .Type("SrcT", tf::DT_HALF)
      .Type("DstT", tf::DT_FLOAT);
  graph.Conv2D("c", "x", "read");
  EXPECT_EQ(ConvertError(graph).ToString(),
            "DATA_LOSS: node \"w\": value = 0 bytes: must be 24, the kernel of "
            "node \"c\"");
}

TEST(NodeConversionTest, AxesAndCountsAreBounded) {
  GraphDefBuilder pack = WithInputs({"x"});
  pack.Node("Pack", "p", {"x"}).Int("axis", 10);
  EXPECT_EQ(ConvertError(pack).message(),
            "node \"p\" (Pack): axis = 10: must be in [-9, 8]");
  GraphDefBuilder unpack = WithInputs({"x"});
  unpack.Node("Unpack", "u", {"x"}).Int("num", 5000);
  EXPECT_EQ(ConvertError(unpack).message(),
            "node \"u\" (Unpack): num = 5000: must be in [1, 1024]");
}

TEST(NodeConversionTest, OutputThatDoesNotExistMayNotBeRead) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("Neg", "n", {"x"});
  graph.Node("Neg", "reader", {"n:1"});
  EXPECT_EQ(ConvertError(graph).message(),
            "node \"n\" (Neg): output 1 is read: must be in [0, 0]");
}

TEST(NodeConversionTest, WrongInputCountNamesTheNode) {
  GraphDefBuilder graph = WithInputs({"x"});
  graph.Node("Mul", "m", {"x"});
  EXPECT_EQ(ConvertError(graph).message(),
            "node \"m\" (Mul): inputs = 1: must be in [2, 2]");
}

}  // namespace
}  // namespace cyto8
