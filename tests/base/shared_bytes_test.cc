// SPDX-License-Identifier: Apache-2.0
// Tests of base/shared_bytes.h.
#include "base/shared_bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace cyto8 {
namespace {

TEST(SharedBytesTest, CopiesOfAnySizeBeginAtAMultipleOf64) {
  for (size_t size = 0; size <= 200; ++size) {
    std::vector<std::byte> bytes(size, std::byte{7});
    const SharedBytes copy = CopyToShared(bytes);
    ASSERT_EQ(copy.bytes.size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(copy.bytes.data()) % 64, 0u);
    bytes.assign(size, std::byte{8});
    for (const std::byte byte : copy.bytes) EXPECT_EQ(byte, std::byte{7});
  }
}

TEST(SharedBytesTest, APartKeepsTheWholeAlive) {
  SharedBytes part;
  {
    const std::vector<std::byte> bytes = {std::byte{1}, std::byte{2},
                                          std::byte{3}};
    part = CopyToShared(bytes).Part(1, 2);
  }
  ASSERT_EQ(part.bytes.size(), 2u);
  EXPECT_EQ(part.bytes[0], std::byte{2});
  EXPECT_EQ(part.bytes[1], std::byte{3});
  EXPECT_EQ(part.Part(2, 0).bytes.size(), 0u);
}

}  // namespace
}  // namespace cyto8
