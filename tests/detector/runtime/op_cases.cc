// SPDX-License-Identifier: Apache-2.0
// Cases worked out by hand; see op_cases.h.
#include "tests/detector/runtime/op_cases.h"

#include <utility>

#include "tests/detector/runtime/graphs.h"

namespace cyto8 {
namespace {

using Cases = std::vector<OpCase>;

Tensor Row(const std::vector<float>& values) {
  return Floats({static_cast<int64_t>(values.size())}, values);
}
Tensor IntRow(const std::vector<int32_t>& values) {
  return Ints({static_cast<int64_t>(values.size())}, values);
}

OpCase Unary(Op op, const std::vector<float>& x, const std::vector<float>& y,
             Attributes attributes = {}) {
  return {std::string(OpName(op)),
          op,
          std::move(attributes),
          {Row(x)},
          {Row(y)},
          {0}};
}
OpCase IntUnary(Op op, const std::vector<int32_t>& x,
                const std::vector<int32_t>& y) {
  return {std::string(OpName(op)) + " of int32",
          op,
          {},
          {IntRow(x)},
          {IntRow(y)},
          {0}};
}
OpCase Binary(Op op, Tensor a, Tensor b, Tensor result) {
  return {
      std::string(OpName(op)) + " of " + std::string(DataTypeName(a.type())),
      op,
      {},
      {a, b},
      {std::move(result)},
      {0, 1}};
}

void AddWindowCases(Cases& cases) {
  const Tensor nine = Floats({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  cases.push_back({"Conv2D with bias and relu",
                   Op::kConv2D,
                   ConvAttributes{.activation = Activation::kRelu},
                   {nine, Floats({2, 2, 1, 2}, {1, -1, 2, -2, 3, -3, 4, -4}),
                    Row({10, 10})},
                   {Floats({1, 2, 2, 2}, {47, 0, 57, 0, 77, 0, 87, 0})},
                   {0}});
  cases.push_back({"Conv2D, SAME, pads 0 before and 1 after",
                   Op::kConv2D,
                   ConvAttributes{.strides = {2, 2},
                                  .padding = {.kind = PaddingKind::kSame}},
                   {Floats({1, 4, 4, 1}, std::vector<float>(16, 1)),
                    Floats({3, 3, 1, 1}, std::vector<float>(9, 1))},
                   {Floats({1, 2, 2, 1}, {9, 6, 6, 4})},
                   {0, 1}});
  cases.push_back(
      {"Conv2D, explicit pads",
       Op::kConv2D,
       ConvAttributes{.padding = {.kind = PaddingKind::kExplicit,
                                  .top = 1,
                                  .bottom = 0,
                                  .left = 0,
                                  .right = 2}},
       {Floats({1, 1, 2, 1}, {1, 2}), Floats({2, 2, 1, 1}, {1, 10, 100, 1000})},
       {Floats({1, 1, 3, 1}, {2100, 200, 0})},
       {0}});
  cases.push_back({"Conv2D, dilated",
                   Op::kConv2D,
                   ConvAttributes{.dilations = {2, 2}},
                   {nine, Floats({2, 2, 1, 1}, {1, 1, 1, 1})},
                   {Floats({1, 1, 1, 1}, {20})},
                   {0}});
  cases.push_back(
      {"DepthwiseConv2D",
       Op::kDepthwiseConv2D,
       ConvAttributes{.activation = Activation::kRelu6},
       {Floats({1, 2, 2, 2}, {.1f, 10, .2f, 20, .3f, 30, .4f, 40}),
        Floats({2, 2, 2, 1}, {1, 1, 2, 2, 3, 3, 4, 4}), Row({1, -297})},
       {Floats({1, 1, 1, 2}, {4, 3})},
       {0}});
  const PoolAttributes pool = {.kernel = {3, 3},
                               .strides = {2, 2},
                               .padding = {.kind = PaddingKind::kSame}};
  const Tensor negative = Floats({1, 2, 2, 1}, {-1, -2, -3, -4});
  cases.push_back({"MaxPool: padding never wins",
                   Op::kMaxPool,
                   pool,
                   {negative},
                   {Floats({1, 1, 1, 1}, {-1})},
                   {0}});
  cases.push_back({"AvgPool: padding is not counted",
                   Op::kAvgPool,
                   pool,
                   {negative},
                   {Floats({1, 1, 1, 1}, {-2.5f})},
                   {0}});
}

void AddImageCases(Cases& cases) {
  const Tensor pair = Floats({1, 1, 2, 1}, {0, 4});
  cases.push_back({"ResizeNearest",
                   Op::kResizeNearest,
                   ResizeAttributes{},
                   {pair, IntRow({2, 4})},
                   {Floats({1, 2, 4, 1}, {0, 0, 4, 4, 0, 0, 4, 4})},
                   {0}});
  cases.push_back({"ResizeBilinear, half pixel centers",
                   Op::kResizeBilinear,
                   ResizeAttributes{.half_pixel_centers = true},
                   {pair, IntRow({1, 4})},
                   {Floats({1, 1, 4, 1}, {0, 1, 3, 4})},
                   {0}});
  cases.push_back({"ResizeBilinear of uint8",
                   Op::kResizeBilinear,
                   ResizeAttributes{},
                   {Bytes({1, 1, 2, 1}, {0, 4}), IntRow({1, 4})},
                   {Floats({1, 1, 4, 1}, {0, 2, 4, 4})},
                   {0}});
  cases.push_back({"UpsampleNearest",
                   Op::kUpsampleNearest,
                   UpsampleAttributes{.factor_y = 1, .factor_x = 2},
                   {pair},
                   {Floats({1, 1, 4, 1}, {0, 0, 4, 4})},
                   {0}});
  cases.push_back({"SqueezeExcite",
                   Op::kSqueezeExcite,
                   SqueezeExciteAttributes{},
                   {Floats({1, 1, 2, 1}, {1, 3}), Floats({1, 1}, {1}),
                    Row({-2}), Floats({1, 1}, {5}), Row({0})},
                   {Floats({1, 1, 2, 1}, {.5f, 1.5f})},
                   {0}});
  cases.push_back(
      {"Normalize",
       Op::kNormalize,
       NormalizeAttributes{.mean = {10, 10, 10}, .deviation = {1, 2, 4}},
       {Bytes({1, 1, 1, 3}, {10, 20, 30})},
       {Floats({1, 1, 1, 3}, {0, 5, 5})},
       {0}});
}

void AddUnaryCases(Cases& cases) {
  cases.push_back(Unary(Op::kIdentity, {-1, 2}, {-1, 2}));
  cases.push_back(Unary(Op::kRelu, {-1, .5f}, {0, .5f}));
  cases.push_back(Unary(Op::kRelu6, {-1, 7}, {0, 6}));
  cases.push_back(Unary(Op::kLeakyRelu, {-1, .5f}, {-.25f, .5f},
                        LeakyReluAttributes{.alpha = .25f}));
  cases.push_back(Unary(Op::kElu, {-1, .5f}, {-0.6321206f, .5f}));
  cases.push_back(Unary(Op::kSelu, {-1, .5f}, {-1.1113307f, 0.5253505f}));
  cases.push_back(Unary(Op::kSigmoid, {-1, .5f}, {0.26894142f, 0.62245933f}));
  cases.push_back(Unary(Op::kTanh, {-1, .5f}, {-0.76159416f, 0.46211716f}));
  cases.push_back(Unary(Op::kSoftplus, {-1, .5f}, {0.31326169f, 0.97407698f}));
  cases.push_back(Unary(Op::kSoftsign, {-1, .5f}, {-.5f, 0.33333333f}));
  cases.push_back(Unary(Op::kExp, {-1, .5f}, {0.36787944f, 1.6487213f}));
  cases.push_back(Unary(Op::kLog, {1, 2}, {0, 0.69314718f}));
  cases.push_back(Unary(Op::kLog1p, {0, 1}, {0, 0.69314718f}));
  cases.push_back(Unary(Op::kSqrt, {4, 2}, {2, 1.4142136f}));
  cases.push_back(Unary(Op::kRsqrt, {4, .25f}, {.5f, 2}));
  cases.push_back(Unary(Op::kSquare, {-3, 2}, {9, 4}));
  cases.push_back(Unary(Op::kReciprocal, {4, -2}, {.25f, -.5f}));
  cases.push_back(Unary(Op::kNeg, {4, -2}, {-4, 2}));
  cases.push_back(Unary(Op::kAbs, {4, -2}, {4, 2}));
  cases.push_back(Unary(Op::kFloor, {-1.5f, 1.5f}, {-2, 1}));
  cases.push_back(Unary(Op::kCeil, {-1.5f, 1.5f}, {-1, 2}));
  cases.push_back(Unary(Op::kRound, {.5f, 1.5f, -2.5f}, {0, 2, -2}));
  cases.push_back(Unary(Op::kErf, {.5f}, {0.52049988f}));
  cases.push_back(Unary(Op::kOnesLike, {7, 8}, {1, 1}));
  cases.push_back(Unary(Op::kZerosLike, {7, 8}, {0, 0}));
  cases.push_back(Unary(Op::kSwish, {-1, .5f}, {-0.26894142f, 0.31122967f},
                        SwishAttributes{}));
  cases.push_back(
      Unary(Op::kSwish, {.5f}, {0.36552929f}, SwishAttributes{.beta = 2}));
  cases.push_back(
      Unary(Op::kHardSwish, {-1, .5f, 9}, {-0.33333333f, 0.29166667f, 9}));
  cases.push_back(Unary(Op::kMish, {-1, .5f}, {-0.30340146f, 0.37524524f}));
  cases.push_back(IntUnary(Op::kNeg, {4, -2}, {-4, 2}));
  cases.push_back(IntUnary(Op::kAbs, {4, -2}, {4, 2}));
  cases.push_back(IntUnary(Op::kSquare, {4, -2}, {16, 4}));
  cases.push_back(IntUnary(Op::kRelu, {4, -2}, {4, 0}));
  cases.push_back(IntUnary(Op::kOnesLike, {4, -2}, {1, 1}));
  cases.push_back({"Cast",
                   Op::kCast,
                   CastAttributes{.to = DataType::kInt32},
                   {Row({-1.7f, 2.5f})},
                   {IntRow({-1, 2})},
                   {0}});
  cases.push_back({"LogicalNot",
                   Op::kLogicalNot,
                   {},
                   {Bools({2}, {0, 1})},
                   {Bools({2}, {1, 0})},
                   {0}});
}

void AddBinaryCases(Cases& cases) {
  struct Values {
    Op op;
    std::vector<float> floats;
    std::vector<int32_t> ints;
  };
  // Of {6, -7} and {4, 2}.
  const std::vector<Values> table = {
      {Op::kAdd, {10, -5}, {10, -5}},
      {Op::kSub, {2, -9}, {2, -9}},
      {Op::kMul, {24, -14}, {24, -14}},
      {Op::kDiv, {1.5f, -3.5f}, {1, -3}},
      {Op::kFloorDiv, {1, -4}, {1, -4}},
      {Op::kFloorMod, {2, 1}, {2, 1}},
      {Op::kMaximum, {6, 2}, {6, 2}},
      {Op::kMinimum, {4, -7}, {4, -7}},
      {Op::kPow, {1296, 49}, {1296, 49}},
      {Op::kSquaredDifference, {4, 81}, {4, 81}},
  };
  for (const Values& v : table) {
    cases.push_back(Binary(v.op, Row({6, -7}), Row({4, 2}), Row(v.floats)));
    cases.push_back(
        Binary(v.op, IntRow({6, -7}), IntRow({4, 2}), IntRow(v.ints)));
  }
  cases.push_back(
      Binary(Op::kAdd, Longs({}, {int64_t{1} << 40}), Longs({2}, {1, 2}),
             Longs({2}, {(int64_t{1} << 40) + 1, (int64_t{1} << 40) + 2})));
  cases.push_back(Binary(Op::kMul, Floats({2, 1}, {2, 3}), Row({1, 10, 100}),
                         Floats({2, 3}, {2, 20, 200, 3, 30, 300})));
}

void AddComparisonCases(Cases& cases) {
  struct Truth {
    Op op;
    std::vector<uint8_t> values;
  };
  // Of {1, 2, 3} and 2.
  const std::vector<Truth> table = {
      {Op::kGreater, {0, 0, 1}}, {Op::kGreaterEqual, {0, 1, 1}},
      {Op::kLess, {1, 0, 0}},    {Op::kLessEqual, {1, 1, 0}},
      {Op::kEqual, {0, 1, 0}},   {Op::kNotEqual, {1, 0, 1}},
  };
  for (const Truth& t : table) {
    const Tensor result = Bools({3}, t.values);
    cases.push_back(Binary(t.op, Row({1, 2, 3}), Floats({}, {2}), result));
    cases.push_back(Binary(t.op, IntRow({1, 2, 3}), Ints({}, {2}), result));
    cases.push_back(
        Binary(t.op, Longs({3}, {1, 2, 3}), Longs({}, {2}), result));
    cases.push_back(
        Binary(t.op, Bytes({3}, {1, 2, 3}), Bytes({}, {2}), result));
  }
  const Tensor a = Bools({4}, {0, 0, 1, 1});
  const Tensor b = Bools({4}, {0, 1, 0, 1});
  cases.push_back(Binary(Op::kLogicalAnd, a, b, Bools({4}, {0, 0, 0, 1})));
  cases.push_back(Binary(Op::kLogicalOr, a, b, Bools({4}, {0, 1, 1, 1})));
  cases.push_back(Binary(Op::kEqual, a, b, Bools({4}, {1, 0, 0, 1})));
  cases.push_back({"Select",
                   Op::kSelect,
                   {},
                   {Bools({2, 1}, {1, 0}), Row({1, 2}), Floats({}, {9})},
                   {Floats({2, 2}, {1, 2, 9, 9})},
                   {0, 1, 2}});
}

void AddSumCases(Cases& cases) {
  cases.push_back({"AddN",
                   Op::kAddN,
                   {},
                   {Row({1, 2}), Row({10, 20}), Row({100, 200})},
                   {Row({111, 222})},
                   {0, 1, 2}});
  cases.push_back({"AddN of int32",
                   Op::kAddN,
                   {},
                   {IntRow({1, 2})},
                   {IntRow({1, 2})},
                   {0}});
  cases.push_back(
      {"WeightedSum",
       Op::kWeightedSum,
       {},
       {Floats({1, 2}, {1, 2}), Floats({1, 2}, {10, 20}), Row({2, .5f})},
       {Floats({1, 2}, {7, 14})},
       {0, 1}});
  cases.push_back({"WeightedSum per channel",
                   Op::kWeightedSum,
                   {},
                   {Floats({1, 2}, {1, 2}), Floats({1, 2}, {10, 20}),
                    Floats({2, 2}, {2, 0, 1, 3})},
                   {Floats({1, 2}, {12, 60})},
                   {0, 1, 2}});
  cases.push_back({"BiasAdd",
                   Op::kBiasAdd,
                   {},
                   {Floats({2, 2}, {1, 2, 3, 4}), Row({10, 20})},
                   {Floats({2, 2}, {11, 22, 13, 24})},
                   {0, 1}});
  cases.push_back({"BatchNorm",
                   Op::kBatchNorm,
                   BatchNormAttributes{.epsilon = 1},
                   {Floats({1, 2}, {1, 2}), Row({2, 2}), Row({1, 1}),
                    Row({1, 0}), Row({3, 3})},
                   {Floats({1, 2}, {1, 3})},
                   {0}});
  cases.push_back(
      {"MatMul",
       Op::kMatMul,
       MatMulAttributes{},
       {Floats({2, 3}, {1, 2, 3, 4, 5, 6}), Floats({3, 1}, {1, 10, 100})},
       {Floats({2, 1}, {321, 654})},
       {0, 1}});
  cases.push_back(
      {"MatMul, both transposed",
       Op::kMatMul,
       MatMulAttributes{.transpose_a = true, .transpose_b = true},
       {Floats({3, 2}, {1, 4, 2, 5, 3, 6}), Floats({1, 3}, {1, 10, 100})},
       {Floats({2, 1}, {321, 654})},
       {0, 1}});
}

void AddShapeCases(Cases& cases) {
  const Tensor six = Floats({2, 3}, {1, 2, 3, 4, 5, 6});
  cases.push_back({"Shape",
                   Op::kShape,
                   CastAttributes{.to = DataType::kInt32},
                   {six},
                   {IntRow({2, 3})},
                   {0}});
  cases.push_back({"Shape as int64",
                   Op::kShape,
                   CastAttributes{.to = DataType::kInt64},
                   {six},
                   {Longs({2}, {2, 3})},
                   {0}});
  cases.push_back({"Reshape",
                   Op::kReshape,
                   {},
                   {six, IntRow({-1, 2})},
                   {Floats({3, 2}, {1, 2, 3, 4, 5, 6})},
                   {0}});
  cases.push_back({"Squeeze",
                   Op::kSqueeze,
                   AxesAttributes{.axes = {0}},
                   {Floats({1, 2, 1}, {1, 2})},
                   {Floats({2, 1}, {1, 2})},
                   {0}});
  cases.push_back({"ExpandDims",
                   Op::kExpandDims,
                   {},
                   {Row({1, 2}), Ints({}, {-1})},
                   {Floats({2, 1}, {1, 2})},
                   {0}});
  cases.push_back({"Transpose",
                   Op::kTranspose,
                   {},
                   {six, IntRow({1, 0})},
                   {Floats({3, 2}, {1, 4, 2, 5, 3, 6})},
                   {0}});
  cases.push_back({"BroadcastTo",
                   Op::kBroadcastTo,
                   {},
                   {Row({1, 2}), IntRow({2, 2})},
                   {Floats({2, 2}, {1, 2, 1, 2})},
                   {0}});
  cases.push_back({"Tile",
                   Op::kTile,
                   {},
                   {Row({1, 2}), IntRow({2})},
                   {Row({1, 2, 1, 2})},
                   {0}});
  cases.push_back({"Fill",
                   Op::kFill,
                   {},
                   {IntRow({2, 2}), Ints({}, {7})},
                   {Ints({2, 2}, {7, 7, 7, 7})},
                   {1}});
  cases.push_back({"Range",
                   Op::kRange,
                   {},
                   {Ints({}, {5}), Ints({}, {0}), Ints({}, {-2})},
                   {IntRow({5, 3, 1})},
                   {}});
}

void AddJoinCases(Cases& cases) {
  const Tensor six = Floats({2, 3}, {1, 2, 3, 4, 5, 6});
  cases.push_back(
      {"Concat",
       Op::kConcat,
       {},
       {Floats({2, 1}, {1, 2}), Floats({2, 2}, {3, 4, 5, 6}), Ints({}, {-1})},
       {Floats({2, 3}, {1, 3, 4, 2, 5, 6})},
       {0, 1}});
  cases.push_back({"Pack",
                   Op::kPack,
                   AxisAttributes{.axis = -1},
                   {IntRow({1, 2}), IntRow({3, 4})},
                   {Ints({2, 2}, {1, 3, 2, 4})},
                   {0, 1}});
  cases.push_back({"Unpack",
                   Op::kUnpack,
                   UnpackAttributes{.axis = 1, .count = 3},
                   {six},
                   {Row({1, 4}), Row({2, 5}), Row({3, 6})},
                   {0}});
  cases.push_back({"Split",
                   Op::kSplit,
                   UnpackAttributes{.axis = 0, .count = 2},
                   {Ints({}, {0}), six},
                   {Floats({1, 3}, {1, 2, 3}), Floats({1, 3}, {4, 5, 6})},
                   {1}});
  cases.push_back({"SplitV",
                   Op::kSplitV,
                   UnpackAttributes{.axis = 0, .count = 2},
                   {six, IntRow({1, 2}), Ints({}, {-1})},
                   {Floats({2, 1}, {1, 4}), Floats({2, 2}, {2, 3, 5, 6})},
                   {0}});
}

void AddSliceCases(Cases& cases) {
  const Tensor six = Floats({2, 3}, {1, 2, 3, 4, 5, 6});
  cases.push_back({"Slice",
                   Op::kSlice,
                   {},
                   {six, IntRow({0, 1}), IntRow({-1, 2})},
                   {Floats({2, 2}, {2, 3, 5, 6})},
                   {0}});
  cases.push_back({"StridedSlice",
                   Op::kStridedSlice,
                   StridedSliceAttributes{.shrink_axis_mask = 1},
                   {six, IntRow({1, 2}), IntRow({2, -4}), IntRow({1, -1})},
                   {Row({6, 5, 4})},
                   {0}});
  cases.push_back({"Pad",
                   Op::kPad,
                   {},
                   {Row({1, 2}), Ints({1, 2}, {1, 2})},
                   {Row({0, 1, 2, 0, 0})},
                   {0}});
  cases.push_back({"Pad with a value",
                   Op::kPad,
                   {},
                   {IntRow({1, 2}), Ints({1, 2}, {1, 0}), Ints({}, {9})},
                   {IntRow({9, 1, 2})},
                   {0, 2}});
  cases.push_back({"Gather",
                   Op::kGather,
                   GatherAttributes{},
                   {six, IntRow({2, 0}), Ints({}, {1})},
                   {Floats({2, 2}, {3, 1, 6, 4})},
                   {0, 1}});
  cases.push_back({"Gather in a batch",
                   Op::kGather,
                   GatherAttributes{.batch_dims = 1},
                   {six, Longs({2, 1}, {2, 0}), Ints({}, {1})},
                   {Floats({2, 1}, {3, 4})},
                   {0, 1}});
}

void AddReductionCases(Cases& cases) {
  const Tensor six = Floats({2, 3}, {1, 2, 3, 4, 5, 6});
  const ReduceAttributes keep = {.keep_dims = true};
  struct Result {
    Op op;
    std::vector<float> values;  // over axis 1.
  };
  const std::vector<Result> table = {{Op::kMean, {2, 5}},
                                     {Op::kSum, {6, 15}},
                                     {Op::kMax, {3, 6}},
                                     {Op::kMin, {1, 4}},
                                     {Op::kProd, {6, 120}}};
  for (const Result& r : table) {
    cases.push_back({std::string(OpName(r.op)),
                     r.op,
                     keep,
                     {six, IntRow({-1})},
                     {Floats({2, 1}, r.values)},
                     {0}});
  }
  cases.push_back({"Prod of int32",
                   Op::kProd,
                   ReduceAttributes{},
                   {IntRow({2, 3, 4}), IntRow({0})},
                   {Ints({}, {24})},
                   {0}});
  const Tensor truth = Bools({2, 2}, {1, 0, 1, 1});
  cases.push_back({"All",
                   Op::kAll,
                   ReduceAttributes{},
                   {truth, IntRow({1})},
                   {Bools({2}, {0, 1})},
                   {0}});
  cases.push_back({"Any",
                   Op::kAny,
                   ReduceAttributes{},
                   {truth, IntRow({0, 1})},
                   {Bools({}, {1})},
                   {0}});
  cases.push_back({"ArgMax",
                   Op::kArgMax,
                   CastAttributes{.to = DataType::kInt64},
                   {Floats({2, 3}, {1, 9, 9, 4, 0, 3}), Ints({}, {-1})},
                   {Longs({2}, {1, 0})},
                   {0}});
  cases.push_back({"Softmax",
                   Op::kSoftmax,
                   {},
                   {Floats({1, 2}, {0, 0.69314718f})},
                   {Floats({1, 2}, {0.33333333f, 0.66666667f})},
                   {0}});
}

}  // namespace

std::vector<OpCase> AllOpCases() {
  Cases cases;
  AddWindowCases(cases);
  AddImageCases(cases);
  AddUnaryCases(cases);
  AddBinaryCases(cases);
  AddComparisonCases(cases);
  AddSumCases(cases);
  AddShapeCases(cases);
  AddJoinCases(cases);
  AddSliceCases(cases);
  AddReductionCases(cases);
  return cases;
}

}  // namespace cyto8
