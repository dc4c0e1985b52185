// SPDX-License-Identifier: Apache-2.0
// Every operator on constants, chains as constant folding meets them, and what
// is refused.
#include "detector/runtime/evaluate.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/detector/runtime/graphs.h"
#include "tests/detector/runtime/op_cases.h"

namespace cyto8 {
namespace {

StatusOr<std::vector<Tensor>> Evaluate(const Node& node,
                                       const std::vector<Tensor>& inputs,
                                       const Limits& limits = {}) {
  std::vector<const Tensor*> pointers;
  for (const Tensor& input : inputs) pointers.push_back(&input);
  return EvaluateNode(node, pointers, limits);
}

// The first output; the test fails if there is none.
Tensor Value(Op op, const std::vector<Tensor>& inputs,
             Attributes attributes = {}) {
  const auto outputs =
      Evaluate(NodeOf("n", op, {}, std::move(attributes)), inputs);
  EXPECT_TRUE(outputs.ok()) << outputs.status().ToString();
  return outputs.ok() ? outputs->front() : Tensor();
}

std::string Error(Op op, const std::vector<Tensor>& inputs,
                  Attributes attributes = {}) {
  return Evaluate(NodeOf("n", op, {}, std::move(attributes)), inputs)
      .status()
      .ToString();
}

TEST(EvaluateTest, EveryOperatorGivesItsLiteralResult) {
  for (const OpCase& c : AllOpCases()) {
    SCOPED_TRACE(c.name);
    const auto outputs = Evaluate(
        NodeOf("n", c.op, {}, c.attributes, c.outputs.size()), c.inputs);
    ASSERT_TRUE(outputs.ok()) << outputs.status().ToString();
    ASSERT_EQ(outputs->size(), c.outputs.size());
    for (size_t i = 0; i < c.outputs.size(); ++i) {
      ExpectTensor((*outputs)[i], c.outputs[i], 1e-6f);
    }
  }
}

TEST(EvaluateTest, TheCasesCoverEveryOperator) {
  std::set<Op> covered = {Op::kInput, Op::kConst, Op::kOpaque};
  for (const OpCase& c : AllOpCases()) covered.insert(c.op);
  for (int op = 0; op < static_cast<int>(Op::kQuantize); ++op) {
    EXPECT_TRUE(covered.contains(static_cast<Op>(op)))
        << OpName(static_cast<Op>(op));
  }
}

// The batch and the doubled height of an image, as exporters write it.
TEST(EvaluateTest, ChainOfShapeSlicePackAndReshapeFolds) {
  const Tensor image = *Tensor::Create(DataType::kFloat32, {2, 3, 4, 1});
  const Tensor shape =
      Value(Op::kShape, {image}, CastAttributes{.to = DataType::kInt32});
  const auto element = [&](int32_t i) {
    return Value(Op::kStridedSlice,
                 {shape, Ints({1}, {i}), Ints({1}, {i + 1}), Ints({1}, {1})},
                 StridedSliceAttributes{.shrink_axis_mask = 1});
  };
  const Tensor doubled = Value(Op::kMul, {element(1), Ints({}, {2})});
  const Tensor wanted =
      Value(Op::kPack, {doubled, element(0), Ints({}, {-1})}, AxisAttributes{});
  ExpectTensor(wanted, Ints({3}, {6, 2, -1}), 0);
  ExpectTensor(Value(Op::kShape, {Value(Op::kReshape, {image, wanted})},
                     CastAttributes{.to = DataType::kInt64}),
               Longs({3}, {6, 2, 2}), 0);
}

TEST(EvaluateTest, FloatRangesFold) {
  ExpectTensor(
      Value(Op::kRange, {Floats({}, {0}), Floats({}, {1}), Floats({}, {.25f})}),
      Floats({4}, {0, .25f, .5f, .75f}), 0);
}

TEST(EvaluateTest, EmptyTensorsPass) {
  const Tensor empty = Floats({0, 3}, {});
  ExpectTensor(Value(Op::kAdd, {empty, empty}), empty, 0);
  ExpectTensor(Value(Op::kSum, {empty, Ints({1}, {0})}, ReduceAttributes{}),
               Floats({3}, {0, 0, 0}), 0);
}

TEST(EvaluateTest, AConstantIsItsValue) {
  Node node = NodeOf("n", Op::kConst, {});
  node.attributes =
      ConstAttributes{std::make_shared<const Tensor>(Floats({2}, {1, 2}))};
  const auto outputs = Evaluate(node, {});
  ASSERT_TRUE(outputs.ok());
  ExpectTensor(outputs->front(), Floats({2}, {1, 2}), 0);
}

TEST(EvaluateTest, InputsAndOpaqueNodesHaveNoValue) {
  EXPECT_EQ(Error(Op::kInput, {}, InputAttributes{}),
            "UNIMPLEMENTED: node \"n\" (Input): has no value of its own");
  EXPECT_EQ(Error(Op::kOpaque, {}),
            "UNIMPLEMENTED: node \"n\" (Opaque): has no value of its own");
}

TEST(EvaluateTest, ErrorsNameTheNode) {
  EXPECT_EQ(Error(Op::kAdd, {Floats({1}, {1})}),
            "INVALID_ARGUMENT: node \"n\" (Add): inputs = 1: must be in [2, "
            "2]");
  EXPECT_EQ(Error(Op::kAdd, {Bools({1}, {1}), Bools({1}, {1})}),
            "UNIMPLEMENTED: node \"n\" (Add): type = bool: must be float32, "
            "int32 or int64");
  EXPECT_EQ(Error(Op::kMatMul, {Ints({1, 1}, {1}), Ints({1, 1}, {1})},
                  MatMulAttributes{}),
            "UNIMPLEMENTED: node \"n\" (MatMul): type of input 0 = int32: must "
            "be float32");
  EXPECT_EQ(Error(Op::kReshape, {Floats({1}, {1}), Floats({1}, {1})}),
            "INVALID_ARGUMENT: node \"n\" (Reshape): input 1: " +
                Floats({1}, {1}).ToInt64s().status().message());
}

TEST(EvaluateTest, KernelErrorsNameTheNode) {
  const std::string division =
      Error(Op::kFloorDiv, {Ints({1}, {1}), Ints({1}, {0})});
  EXPECT_TRUE(division.starts_with("INVALID_ARGUMENT: node \"n\" (FloorDiv): "))
      << division;
  const std::string index =
      Error(Op::kGather, {Floats({2}, {1, 2}), Ints({1}, {2}), Ints({}, {0})},
            GatherAttributes{});
  EXPECT_TRUE(index.starts_with("INVALID_ARGUMENT: node \"n\" (Gather): "))
      << index;
}

TEST(EvaluateTest, AFloatRangeWithoutEndIsRefused) {
  const std::string error =
      Error(Op::kRange, {Floats({}, {0}), Floats({}, {1}), Floats({}, {0})});
  EXPECT_TRUE(error.starts_with("INVALID_ARGUMENT: node \"n\" (Range): "))
      << error;
}

TEST(EvaluateTest, OutputsOverTheLimitAreRefusedBeforeAllocation) {
  const auto outputs =
      Evaluate(NodeOf("n", Op::kFill, {}),
               {Ints({3}, {1 << 20, 1 << 20, 1}), Ints({}, {0})});
  EXPECT_EQ(outputs.status().message(),
            "node \"n\" (Fill): output bytes = 4398046511104: must be in [0, "
            "2147483648]");
}

}  // namespace
}  // namespace cyto8
