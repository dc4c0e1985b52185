// SPDX-License-Identifier: Apache-2.0
// Weights in the order that one kernel wants them, and who keeps them. Knows no
// kernel. Tested by tests/detector/runtime/packed_weights_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace cyto8 {

// Bytes that start on a cache line, zero at first. Filled once, then shared.
class PackedBytes {
 public:
  explicit PackedBytes(int64_t size);
  PackedBytes(const PackedBytes&) = delete;
  PackedBytes& operator=(const PackedBytes&) = delete;

  std::span<std::byte> bytes() {
    return {reinterpret_cast<std::byte*>(lines_.data()), size_};
  }
  std::span<const std::byte> bytes() const {
    return {reinterpret_cast<const std::byte*>(lines_.data()), size_};
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> lines_;
  size_t size_;
};

// Fills `dst`, all of it.
using PackFunction = std::function<Status(std::span<std::byte> dst)>;

// The weights of one layer as `size` bytes in the order called `layout`: packed
// now, or kept from the last time that this order was asked for.
using PackedLookup = std::function<StatusOr<std::shared_ptr<const PackedBytes>>(
    const std::string& layout, int64_t size, const PackFunction& pack)>;

// A lookup that keeps nothing: packs each time.
PackedLookup PackAnew();

}  // namespace cyto8
