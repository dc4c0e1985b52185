// SPDX-License-Identifier: Apache-2.0
// Constants in every encoding; see tensor_proto.h.
#include "detector/import/tensor_proto.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "base/checked_math.h"
#include "detector/import/half.h"

namespace cyto8 {
namespace {

static_assert(std::endian::native == std::endian::little,
              "tensor_content is little-endian and copied as it is");

constexpr int kReferenceOffset = 100;  // DT_FLOAT_REF - DT_FLOAT, ...

tf::DataType WithoutReference(tf::DataType type) {
  return type > kReferenceOffset
             ? static_cast<tf::DataType>(type - kReferenceOffset)
             : type;
}

std::string TypeName(tf::DataType type) {
  return tf::DataType_IsValid(type) ? tf::DataType_Name(type)
                                    : std::to_string(static_cast<int>(type));
}

float BfloatToFloat(uint16_t bits) {
  return std::bit_cast<float>(uint32_t{bits} << 16);
}

// One element of the file's type Src as an element of ours.
template <typename Src, typename Dst>
Dst Direct(Src value) {
  return static_cast<Dst>(value);
}
uint8_t BoolByte(uint8_t value) { return value != 0 ? 1 : 0; }

// CheckContentSize() has been passed.
template <typename Src, typename Dst>
Status DecodeContent(const std::string& content, Tensor& tensor,
                     Dst (*convert)(Src)) {
  const std::span<Dst> dst = tensor.mutable_data<Dst>();
  CYTO8_ENSURE(content.size() == dst.size() * sizeof(Src));
  for (size_t i = 0; i < dst.size(); ++i) {
    Src value;
    std::memcpy(&value, content.data() + i * sizeof(Src), sizeof(Src));
    dst[i] = convert(value);
  }
  return OkStatus();
}

Status CheckValueCount(std::string_view field, int64_t values,
                       int64_t elements) {
  const Status status = CheckRange(field, values, 0, elements);
  return status.ok()
             ? status
             : DataLoss(std::string(field) + " = " + std::to_string(values) +
                        " values: must be in [0, " + std::to_string(elements) +
                        "]");
}

// Copies the values; the last fills the rest, none leaves zeros.
template <typename Values, typename Dst, typename Convert>
Status DecodeValues(std::string_view field, const Values& values,
                    Tensor& tensor, std::type_identity<Dst>, Convert convert) {
  const std::span<Dst> dst = tensor.mutable_data<Dst>();
  CYTO8_RETURN_IF_ERROR(
      CheckValueCount(field, values.size(), tensor.element_count()));
  const auto end =
      std::transform(values.begin(), values.end(), dst.begin(), convert);
  if (!values.empty()) std::fill(end, dst.end(), *(end - 1));
  return OkStatus();
}

// The narrower integers all lie in int_val.
template <typename Dst, typename Src>
Status DecodeIntegers(const tf::TensorProto& proto, Tensor& tensor) {
  for (const int32_t value : proto.int_val()) {
    CYTO8_RETURN_IF_ERROR(CheckRange("int_val", int64_t{value},
                                     std::numeric_limits<Src>::min(),
                                     std::numeric_limits<Src>::max()));
  }
  return DecodeValues("int_val", proto.int_val(), tensor,
                      std::type_identity<Dst>(),
                      [](int32_t value) { return static_cast<Dst>(value); });
}

template <typename Dst, typename Src>
Status DecodeInteger(const tf::TensorProto& proto, Tensor& tensor) {
  return proto.tensor_content().empty()
             ? DecodeIntegers<Dst, Src>(proto, tensor)
             : DecodeContent<Src, Dst>(proto.tensor_content(), tensor,
                                       Direct<Src, Dst>);
}

Status DecodeFloat(const tf::TensorProto& proto, Tensor& tensor) {
  if (!proto.tensor_content().empty()) {
    return DecodeContent<float, float>(proto.tensor_content(), tensor,
                                       Direct<float, float>);
  }
  return DecodeValues("float_val", proto.float_val(), tensor,
                      std::type_identity<float>(), Direct<float, float>);
}

Status DecodeDouble(const tf::TensorProto& proto, Tensor& tensor) {
  if (!proto.tensor_content().empty()) {
    return DecodeContent<double, float>(proto.tensor_content(), tensor,
                                        Direct<double, float>);
  }
  return DecodeValues("double_val", proto.double_val(), tensor,
                      std::type_identity<float>(), Direct<double, float>);
}

Status DecodeSixteenBitFloat(const tf::TensorProto& proto, Tensor& tensor,
                             float (*convert)(uint16_t)) {
  if (!proto.tensor_content().empty()) {
    return DecodeContent<uint16_t, float>(proto.tensor_content(), tensor,
                                          convert);
  }
  return DecodeValues(
      "half_val", proto.half_val(), tensor, std::type_identity<float>(),
      [convert](int32_t bits) { return convert(static_cast<uint16_t>(bits)); });
}

Status DecodeInt64(const tf::TensorProto& proto, Tensor& tensor) {
  if (!proto.tensor_content().empty()) {
    return DecodeContent<int64_t, int64_t>(proto.tensor_content(), tensor,
                                           Direct<int64_t, int64_t>);
  }
  return DecodeValues("int64_val", proto.int64_val(), tensor,
                      std::type_identity<int64_t>(), Direct<int64_t, int64_t>);
}

Status DecodeBool(const tf::TensorProto& proto, Tensor& tensor) {
  if (!proto.tensor_content().empty()) {
    return DecodeContent<uint8_t, uint8_t>(proto.tensor_content(), tensor,
                                           BoolByte);
  }
  return DecodeValues("bool_val", proto.bool_val(), tensor,
                      std::type_identity<uint8_t>(), Direct<bool, uint8_t>);
}

Status Decode(const tf::TensorProto& proto, Tensor& tensor) {
  switch (WithoutReference(proto.dtype())) {
    case tf::DT_FLOAT:
      return DecodeFloat(proto, tensor);
    case tf::DT_DOUBLE:
      return DecodeDouble(proto, tensor);
    case tf::DT_HALF:
      return DecodeSixteenBitFloat(proto, tensor, HalfToFloat);
    case tf::DT_BFLOAT16:
      return DecodeSixteenBitFloat(proto, tensor, BfloatToFloat);
    case tf::DT_INT32:
      return DecodeInteger<int32_t, int32_t>(proto, tensor);
    case tf::DT_INT16:
      return DecodeInteger<int32_t, int16_t>(proto, tensor);
    case tf::DT_UINT16:
      return DecodeInteger<int32_t, uint16_t>(proto, tensor);
    case tf::DT_INT8:
      return DecodeInteger<int8_t, int8_t>(proto, tensor);
    case tf::DT_UINT8:
      return DecodeInteger<uint8_t, uint8_t>(proto, tensor);
    case tf::DT_INT64:
      return DecodeInt64(proto, tensor);
    case tf::DT_BOOL:
      return DecodeBool(proto, tensor);
    default:
      return Internal("no decoder for " + TypeName(proto.dtype()));
  }
}

// How many numbers the typed fields of the constant hold.
int64_t TypedValueCount(const tf::TensorProto& proto) {
  return int64_t{proto.float_val_size()} + proto.double_val_size() +
         proto.int_val_size() + proto.int64_val_size() + proto.half_val_size() +
         proto.bool_val_size();
}

// Bytes of the tensor that the file does not hold itself.
StatusOr<int64_t> RepeatedBytes(const tf::TensorProto& proto, DataType type,
                                const Shape& shape) {
  if (!proto.tensor_content().empty()) return int64_t{0};
  CYTO8_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(shape));
  const int64_t missing =
      std::max<int64_t>(elements - TypedValueCount(proto), 0);
  return CheckedMul(missing, ByteSize(type));
}

Status Spend(int64_t bytes, int64_t& budget_bytes) {
  const Status status =
      CheckRange("bytes of repeated constant values", bytes, 0, budget_bytes);
  if (!status.ok()) return ResourceExhausted(status.message());
  budget_bytes -= bytes;
  return OkStatus();
}

// Bytes of one element in tensor_content.
int64_t FileElementSize(tf::DataType type) {
  switch (WithoutReference(type)) {
    case tf::DT_DOUBLE:
    case tf::DT_INT64:
      return 8;
    case tf::DT_HALF:
    case tf::DT_BFLOAT16:
    case tf::DT_INT16:
    case tf::DT_UINT16:
      return 2;
    case tf::DT_UINT8:
    case tf::DT_INT8:
    case tf::DT_BOOL:
      return 1;
    default:
      return 4;
  }
}

// A raw blob fits the shape before anything of that size is allocated.
Status CheckContentSize(const tf::TensorProto& proto, const Shape& shape) {
  const auto bytes = static_cast<int64_t>(proto.tensor_content().size());
  if (bytes == 0) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const int64_t elements, ElementCount(shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t wanted,
                         CheckedMul(elements, FileElementSize(proto.dtype())));
  if (bytes == wanted) return OkStatus();
  return DataLoss("tensor_content = " + std::to_string(bytes) +
                  " bytes: must be " + std::to_string(wanted) + " for " +
                  TypeName(proto.dtype()) + " " + ShapeToString(shape));
}

}  // namespace

