// SPDX-License-Identifier: Apache-2.0
// A map under a lock; see packed_weights.h.
#include "detector/runtime/packed_weights.h"

#include <utility>

namespace cyto8 {

bool PackedWeights::Key::operator<(const Key& other) const {
  if (tensor.owner_before(other.tensor)) return true;
  if (other.tensor.owner_before(tensor)) return false;
  return layout < other.layout;
}

PackedLookup PackedWeights::For(std::shared_ptr<const Tensor> tensor) {
  return
      [this, tensor = std::move(tensor)](
          const std::string& layout, int64_t size, const PackFunction& pack) {
        return FindOrPack(tensor, layout, size, pack);
      };
}

StatusOr<std::shared_ptr<const PackedBytes>> PackedWeights::FindOrPack(
    const std::shared_ptr<const Tensor>& tensor, const std::string& layout,
    int64_t size, const PackFunction& pack) {
  if (tensor.use_count() == 0) return PackAnew()(layout, size, pack);
  const std::lock_guard lock(mutex_);
  const auto entry = packed_.try_emplace({tensor, layout}).first;
  if (entry->second != nullptr) return entry->second;
  auto packed = PackAnew()(layout, size, pack);
  if (packed.ok()) {
    entry->second = *packed;
  } else {
    packed_.erase(entry);
  }
  return packed;
}

int64_t PackedWeights::total_bytes() const {
  const std::lock_guard lock(mutex_);
  int64_t total = 0;
  for (const auto& [key, packed] : packed_) {
    total += static_cast<int64_t>(packed->bytes().size());
  }
  return total;
}

}  // namespace cyto8
