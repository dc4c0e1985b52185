// SPDX-License-Identifier: Apache-2.0
// Half-open boxes and their overlap. No "+1 pixel" convention: readers and
// writers of formats that have one convert. Tested by tests/base/box_test.cc.
#pragma once

#include <algorithm>

namespace cyto8 {

// [x_min, x_max) x [y_min, y_max) in pixels; full resolution (level 0) unless
// the owner says otherwise. Origin top left, y downwards.
struct Box {
  double x_min = 0;
  double y_min = 0;
  double x_max = 0;
  double y_max = 0;

  double width() const { return x_max - x_min; }
  double height() const { return y_max - y_min; }
  friend bool operator==(const Box&, const Box&) = default;
};

// 0 for a box without extent.
inline double Area(const Box& box) {
  return std::max(0.0, box.width()) * std::max(0.0, box.height());
}

inline double IntersectionArea(const Box& a, const Box& b) {
  return Area({.x_min = std::max(a.x_min, b.x_min),
               .y_min = std::max(a.y_min, b.y_min),
               .x_max = std::min(a.x_max, b.x_max),
               .y_max = std::min(a.y_max, b.y_max)});
}

// Intersection over union, 0 when both boxes are empty.
inline double Iou(const Box& a, const Box& b) {
  const double intersection = IntersectionArea(a, b);
  const double united = Area(a) + Area(b) - intersection;
  return united > 0 ? intersection / united : 0;
}

}  // namespace cyto8