StatusOr<std::optional<DataType>> ToDataType(tf::DataType type) {
  using Known = std::optional<DataType>;
  if (!tf::DataType_IsValid(type) || type == tf::DT_INVALID) {
    return InvalidArgument("dtype = " + std::to_string(static_cast<int>(type)) +
                           ": no TensorFlow type has this number");
  }
  switch (WithoutReference(type)) {
    case tf::DT_FLOAT:
    case tf::DT_DOUBLE:
    case tf::DT_HALF:
    case tf::DT_BFLOAT16:
      return Known(DataType::kFloat32);
    case tf::DT_INT32:
    case tf::DT_INT16:
    case tf::DT_UINT16:
      return Known(DataType::kInt32);
    case tf::DT_INT64:
      return Known(DataType::kInt64);
    case tf::DT_UINT8:
      return Known(DataType::kUint8);
    case tf::DT_INT8:
      return Known(DataType::kInt8);
    case tf::DT_BOOL:
      return Known(DataType::kBool);
    default:
      return Known();
  }
}

StatusOr<std::optional<Shape>> ToShape(const tf::TensorShapeProto& shape,
                                       const Limits& limits) {
  if (shape.unknown_rank()) return std::optional<Shape>();
  CYTO8_RETURN_IF_ERROR(
      CheckRange("shape rank", int64_t{shape.dim_size()}, 0, limits.max_rank));
  Shape dimensions;
  for (const auto& dim : shape.dim()) {
    CYTO8_RETURN_IF_ERROR(CheckRange("shape dimension", dim.size(), kUnknownDim,
                                     limits.max_tensor_bytes));
    dimensions.push_back(dim.size());
  }
  return std::optional<Shape>(std::move(dimensions));
}

bool HoldsNoValues(const tf::TensorProto& proto) {
  return proto.tensor_content().empty() && TypedValueCount(proto) == 0;
}

StatusOr<Tensor> ToTensor(const tf::TensorProto& proto, const Limits& limits,
                          int64_t& repeat_budget_bytes) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<DataType> type,
                         ToDataType(proto.dtype()));
  CYTO8_ENSURE(type.has_value());
  CYTO8_ASSIGN_OR_RETURN(const std::optional<Shape> shape,
                         ToShape(proto.tensor_shape(), limits));
  if (!shape || !IsStatic(*shape)) {
    return InvalidArgument(
        "tensor_shape = " + (shape ? ShapeToString(*shape) : "unknown rank") +
        ": a constant needs known dimensions");
  }
  CYTO8_RETURN_IF_ERROR(CheckContentSize(proto, *shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t repeated,
                         RepeatedBytes(proto, *type, *shape));
  CYTO8_RETURN_IF_ERROR(Spend(repeated, repeat_budget_bytes));
  CYTO8_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(*type, *shape, limits));
  CYTO8_RETURN_IF_ERROR(Decode(proto, tensor));
  return tensor;
}

}  // namespace cyto8
