// SPDX-License-Identifier: Apache-2.0
// TensorFlow's element types, shapes and tensors as ours. Every encoding of a
// constant: raw bytes or typed values of which the last fills the rest. Knows
// no operators. Tested by tests/detector/import/tensor_proto_test.cc.
#pragma once

#include <cstdint>
#include <optional>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/tensor.h"
#include "detector/import/graph_def.pb.h"

namespace cyto8 {

// Our type for a TensorFlow type: half, bfloat16 and double are computed as
// float32, 16-bit integers as int32. nullopt for those without a counterpart
// (strings, resources, complex and quantized numbers). kInvalidArgument for a
// number that no TensorFlow type has.
StatusOr<std::optional<DataType>> ToDataType(tf::DataType type);

// Unknown dimensions (-1) and, as nullopt, an unknown rank are allowed.
StatusOr<std::optional<Shape>> ToShape(const tf::TensorShapeProto& shape,
                                       const Limits& limits);

// True if the constant holds no value at all, which TensorFlow reads as zeros.
bool HoldsNoValues(const tf::TensorProto& proto);

// The constant, whose type must have a counterpart. Elements that the file does
// not hold (the last value repeats, no value means zeros) are taken from
// `repeat_budget_bytes`; kResourceExhausted when that is spent. kDataLoss if
// bytes or values and shape disagree.
StatusOr<Tensor> ToTensor(const tf::TensorProto& proto, const Limits& limits,
                          int64_t& repeat_budget_bytes);

}  // namespace cyto8
