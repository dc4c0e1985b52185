// SPDX-License-Identifier: Apache-2.0
// Strided copies; see strided_copy.h.
#include "detector/kernels/strided_copy.h"

#include <cstring>

namespace cyto8 {
namespace {

// A size known to the compiler makes each memcpy one move.
template <size_t kBytes>
void CopyRow(const WalkAxis<2>& axis, const std::byte* src, std::byte* dst) {
  constexpr auto kStep = static_cast<int64_t>(kBytes);
  for (int64_t i = 0; i < axis.size; ++i) {
    std::memcpy(dst + i * axis.stride[0] * kStep,
                src + i * axis.stride[1] * kStep, kBytes);
  }
}

void CopyRowOfAnySize(const WalkAxis<2>& axis, int64_t element_bytes,
                      const std::byte* src, std::byte* dst) {
  for (int64_t i = 0; i < axis.size; ++i) {
    std::memcpy(dst + i * axis.stride[0] * element_bytes,
                src + i * axis.stride[1] * element_bytes,
                static_cast<size_t>(element_bytes));
  }
}

void CopyRow(const WalkAxis<2>& axis, int64_t element_bytes,
             const std::byte* src, std::byte* dst) {
  if (axis.stride[0] == 1 && axis.stride[1] == 1) {
    std::memcpy(dst, src, static_cast<size_t>(axis.size * element_bytes));
  } else if (element_bytes == 1) {
    CopyRow<1>(axis, src, dst);
  } else if (element_bytes == 4) {
    CopyRow<4>(axis, src, dst);
  } else if (element_bytes == 8) {
    CopyRow<8>(axis, src, dst);
  } else {
    CopyRowOfAnySize(axis, element_bytes, src, dst);
  }
}

}  // namespace

void StridedCopy(const IndexWalk<2>& walk, int64_t element_bytes,
                 const std::byte* src, std::byte* dst) {
  const WalkAxis<2> inner = walk.inner();
  walk.ForEachRow([&](const std::array<int64_t, 2>& offsets) {
    CopyRow(inner, element_bytes, src + offsets[1] * element_bytes,
            dst + offsets[0] * element_bytes);
  });
}

}  // namespace cyto8
