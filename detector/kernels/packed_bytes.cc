// SPDX-License-Identifier: Apache-2.0
// Memory of packed weights; see packed_bytes.h.
#include "detector/kernels/packed_bytes.h"

namespace cyto8 {

PackedBytes::PackedBytes(int64_t size)
    : lines_(static_cast<size_t>(size) / sizeof(Line) + 1),
      size_(static_cast<size_t>(size)) {}

PackedLookup PackAnew() {
  return [](const std::string&, int64_t size, const PackFunction& pack)
             -> StatusOr<std::shared_ptr<const PackedBytes>> {
    auto packed = std::make_shared<PackedBytes>(size);
    CYTO8_RETURN_IF_ERROR(pack(packed->bytes()));
    return std::shared_ptr<const PackedBytes>(std::move(packed));
  };
}

}  // namespace cyto8
