// SPDX-License-Identifier: Apache-2.0
// Tests of detector/graph/tensor.h.
#include "detector/graph/tensor.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(ShapeTest, CountsElements) {
  EXPECT_EQ(ElementCount({}).value(), 1);
  EXPECT_EQ(ElementCount({2, 3, 4}).value(), 24);
  EXPECT_EQ(ElementCount({2, 0}).value(), 0);
}

TEST(ShapeTest, RefusesToCountUnknownNegativeAndOverflowingShapes) {
  EXPECT_EQ(ElementCount({2, kUnknownDim}).status().message(),
            "shape = [2,?]: every dimension must be known");
  EXPECT_EQ(ElementCount({-2}).status().message(),
            "dimension = -2: must not be negative");
  EXPECT_EQ(ElementCount({int64_t{1} << 62, 4}).status().message(),
            "4611686018427387904 * 4 overflows 64 bits");
}

TEST(ShapeTest, PrintsUnknownDimensionsAsQuestionMarks) {
  EXPECT_EQ(ShapeToString({}), "[]");
  EXPECT_EQ(ShapeToString({1, kUnknownDim, 3}), "[1,?,3]");
}

TEST(TensorTest, CreateGivesZeros) {
  const Tensor tensor = Tensor::Create(DataType::kInt64, {2, 3}).value();
  EXPECT_EQ(tensor.element_count(), 6);
  EXPECT_EQ(tensor.byte_size(), 48);
  for (const int64_t value : tensor.data<int64_t>()) EXPECT_EQ(value, 0);
}

TEST(TensorTest, CreateChecksLimitsBeforeAllocating) {
  Limits limits;
  limits.max_tensor_bytes = 100;
  EXPECT_EQ(Tensor::Create(DataType::kFloat32, {26}, limits).status().message(),
            "tensor bytes = 104: must be in [0, 100]");
  EXPECT_EQ(Tensor::Create(DataType::kUint8, Shape(9, 1)).status().message(),
            "tensor rank = 9: must be in [0, 8]");
  EXPECT_FALSE(Tensor::Create(DataType::kInt64, {int64_t{1} << 61}).ok());
}

TEST(TensorTest, IntegersBecomeInt64s) {
  const Tensor tensor = Tensor::FromInts({3}, {1, -1, 7});
  EXPECT_EQ(tensor.ToInt64s().value(), (std::vector<int64_t>{1, -1, 7}));
  EXPECT_EQ(Tensor::Scalar(1).ToInt64s().status().message(),
            "type = float32: must be int32 or int64");
}

}  // namespace
}  // namespace cyto8
