// SPDX-License-Identifier: Apache-2.0
// See the header. Tested by tests/detector/efficientdet/box_coder_test.cc.
#include "detector/efficientdet/box_coder.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "base/numbers.h"

namespace cyto8 {
namespace {

Status NotFinite(const BoxCode& code) {
  std::string text = "box code (ty, tx, th, tw) = (";
  std::string_view separator = "";
  for (const float value : {code.ty, code.tx, code.th, code.tw}) {
    text += std::string(separator) + FormatShortest(value);
    separator = ", ";
  }
  return InvalidArgument(text + "): must be finite and give a finite box");
}

// Centre and sides of an anchor.
struct CenterSize {
  float y = 0;
  float x = 0;
  float height = 0;
  float width = 0;
};

CenterSize CenterSizeOf(const AnchorBox& anchor) {
  return {.y = (anchor.y_min + anchor.y_max) / 2,
          .x = (anchor.x_min + anchor.x_max) / 2,
          .height = anchor.y_max - anchor.y_min,
          .width = anchor.x_max - anchor.x_min};
}

}  // namespace

StatusOr<Box> DecodeBox(const BoxCode& code, const AnchorBox& anchor) {
  if (!std::isfinite(code.th) || !std::isfinite(code.tw)) {
    return NotFinite(code);
  }
  const CenterSize base = CenterSizeOf(anchor);
  const float width =
      std::exp(std::min(code.tw, kMaxSideExponent)) * base.width;
  const float height =
      std::exp(std::min(code.th, kMaxSideExponent)) * base.height;
  const float y = code.ty * base.height + base.y;
  const float x = code.tx * base.width + base.x;
  const Box box = {.x_min = x - width / 2,
                   .y_min = y - height / 2,
                   .x_max = x + width / 2,
                   .y_max = y + height / 2};
  if (!std::isfinite(box.x_min) || !std::isfinite(box.y_min) ||
      !std::isfinite(box.x_max) || !std::isfinite(box.y_max)) {
    return NotFinite(code);
  }
  return box;
}

BoxCode EncodeBox(const Box& box, const AnchorBox& anchor) {
  const CenterSize base = CenterSizeOf(anchor);
  const double y = (box.y_min + box.y_max) / 2;
  const double x = (box.x_min + box.x_max) / 2;
  return {.ty = static_cast<float>((y - base.y) / base.height),
          .tx = static_cast<float>((x - base.x) / base.width),
          .th = static_cast<float>(std::log(box.height() / base.height)),
          .tw = static_cast<float>(std::log(box.width() / base.width))};
}

}  // namespace cyto8
