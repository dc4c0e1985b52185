// SPDX-License-Identifier: Apache-2.0
// Bytes in memory that are shared; see shared_bytes.h.
#include "base/shared_bytes.h"

#include <algorithm>
#include <vector>

namespace cyto8 {

SharedBytes CopyToShared(std::span<const std::byte> bytes) {
  const auto memory = std::make_shared<std::vector<std::byte>>(
      bytes.size() + static_cast<size_t>(kSharedAlignment));
  void* start = memory->data();
  size_t room = memory->size();
  std::align(static_cast<size_t>(kSharedAlignment), bytes.size(), start, room);
  auto* first = static_cast<std::byte*>(start);
  std::ranges::copy(bytes, first);
  return {.owner = memory, .bytes = {first, bytes.size()}};
}

}  // namespace cyto8
