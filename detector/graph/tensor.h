// SPDX-License-Identifier: Apache-2.0
// Typed, dense, row-major tensors and their descriptions. Knows no operators.
// Tested by tests/detector/graph/tensor_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/data_type.h"
#include "base/limits.h"
#include "base/shared_bytes.h"
#include "base/status.h"

namespace cyto8 {

// Dimensions from outermost to innermost; {} is a scalar. Images are NHWC.
using Shape = std::vector<int64_t>;

// A dimension that is not known before the input is bound.
inline constexpr int64_t kUnknownDim = -1;

// The number of elements; kInvalidArgument on overflow or an unknown or
// negative dimension.
StatusOr<int64_t> ElementCount(const Shape& shape);
bool IsStatic(const Shape& shape);              // no unknown dimension.
std::string ShapeToString(const Shape& shape);  // "[1,?,768,3]".

// real = scale * (code - zero_point).
struct QuantParams {
  float scale = 1;
  int32_t zero_point = 0;
};

// What is known of a value before it is computed. Without a shape not even the
// rank is known.
struct TensorDesc {
  DataType type = DataType::kFloat32;
  std::optional<Shape> shape = {};
  std::optional<QuantParams> quant = {};
};

// A tensor of static shape. Elements are contiguous; they are its own, or
// borrowed from bytes that it keeps alive.
class Tensor {
 public:
  Tensor() = default;  // an empty float32 vector.
  // Zero-filled. kInvalidArgument if the rank, a dimension or the size exceeds
  // the limits (checked before allocation).
  static StatusOr<Tensor> Create(DataType type, Shape shape,
                                 const Limits& limits = {});
  // Borrows. kInvalidArgument as above, or if the bytes are not as many as the
  // shape says or do not begin at a multiple of the element size.
  static StatusOr<Tensor> Borrow(DataType type, Shape shape, SharedBytes bytes,
                                 const Limits& limits = {});
  // Tensors of our own making: the product of `shape` equals the value count.
  static Tensor FromFloats(Shape shape, std::vector<float> values);
  static Tensor FromInts(Shape shape, const std::vector<int32_t>& values);
  static Tensor Scalar(float value);

  DataType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  int64_t element_count() const { return element_count_; }
  int64_t byte_size() const { return static_cast<int64_t>(bytes().size()); }

  // T must match type(): float, int32_t, int64_t, uint8_t (also kBool),
  // int8_t, int16_t. A tensor that is about to change copies what it borrows.
  template <typename T>
  std::span<const T> data() const {
    return {reinterpret_cast<const T*>(bytes().data()),
            static_cast<size_t>(element_count_)};
  }
  template <typename T>
  std::span<T> mutable_data() {
    return {reinterpret_cast<T*>(mutable_bytes().data()),
            static_cast<size_t>(element_count_)};
  }
  std::span<const std::byte> bytes() const {
    return borrowed_.owner != nullptr ? borrowed_.bytes : bytes_;
  }
  std::span<std::byte> mutable_bytes();

  // Integer tensors (int32, int64) as int64, for shapes and axes;
  // kInvalidArgument for another type.
  StatusOr<std::vector<int64_t>> ToInt64s() const;

 private:
  // Everything but the bytes.
  static StatusOr<Tensor> Describe(DataType type, Shape shape,
                                   const Limits& limits);

  DataType type_ = DataType::kFloat32;
  Shape shape_ = {0};
  int64_t element_count_ = 0;
  std::vector<std::byte> bytes_;
  SharedBytes borrowed_;  // without an owner: bytes_ count.
};

}  // namespace cyto8
