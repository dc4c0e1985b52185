// SPDX-License-Identifier: Apache-2.0
// Typed tensors; see tensor.h.
#include "detector/graph/tensor.h"

#include <algorithm>
#include <cstring>

#include "base/checked_math.h"

namespace cyto8 {

StatusOr<int64_t> ElementCount(const Shape& shape) {
  if (!IsStatic(shape)) {
    return InvalidArgument("shape = " + ShapeToString(shape) +
                           ": every dimension must be known");
  }
  return CheckedProduct(shape);
}

bool IsStatic(const Shape& shape) {
  return std::find(shape.begin(), shape.end(), kUnknownDim) == shape.end();
}

std::string ShapeToString(const Shape& shape) {
  std::string text = "[";
  for (const int64_t dim : shape) {
    if (text.size() > 1) text += ',';
    text += dim == kUnknownDim ? "?" : std::to_string(dim);
  }
  return text + "]";
}

StatusOr<Tensor> Tensor::Describe(DataType type, Shape shape,
                                  const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "tensor rank", static_cast<int64_t>(shape.size()), 0, limits.max_rank));
  CYTO8_ASSIGN_OR_RETURN(const int64_t count, ElementCount(shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t bytes,
                         CheckedMul(count, ByteSize(type)));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("tensor bytes", bytes, 0, limits.max_tensor_bytes));
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = std::move(shape);
  tensor.element_count_ = count;
  return tensor;
}

StatusOr<Tensor> Tensor::Create(DataType type, Shape shape,
                                const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(Tensor tensor,
                         Describe(type, std::move(shape), limits));
  tensor.bytes_.resize(
      static_cast<size_t>(tensor.element_count_ * ByteSize(type)));
  return tensor;
}

StatusOr<Tensor> Tensor::Borrow(DataType type, Shape shape, SharedBytes bytes,
                                const Limits& limits) {
  CYTO8_ENSURE(bytes.owner != nullptr);
  CYTO8_ASSIGN_OR_RETURN(Tensor tensor,
                         Describe(type, std::move(shape), limits));
  const int64_t size = tensor.element_count_ * ByteSize(type);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("borrowed bytes", std::ssize(bytes.bytes), size, size));
  const auto address = reinterpret_cast<uintptr_t>(bytes.bytes.data());
  if (address % static_cast<uintptr_t>(ByteSize(type)) != 0) {
    return InvalidArgument(
        "borrowed bytes must begin at a multiple of the element size, " +
        std::to_string(ByteSize(type)));
  }
  tensor.borrowed_ = std::move(bytes);
  return tensor;
}

std::span<std::byte> Tensor::mutable_bytes() {
  if (borrowed_.owner != nullptr) {
    bytes_.assign(borrowed_.bytes.begin(), borrowed_.bytes.end());
    borrowed_ = {};
  }
  return bytes_;
}

namespace {

template <typename T>
Tensor FromValues(DataType type, Shape shape, const std::vector<T>& values) {
  StatusOr<Tensor> tensor = Tensor::Create(type, std::move(shape));
  if (!tensor.ok()) return Tensor();
  std::copy_n(values.begin(),
              std::min(values.size(), tensor->template data<T>().size()),
              tensor->template mutable_data<T>().begin());
  return *std::move(tensor);
}

}  // namespace

Tensor Tensor::FromFloats(Shape shape, std::vector<float> values) {
  return FromValues(DataType::kFloat32, std::move(shape), values);
}

Tensor Tensor::FromInts(Shape shape, const std::vector<int32_t>& values) {
  return FromValues(DataType::kInt32, std::move(shape), values);
}

Tensor Tensor::Scalar(float value) { return FromFloats({}, {value}); }

StatusOr<std::vector<int64_t>> Tensor::ToInt64s() const {
  if (type_ == DataType::kInt32) {
    const auto values = data<int32_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  if (type_ == DataType::kInt64) {
    const auto values = data<int64_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  return InvalidArgument("type = " + std::string(DataTypeName(type_)) +
                         ": must be int32 or int64");
}

}  // namespace cyto8
