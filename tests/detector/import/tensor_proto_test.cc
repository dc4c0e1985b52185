// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/tensor_proto.h.
#include "detector/import/tensor_proto.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/graph_def_builder.h"

namespace cyto8 {
namespace {

constexpr int64_t kBudget = 1 << 20;

StatusOr<Tensor> Decode(const tf::TensorProto& proto,
                        int64_t budget_bytes = kBudget) {
  return ToTensor(proto, Limits{}, budget_bytes);
}

template <typename T>
void SetContent(const std::vector<T>& values, tf::TensorProto& proto) {
  proto.set_tensor_content(values.data(), values.size() * sizeof(T));
}

// The elements as numbers; empty with a test failure if there is no tensor.
std::vector<double> Elements(const StatusOr<Tensor>& tensor) {
  EXPECT_TRUE(tensor.ok()) << tensor.status().ToString();
  if (!tensor.ok()) return {};
  std::vector<double> values;
  const auto append = [&](const auto& span) {
    for (const auto value : span) values.push_back(static_cast<double>(value));
  };
  switch (tensor->type()) {
    case DataType::kFloat32:
      append(tensor->data<float>());
      break;
    case DataType::kInt32:
      append(tensor->data<int32_t>());
      break;
    case DataType::kInt64:
      append(tensor->data<int64_t>());
      break;
    case DataType::kInt8:
      append(tensor->data<int8_t>());
      break;
    default:
      append(tensor->data<uint8_t>());
  }
  return values;
}

using Values = std::vector<double>;

TEST(TensorProtoTest, FloatContentIsCopied) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {2, 2});
  SetContent<float>({1, -2, 0.5f, 4}, proto);
  const StatusOr<Tensor> tensor = Decode(proto);
  EXPECT_EQ(Elements(tensor), (Values{1, -2, 0.5, 4}));
  EXPECT_EQ(tensor->shape(), (Shape{2, 2}));
}

TEST(TensorProtoTest, LastFloatValueFillsTheRest) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {4});
  proto.add_float_val(3);
  proto.add_float_val(7);
  EXPECT_EQ(Elements(Decode(proto)), (Values{3, 7, 7, 7}));
}

TEST(TensorProtoTest, NoValuesMeanZeros) {
  EXPECT_EQ(Elements(Decode(MakeTensorProto(tf::DT_FLOAT, {3}))),
            (Values{0, 0, 0}));
  EXPECT_TRUE(HoldsNoValues(MakeTensorProto(tf::DT_FLOAT, {3})));
}

TEST(TensorProtoTest, ScalarHasAnEmptyShape) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_INT32, {});
  proto.add_int_val(-5);
  EXPECT_EQ(Elements(Decode(proto)), (Values{-5}));
}

TEST(TensorProtoTest, EmptyTensorHasNoElements) {
  EXPECT_EQ(Elements(Decode(MakeTensorProto(tf::DT_INT32, {0}))), Values{});
}

TEST(TensorProtoTest, DoubleBecomesFloat) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_DOUBLE, {2});
  proto.add_double_val(0.25);
  EXPECT_EQ(Elements(Decode(proto)), (Values{0.25, 0.25}));
  proto.clear_double_val();
  SetContent<double>({1.5, -3}, proto);
  const StatusOr<Tensor> tensor = Decode(proto);
  EXPECT_EQ(Elements(tensor), (Values{1.5, -3}));
  EXPECT_EQ(tensor->type(), DataType::kFloat32);
}

TEST(TensorProtoTest, HalfCoversEveryKindOfNumber) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_HALF, {6});
  // 1, -2, the largest, the smallest subnormal, the smallest normal, -0.
  for (const int bits : {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x0400, 0x8000}) {
    proto.add_half_val(bits);
  }
  EXPECT_EQ(Elements(Decode(proto)),
            (Values{1, -2, 65504, 0x1p-24, 0x1p-14, 0}));
}

TEST(TensorProtoTest, HalfKeepsInfinityAndNan) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_HALF, {3});
  SetContent<uint16_t>({0x7C00, 0xFC00, 0x7E00}, proto);
  const Values values = Elements(Decode(proto));
  ASSERT_EQ(values.size(), 3u);
  EXPECT_EQ(values[0], std::numeric_limits<double>::infinity());
  EXPECT_EQ(values[1], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(values[2]));
}

TEST(TensorProtoTest, BfloatIsTheUpperHalfOfAFloat) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_BFLOAT16, {2});
  proto.add_half_val(0x3F80);
  proto.add_half_val(0xC040);
  EXPECT_EQ(Elements(Decode(proto)), (Values{1, -3}));
}

TEST(TensorProtoTest, IntegersKeepTheirType) {
  tf::TensorProto int8 = MakeTensorProto(tf::DT_INT8, {2});
  SetContent<int8_t>({-128, 127}, int8);
  EXPECT_EQ(Decode(int8)->type(), DataType::kInt8);
  EXPECT_EQ(Elements(Decode(int8)), (Values{-128, 127}));
  tf::TensorProto uint8 = MakeTensorProto(tf::DT_UINT8, {1});
  uint8.add_int_val(255);
  EXPECT_EQ(Decode(uint8)->type(), DataType::kUint8);
  EXPECT_EQ(Elements(Decode(uint8)), (Values{255}));
  tf::TensorProto int64 = MakeTensorProto(tf::DT_INT64, {1});
  int64.add_int64_val(int64_t{1} << 40);
  EXPECT_EQ(Decode(int64)->type(), DataType::kInt64);
  EXPECT_EQ(Elements(Decode(int64)), (Values{0x1p40}));
}

