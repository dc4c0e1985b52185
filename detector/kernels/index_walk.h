// SPDX-License-Identifier: Apache-2.0
// Walks over several arrays at once, each with its own stride per axis: what
// broadcasting, reductions and data movement have in common. No allocation.
// Tested by tests/detector/kernels/index_walk_test.cc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "detector/kernels/kernel_checks.h"

namespace cyto8 {

// One axis: how many steps, and how far a step goes in each array.
template <size_t kArrays>
struct WalkAxis {
  int64_t size = 1;
  std::array<int64_t, kArrays> stride = {};
};

// Axes from outermost to innermost. Axes of size 1 vanish and neighbours that
// are contiguous in every array become one, so that inner loops are long.
template <size_t kArrays>
class IndexWalk {
 public:
  using Axis = WalkAxis<kArrays>;
  using Offsets = std::array<int64_t, kArrays>;

  // At most kMaxWalkRank axes.
  void AddInner(const Axis& axis) {
    if (axis.size == 1) return;
    if (rank_ > 0 && Merges(axes_[rank_ - 1], axis)) {
      axes_[rank_ - 1].size *= axis.size;
      axes_[rank_ - 1].stride = axis.stride;
    } else {
      axes_[rank_++] = axis;
    }
  }

  // The innermost axis; of size 1 if there is none.
  Axis inner() const { return rank_ == 0 ? Axis{} : axes_[rank_ - 1]; }

  // Calls row(offsets) for every index of the outer axes, in row-major order:
  // where the innermost axis starts in each array.
  template <typename Row>
  void ForEachRow(Row row) const {
    const std::span<const Axis> outer(axes_.data(), rank_ == 0 ? 0 : rank_ - 1);
    for (const Axis& axis : outer) {
      if (axis.size == 0) return;
    }
    std::array<int64_t, kMaxWalkRank> index = {};
    Offsets offsets = {};
    do {
      row(static_cast<const Offsets&>(offsets));
    } while (Advance(outer, index, offsets));
  }

 private:
  static constexpr size_t kMaxWalkRank = 2 * kMaxRank;

  static bool Merges(const Axis& outer, const Axis& inner) {
    for (size_t k = 0; k < kArrays; ++k) {
      if (outer.stride[k] != inner.stride[k] * inner.size) return false;
    }
    return true;
  }

  // The next index; false after the last.
  static bool Advance(std::span<const Axis> outer,
                      std::array<int64_t, kMaxWalkRank>& index,
                      Offsets& offsets) {
    for (size_t a = outer.size(); a-- > 0;) {
      const int64_t steps = ++index[a] < outer[a].size ? 1 : 1 - index[a];
      for (size_t k = 0; k < kArrays; ++k) {
        offsets[k] += steps * outer[a].stride[k];
      }
      if (steps == 1) return true;
      index[a] = 0;
    }
    return false;
  }

  std::array<Axis, kMaxWalkRank> axes_ = {};
  size_t rank_ = 0;
};

}  // namespace cyto8
