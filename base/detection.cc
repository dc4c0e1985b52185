// SPDX-License-Identifier: Apache-2.0
// The total order of detections; see detection.h.
#include "base/detection.h"

#include <tuple>

namespace cyto8 {

bool DetectionBefore(const Detection& a, const Detection& b) {
  return std::make_tuple(-a.score, a.class_id, a.box.y_min, a.box.x_min,
                         a.box.y_max, a.box.x_max, a.tile) <
         std::make_tuple(-b.score, b.class_id, b.box.y_min, b.box.x_min,
                         b.box.y_max, b.box.x_max, b.tile);
}

}  // namespace cyto8
