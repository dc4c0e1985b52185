// SPDX-License-Identifier: Apache-2.0
// Tests of base/data_type.h.
#include "base/data_type.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(DataTypeTest, SizesAndNames) {
  EXPECT_EQ(ByteSize(DataType::kFloat32), 4);
  EXPECT_EQ(ByteSize(DataType::kInt32), 4);
  EXPECT_EQ(ByteSize(DataType::kInt64), 8);
  EXPECT_EQ(ByteSize(DataType::kUint8), 1);
  EXPECT_EQ(ByteSize(DataType::kInt8), 1);
  EXPECT_EQ(ByteSize(DataType::kBool), 1);
  EXPECT_EQ(DataTypeName(DataType::kUint8), "uint8");
}

}  // namespace
}  // namespace cyto8
