// SPDX-License-Identifier: Apache-2.0
// Drawing by OpenCV's imgproc, whose exceptions end here; see overlay.h.
#include "app/overlay.h"

#include <algorithm>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include "base/numbers.h"

namespace cyto8 {
namespace {

// What a person can read on a screen; the score itself has more digits.
constexpr int kShownDecimals = 2;

cv::Scalar ColourOf(const CardClass& entry) {
  return cv::Scalar(entry.color.red, entry.color.green, entry.color.blue);
}

// OpenCV takes 32-bit pixels; boxes far outside need no exact place.
int Pixel(double coordinate) {
  constexpr double kFar = 1e6;
  return static_cast<int>(std::clamp(coordinate, -kFar, kFar));
}

void DrawCell(cv::Mat& canvas, const Detection& cell, const CardClass& entry) {
  constexpr int kThickness = 2;
  constexpr double kFontScale = 0.45;
  const cv::Point top_left(Pixel(cell.box.x_min), Pixel(cell.box.y_min));
  const cv::Point bottom_right(Pixel(cell.box.x_max), Pixel(cell.box.y_max));
  cv::rectangle(canvas, top_left, bottom_right, ColourOf(entry), kThickness);
  const std::string label =
      entry.name + " " + FormatFixed(cell.score, kShownDecimals);
  const cv::Point place(top_left.x + kThickness + 1, top_left.y + 14);
  cv::putText(canvas, label, place, cv::FONT_HERSHEY_SIMPLEX, kFontScale,
              cv::Scalar(255, 255, 255), /*thickness=*/3, cv::LINE_AA);
  cv::putText(canvas, label, place, cv::FONT_HERSHEY_SIMPLEX, kFontScale,
              ColourOf(entry), /*thickness=*/1, cv::LINE_AA);
}

StatusOr<Image> CopyOf(const ImageView& view, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::Create(view.width_px, view.height_px, limits));
  for (int64_t y = 0; y < view.height_px; ++y) {
    std::copy_n(view.Row(y), view.width_px * kRgbChannels, image.MutableRow(y));
  }
  return image;
}

}  // namespace

StatusOr<Image> DrawOverlay(const ImageView& image,
                            std::span<const FoundCell> cells,
                            std::span<const CardClass> classes,
                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(Image copy, CopyOf(image, limits));
  try {
    cv::Mat canvas(static_cast<int>(image.height_px),
                   static_cast<int>(image.width_px), CV_8UC3,
                   copy.MutableRow(0));
    for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) {
      const auto index = static_cast<size_t>(cell->detection.class_id - 1);
      DrawCell(canvas, cell->detection, classes[index]);
    }
  } catch (const cv::Exception& error) {
    return Internal(std::string("OpenCV: ") + error.what());
  }
  return copy;
}

}  // namespace cyto8
