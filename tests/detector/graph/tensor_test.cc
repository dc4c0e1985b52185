// SPDX-License-Identifier: Apache-2.0
// Tests of detector/graph/tensor.h.
#include "detector/graph/tensor.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

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

constexpr int32_t kNumbers[] = {1, 2, 3};

SharedBytes Shared() {
  return CopyToShared(std::as_bytes(std::span(kNumbers)));
}

TEST(TensorTest, BorrowsBytesAndKeepsThemAlive) {
  std::weak_ptr<const void> owner;
  {
    Tensor copy;
    {
      const SharedBytes bytes = Shared();
      owner = bytes.owner;
      const Tensor tensor =
          Tensor::Borrow(DataType::kInt32, {3}, bytes).value();
      EXPECT_EQ(tensor.bytes().data(), bytes.bytes.data());
      EXPECT_EQ(tensor.byte_size(), 12);
      copy = tensor;
    }
    EXPECT_EQ(copy.ToInt64s().value(), (std::vector<int64_t>{1, 2, 3}));
    EXPECT_FALSE(owner.expired());
  }
  EXPECT_TRUE(owner.expired());
}

TEST(TensorTest, ABorrowingTensorThatChangesLeavesTheBytesAlone) {
  const SharedBytes bytes = Shared();
  Tensor tensor = Tensor::Borrow(DataType::kInt32, {3}, bytes).value();
  Tensor moved = Tensor::Borrow(DataType::kInt32, {3}, bytes).value();
  tensor.mutable_data<int32_t>()[1] = 7;
  EXPECT_EQ(tensor.ToInt64s().value(), (std::vector<int64_t>{1, 7, 3}));
  EXPECT_EQ(moved.ToInt64s().value(), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(std::ssize(moved.mutable_bytes()), 12);
  EXPECT_NE(moved.bytes().data(), bytes.bytes.data());
}

TEST(TensorTest, RefusesToBorrowWhatDoesNotFit) {
  const auto error = [](DataType type, Shape shape, const SharedBytes& bytes) {
    Limits limits;
    limits.max_tensor_bytes = 100;
    return Tensor::Borrow(type, std::move(shape), bytes, limits)
        .status()
        .message();
  };
  EXPECT_EQ(error(DataType::kInt32, {4}, Shared()),
            "borrowed bytes = 12: must be in [16, 16]");
  EXPECT_EQ(error(DataType::kInt32, {2}, Shared()),
            "borrowed bytes = 12: must be in [8, 8]");
  EXPECT_EQ(error(DataType::kInt32, {26}, Shared()),
            "tensor bytes = 104: must be in [0, 100]");
  EXPECT_EQ(error(DataType::kInt32, {2}, Shared().Part(1, 8)),
            "borrowed bytes must begin at a multiple of the element size, 4");
  EXPECT_EQ(error(DataType::kInt16, {4}, Shared().Part(2, 8)), "");
}

}  // namespace
}  // namespace cyto8
