// SPDX-License-Identifier: Apache-2.0
// The memory of a request: zero at first, on a page of its own. Where the
// system has huge pages, it is asked for them: a network reads megabytes in a
// row, and prefetching ends at every page. Measured on D2 INT8: 5 % of the
// time. Tested through tests/detector/runtime/compiled_model_test.cc.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace cyto8 {

class Arena {
 public:
  Arena() = default;
  // std::bad_alloc if there is no memory.
  explicit Arena(int64_t bytes) {
    constexpr size_t kHugePage = size_t{1} << 21;
    constexpr size_t kPage = 4096;
    const auto size = static_cast<size_t>(bytes);
    const size_t alignment = size >= kHugePage ? kHugePage : kPage;
    const size_t rounded = (size + kPage) / kPage * kPage;
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, rounded) != 0) {
      throw std::bad_alloc();
    }
    memory_.reset(static_cast<std::byte*>(memory));
    // A refusal costs speed only.
    if (size >= kHugePage) madvise(memory, rounded, MADV_HUGEPAGE);
    std::memset(memory, 0, rounded);
  }

  std::byte* data() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
};

}  // namespace cyto8
