// SPDX-License-Identifier: Apache-2.0
// Box regression: from (ty, tx, th, tw) and an anchor to a box and back, as
// decode_box_outputs of google/automl's tf2/anchors.py, in float32 and in its
// order of operations. Tested by tests/detector/efficientdet/box_coder_test.cc.
#pragma once

#include "base/box.h"
#include "base/status.h"
#include "detector/efficientdet/anchor_generator.h"

namespace cyto8 {

// What the network says of one anchor, in the order of its box channels.
struct BoxCode {
  float ty = 0;
  float tx = 0;
  float th = 0;
  float tw = 0;
  friend bool operator==(const BoxCode&, const BoxCode&) = default;
};

// Above this the exponent is cut, so that a side stays finite: e^80 anchors.
inline constexpr float kMaxSideExponent = 80;

// The values are those of float32 arithmetic. kInvalidArgument if a code is not
// finite or so large that the box is not.
StatusOr<Box> DecodeBox(const BoxCode& code, const AnchorBox& anchor);

// The code that decodes to `box`, which has a positive extent.
BoxCode EncodeBox(const Box& box, const AnchorBox& anchor);

}  // namespace cyto8
