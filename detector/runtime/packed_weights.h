// SPDX-License-Identifier: Apache-2.0
// Packed weights that several compiled models share: the same network compiled
// for another image size needs the same bytes again. Tested by
// tests/detector/runtime/packed_weights_test.cc.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "detector/graph/tensor.h"
#include "detector/kernels/packed_bytes.h"

namespace cyto8 {

// Handed to CompileOptions of each model that shall share. Thread-safe.
//
// Weights are told apart by the tensor itself, not by its numbers: models share
// if their graphs hold the very same constants, as copies of one graph do. The
// store keeps packed bytes as long as it lives, the tensors it does not: once
// every graph is gone, the plain weights are too.
class PackedWeights {
 public:
  // A lookup of this tensor's packed bytes; must not outlive the store.
  PackedLookup For(std::shared_ptr<const Tensor> tensor);

  // `size` bytes of `tensor` in the order called `layout`. `pack` is called the
  // first time only; its error is returned and nothing is kept. Nor are the
  // bytes of a borrowed tensor, which has no owner to know it by.
  StatusOr<std::shared_ptr<const PackedBytes>> FindOrPack(
      const std::shared_ptr<const Tensor>& tensor, const std::string& layout,
      int64_t size, const PackFunction& pack);

  // Of everything that is kept.
  int64_t total_bytes() const;

 private:
  // A weak owner is the identity of a tensor that may be gone: its address may
  // come again, its owner may not.
  struct Key {
    std::weak_ptr<const Tensor> tensor;
    std::string layout;
    bool operator<(const Key& other) const;
  };

  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<const PackedBytes>> packed_;
};

}  // namespace cyto8
