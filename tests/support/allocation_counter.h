// SPDX-License-Identifier: Apache-2.0
// Counts every operator new of the test program that links
// cyto8_test_allocations. Test code.
#pragma once

#include <cstdint>

namespace cyto8 {

// Since the program started, by all threads.
int64_t AllocationCount();

}  // namespace cyto8