TEST(TensorProtoTest, SixteenBitIntegersBecomeInt32) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_INT16, {2});
  SetContent<int16_t>({-3, 9}, proto);
  EXPECT_EQ(Decode(proto)->type(), DataType::kInt32);
  EXPECT_EQ(Elements(Decode(proto)), (Values{-3, 9}));
  tf::TensorProto unsigned16 = MakeTensorProto(tf::DT_UINT16, {1});
  SetContent<uint16_t>({65535}, unsigned16);
  EXPECT_EQ(Elements(Decode(unsigned16)), (Values{65535}));
}

TEST(TensorProtoTest, BoolBytesBecomeZeroOrOne) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_BOOL, {3});
  SetContent<uint8_t>({0, 1, 7}, proto);
  EXPECT_EQ(Elements(Decode(proto)), (Values{0, 1, 1}));
  proto.clear_tensor_content();
  proto.add_bool_val(true);
  EXPECT_EQ(Elements(Decode(proto)), (Values{1, 1, 1}));
}

TEST(TensorProtoTest, ReferenceTypesAreTheTypesThemselves) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT_REF, {1});
  proto.add_float_val(2);
  EXPECT_EQ(Elements(Decode(proto)), (Values{2}));
}

TEST(TensorProtoTest, ShortContentIsRefused) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {2, 3});
  SetContent<float>({1, 2, 3}, proto);
  const Status status = Decode(proto).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(),
            "tensor_content = 12 bytes: must be 24 for DT_FLOAT [2,3]");
}

TEST(TensorProtoTest, TooManyValuesAreRefused) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {1});
  proto.add_float_val(1);
  proto.add_float_val(2);
  EXPECT_EQ(Decode(proto).status().message(),
            "float_val = 2 values: must be in [0, 1]");
}

TEST(TensorProtoTest, ValueOutsideTheTypeIsRefused) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_UINT8, {1});
  proto.add_int_val(256);
  EXPECT_EQ(Decode(proto).status().message(),
            "int_val = 256: must be in [0, 255]");
}

TEST(TensorProtoTest, RepeatedValuesComeFromTheBudget) {
  tf::TensorProto proto = MakeTensorProto(tf::DT_FLOAT, {8});
  proto.add_float_val(1);
  EXPECT_TRUE(Decode(proto, 28).ok());
  const Status status = Decode(proto, 27).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(),
            "bytes of repeated constant values = 28: must be in [0, 27]");
}

TEST(TensorProtoTest, TheBudgetIsSpent) {
  int64_t budget_bytes = 100;
  const tf::TensorProto proto = MakeTensorProto(tf::DT_INT64, {10});
  EXPECT_TRUE(ToTensor(proto, Limits{}, budget_bytes).ok());
  EXPECT_EQ(budget_bytes, 20);
  EXPECT_FALSE(ToTensor(proto, Limits{}, budget_bytes).ok());
}

TEST(TensorProtoTest, OverflowingShapeIsRefused) {
  const int64_t side = int64_t{1} << 31;
  const Status status =
      Decode(MakeTensorProto(tf::DT_FLOAT, {side, side, side})).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
}

TEST(TensorProtoTest, NegativeAndHugeDimensionsAreRefused) {
  EXPECT_EQ(Decode(MakeTensorProto(tf::DT_FLOAT, {-2})).status().message(),
            "shape dimension = -2: must be in [-1, 2147483648]");
  EXPECT_EQ(Decode(MakeTensorProto(tf::DT_FLOAT, {-1})).status().message(),
            "tensor_shape = [?]: a constant needs known dimensions");
}

TEST(TensorProtoTest, RankOverTheLimitIsRefused) {
  const Shape nine(9, 1);
  EXPECT_EQ(Decode(MakeTensorProto(tf::DT_FLOAT, nine)).status().message(),
            "shape rank = 9: must be in [0, 8]");
}

TEST(TensorProtoTest, ShapeMayBeUnknown) {
  tf::TensorShapeProto shape;
  shape.add_dim()->set_size(-1);
  shape.add_dim()->set_size(5);
  EXPECT_EQ(ToShape(shape, Limits{}).value(), (Shape{-1, 5}));
  shape.set_unknown_rank(true);
  EXPECT_EQ(ToShape(shape, Limits{}).value(), std::nullopt);
}

TEST(TensorProtoTest, TypesWithoutCounterpartAreKnownAsSuch) {
  EXPECT_EQ(ToDataType(tf::DT_STRING).value(), std::nullopt);
  EXPECT_EQ(ToDataType(tf::DT_RESOURCE).value(), std::nullopt);
  EXPECT_EQ(ToDataType(tf::DT_COMPLEX64).value(), std::nullopt);
}

TEST(TensorProtoTest, UnknownTypeNumberIsRefused) {
  EXPECT_EQ(ToDataType(static_cast<tf::DataType>(77)).status().message(),
            "dtype = 77: no TensorFlow type has this number");
  EXPECT_EQ(ToDataType(tf::DT_INVALID).status().message(),
            "dtype = 0: no TensorFlow type has this number");
}

}  // namespace
}  // namespace cyto8
