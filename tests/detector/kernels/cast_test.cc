// SPDX-License-Identifier: Apache-2.0
// Tests of detector/kernels/cast.h.
#include "detector/kernels/cast.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/detector/kernels/kernel_test_support.h"

namespace cyto8 {
namespace {

template <typename To, typename From>
std::vector<To> Converted(DataType from, const std::vector<From>& src,
                          DataType to) {
  std::vector<To> dst(src.size());
  EXPECT_TRUE(Cast(from, BytesOf(src), to, WritableBytesOf(dst)).ok());
  return dst;
}

constexpr DataType kAllTypes[] = {DataType::kFloat32, DataType::kInt32,
                                  DataType::kInt64,   DataType::kUint8,
                                  DataType::kInt8,    DataType::kBool};

// The bytes of the numbers 0 and 1 in a type.
std::vector<std::byte> ZeroAndOne(DataType type) {
  const auto bytes = [](const auto& values) {
    const auto view = BytesOf(values);
    return std::vector<std::byte>(view.begin(), view.end());
  };
  switch (type) {
    case DataType::kFloat32:
      return bytes(std::vector<float>{0, 1});
    case DataType::kInt32:
      return bytes(std::vector<int32_t>{0, 1});
    case DataType::kInt64:
      return bytes(std::vector<int64_t>{0, 1});
    default:
      return bytes(std::vector<uint8_t>{0, 1});
  }
}

TEST(CastTest, ZeroAndOneSurviveEveryPairOfTypes) {
  for (const DataType from : kAllTypes) {
    for (const DataType to : kAllTypes) {
      std::vector<std::byte> dst(ZeroAndOne(to).size());
      ASSERT_TRUE(Cast(from, ZeroAndOne(from), to, dst).ok());
      EXPECT_EQ(dst, ZeroAndOne(to));
    }
  }
}

TEST(CastTest, FloatToIntegerTruncates) {
  EXPECT_EQ(Converted<int32_t>(DataType::kFloat32,
                               std::vector<float>{-1.9f, -0.5f, 0.5f, 1.9f},
                               DataType::kInt32),
            (std::vector<int32_t>{-1, 0, 0, 1}));
}

TEST(CastTest, FloatToIntegerSaturatesAndNanIsZero) {
  const std::vector<float> src = {1e30f, -1e30f,
                                  std::numeric_limits<float>::infinity(),
                                  -std::numeric_limits<float>::infinity(),
                                  std::numeric_limits<float>::quiet_NaN()};
  const auto expect = [&]<typename To>(DataType to, To) {
    const To low = std::numeric_limits<To>::min();
    const To high = std::numeric_limits<To>::max();
    EXPECT_EQ(Converted<To>(DataType::kFloat32, src, to),
              (std::vector<To>{high, low, high, low, 0}));
  };
  expect(DataType::kInt32, int32_t{});
  expect(DataType::kInt64, int64_t{});
  expect(DataType::kUint8, uint8_t{});
  expect(DataType::kInt8, int8_t{});
}

TEST(CastTest, FloatsAtTheBoundsOfInt32AreExact) {
  EXPECT_EQ(Converted<int32_t>(DataType::kFloat32,
                               std::vector<float>{2147483520.0f, 2147483648.0f,
                                                  -2147483648.0f},
                               DataType::kInt32),
            (std::vector<int32_t>{2147483520, 2147483647, -2147483647 - 1}));
}

TEST(CastTest, IntegerToNarrowerIntegerWraps) {
  const std::vector<int64_t> src = {(int64_t{1} << 32) + 300, -1};
  EXPECT_EQ(Converted<int32_t>(DataType::kInt64, src, DataType::kInt32),
            (std::vector<int32_t>{300, -1}));
  EXPECT_EQ(Converted<uint8_t>(DataType::kInt64, src, DataType::kUint8),
            (std::vector<uint8_t>{44, 255}));
}

TEST(CastTest, BooleansAreZeroOrOne) {
  EXPECT_EQ(Converted<uint8_t>(DataType::kFloat32,
                               std::vector<float>{0, -0.0f, 0.5f, -3},
                               DataType::kBool),
            (std::vector<uint8_t>{0, 0, 1, 1}));
  EXPECT_EQ(Converted<float>(DataType::kBool, std::vector<uint8_t>{0, 1, 7},
                             DataType::kFloat32),
            (std::vector<float>{0, 1, 1}));
}

TEST(CastTest, SizesThatDoNotFitAreRefusedByName) {
  const std::vector<std::byte> src(7);
  std::vector<std::byte> dst(9);
  EXPECT_EQ(Cast(DataType::kFloat32, src, DataType::kInt8, dst).message(),
            "src bytes = 7: must be 4");
  EXPECT_EQ(Cast(DataType::kInt8, src, DataType::kInt64, dst).message(),
            "dst bytes = 9: must be 56");
}

}  // namespace
}  // namespace cyto8
