// SPDX-License-Identifier: Apache-2.0
// Makes allocations of the test program that links cyto8_test_failures fail,
// as in Tencent/ncnn:tests/testutil.cpp. Test code.
#pragma once

#include <cstdint>

namespace cyto8 {

enum class Allocations {
  kNew,  // operator new alone.
  // Also malloc and its relatives, so those of all libraries; under a
  // sanitizer, which brings its own, as kNew.
  kAll,
};

// Of the thread that made it, from then until its end; one at a time.
class FailingAllocations {
 public:
  // The one of this index fails, counted from 0; if it is lasting, so do all
  // that follow.
  FailingAllocations(Allocations kind, int64_t index, bool lasting);
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;
  ~FailingAllocations();

  // Whether any has failed.
  bool failed() const;
};

// What this thread has allocated and not freed; 0 under a sanitizer, which
// looks for leaks itself.
int64_t HeldAllocations();

}  // namespace cyto8
