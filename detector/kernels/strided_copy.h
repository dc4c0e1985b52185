// SPDX-License-Identifier: Apache-2.0
// Copies elements of any size between arrays with strides. Tested by
// tests/detector/kernels/strided_copy_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>

#include "detector/kernels/index_walk.h"

namespace cyto8 {

// dst[j] = src[j] for every index of the walk: array 0 is dst, array 1 is src,
// strides count elements. No axis may be empty. Checks nothing.
void StridedCopy(const IndexWalk<2>& walk, int64_t element_bytes,
                 const std::byte* src, std::byte* dst);

}  // namespace cyto8
