// SPDX-License-Identifier: Apache-2.0
// Bytes that stay as long as anybody holds a copy of this word: a mapped file
// or memory. Tested by tests/base/shared_bytes_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace cyto8 {

// Where bytes of files that are mapped, and their copies in memory, begin.
inline constexpr int64_t kSharedAlignment = 64;

// Read-only, hence thread-safe. Copies are cheap.
struct SharedBytes {
  std::shared_ptr<const void> owner = {};
  std::span<const std::byte> bytes = {};

  // [offset, offset + size), which lies within; keeps all of them alive.
  SharedBytes Part(int64_t offset, int64_t size) const {
    return {.owner = owner,
            .bytes = bytes.subspan(static_cast<size_t>(offset),
                                   static_cast<size_t>(size))};
  }
};

// A copy whose address is a multiple of kSharedAlignment.
SharedBytes CopyToShared(std::span<const std::byte> bytes);

}  // namespace cyto8
