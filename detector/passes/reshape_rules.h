// SPDX-License-Identifier: Apache-2.0
// What becomes of the sides of maps when the input image gets another size:
// arithmetic on shapes for ReshapeNetwork; knows no graph. Tested by
// tests/detector/passes/reshape_rules_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "base/status.h"
#include "detector/graph/tensor.h"

namespace cyto8 {

// An NHWC image has its height on axis 1 and its width on axis 2.
inline constexpr size_t kHeightAxis = 1;
inline constexpr size_t kWidthAxis = 2;

// One side of a value under the old and under the new size.
struct SideChange {
  int64_t before = 0;
  int64_t after = 0;
};

// Which new sides the maps seen so far have for an old one. Heights and widths
// are kept apart.
class SideTable {
 public:
  // Both sides of an NHWC map.
  void Note(const Shape& before, const Shape& after);

  // The new sides of all maps whose old side was `before`; `axis` is
  // kHeightAxis or kWidthAxis.
  std::set<int64_t> Find(size_t axis, int64_t before) const;

  // The one new side; kInvalidArgument if there is none or more than one.
  StatusOr<int64_t> Only(size_t axis, int64_t before) const;

  // What `target`, the side to which a map is resized, becomes: that of the
  // maps which had it, else the same multiple of the map's own side.
  // kInvalidArgument if it is neither, or maps of that side went apart.
  StatusOr<int64_t> ResizeTarget(size_t axis, SideChange map,
                                 int64_t target) const;

 private:
  std::array<std::map<int64_t, std::set<int64_t>>, 2> sides_;
};

// The new shape of a Reshape from `before_in` to `before_out` whose input is
// now `after_in`. Followed by the order of the elements: each side of the
// result is a product of whole sides of the input, or of parts of sides that
// stay. Nothing if a side that changes would have to be cut in parts, or is of
// 1 px and grows: it leaves no trace in the old shapes.
std::optional<Shape> FollowReshape(const Shape& before_in,
                                   const Shape& after_in,
                                   const Shape& before_out);

}  // namespace cyto8
