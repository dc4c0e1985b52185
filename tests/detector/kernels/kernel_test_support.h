// SPDX-License-Identifier: Apache-2.0
// What the tests of kernels share: literal index arithmetic, all small shapes,
// random numbers with a seed that is printed. Test code.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace cyto8 {

using TestShape = std::vector<int64_t>;

inline size_t CountOf(const TestShape& shape) {
  int64_t count = 1;
  for (const int64_t dim : shape) count *= dim;
  return static_cast<size_t>(count);
}

// The index per axis of element number `flat`, row major.
inline TestShape Unravel(size_t flat, const TestShape& shape) {
  TestShape index(shape.size());
  auto rest = static_cast<int64_t>(flat);
  for (size_t a = shape.size(); a-- > 0;) {
    index[a] = rest % shape[a];
    rest /= shape[a];
  }
  return index;
}

inline size_t Ravel(const TestShape& index, const TestShape& shape) {
  int64_t flat = 0;
  for (size_t a = 0; a < shape.size(); ++a) flat = flat * shape[a] + index[a];
  return static_cast<size_t>(flat);
}

// Every shape of rank 0..max_rank whose dimensions are in [low, high].
inline std::vector<TestShape> AllShapes(size_t max_rank, int64_t low,
                                        int64_t high) {
  std::vector<TestShape> shapes = {{}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (shapes[i].size() == max_rank) continue;
    for (int64_t dim = low; dim <= high; ++dim) {
      TestShape longer = shapes[i];
      longer.push_back(dim);
      shapes.push_back(longer);
    }
  }
  return shapes;
}

// first, first + 1, ...
template <typename T>
std::vector<T> Iota(size_t count, T first = 0) {
  std::vector<T> values(count);
  for (T& value : values) value = first++;
  return values;
}

template <typename T>
std::span<const std::byte> BytesOf(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

template <typename T>
std::span<std::byte> WritableBytesOf(std::vector<T>& values) {
  return std::as_writable_bytes(std::span(values));
}

// Numbers from --gtest_random_seed, which every failure prints:
//   RandomNumbers random;
//   SCOPED_TRACE(random.Seed());
class RandomNumbers {
 public:
  RandomNumbers() : generator_(GTEST_FLAG_GET(random_seed)) {}

  std::string Seed() const {
    return "--gtest_random_seed=" + std::to_string(GTEST_FLAG_GET(random_seed));
  }
  int64_t Int(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(generator_);
  }
  float Float(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(generator_);
  }
  std::vector<float> Floats(size_t count, float low = -2, float high = 2) {
    std::vector<float> values(count);
    for (float& value : values) value = Float(low, high);
    return values;
  }
  // Whole numbers, so that sums are exact in any order.
  std::vector<float> WholeFloats(size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(Int(-4, 4));
    return values;
  }

 private:
  std::mt19937 generator_;
};

// All of `actual` within `relative` of `expected`, or within `absolute`.
inline void ExpectClose(const std::vector<float>& actual,
                        const std::vector<float>& expected,
                        double relative = 3e-7, double absolute = 1e-37) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    const auto want = static_cast<double>(expected[i]);
    EXPECT_NEAR(static_cast<double>(actual[i]), want,
                std::abs(want) * relative + absolute)
        << "element " << i;
  }
}

}  // namespace cyto8
