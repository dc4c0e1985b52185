// SPDX-License-Identifier: Apache-2.0
// The element types of tensors: one word for the graph and the kernels. Tested
// by tests/base/data_type_test.cc.
#pragma once

#include <cstdint>
#include <string_view>

namespace cyto8 {

enum class DataType { kFloat32, kInt32, kInt64, kUint8, kInt8, kBool, kInt16 };

int64_t ByteSize(DataType type);
std::string_view DataTypeName(DataType type);  // "float32", ...

}  // namespace cyto8
