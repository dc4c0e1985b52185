// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy format, versions 1 and 2, for dense row-major arrays of four
// element types. Does not touch files. Tested by tests/base/npy_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// Little endian, as every machine that Cyto8 runs on.
enum class NpyType { kFloat32, kUint8, kInt32, kInt64 };

int64_t NpyElementBytes(NpyType type);
std::string_view NpyDescriptor(NpyType type);  // "<f4", "|u1", "<i4", "<i8".

struct NpyArray {
  NpyType type = NpyType::kFloat32;
  std::vector<int64_t> shape;  // outermost first; {} is a scalar.
  std::vector<std::byte> bytes;

  // The elements; T must match `type`.
  template <typename T>
  std::span<const T> As() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
};

// kDataLoss if the bytes are cut or the header is damaged, kUnimplemented for
// another element type or Fortran order, kInvalidArgument beyond the limits.
StatusOr<NpyArray> ParseNpy(std::span<const std::byte> file,
                            const Limits& limits = {});

// A version 1 file. kInvalidArgument if the byte count does not fit the shape.
StatusOr<std::vector<std::byte>> SerializeNpy(NpyType type,
                                              std::span<const int64_t> shape,
                                              std::span<const std::byte> bytes);

}  // namespace cyto8
