// SPDX-License-Identifier: Apache-2.0
// Drawing; see overlay.h. OpenCV cuts slanted lines at the edge of its canvas
// with rounding, so a letter drawn across two bands would show where they
// meet. Hence labels are drawn whole, once, on a small canvas of their own, and
// blended in; frames are plain rectangles.
#include "app/overlay.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "base/limits.h"
#include "base/numbers.h"
#include "tiling/jpeg_encoder.h"

namespace cyto8 {
namespace {

// What a person can read on a screen; the score itself has more digits.
constexpr int kShownDecimals = 2;
constexpr size_t kShownNameBytes = 40;

// The canvas of a label: the line on which the letters stand lies kLabelAscent
// rows below its top; letters and halo stay inside.
constexpr int kLabelAscent = 20;
constexpr int kLabelDescent = 12;
constexpr int kLabelMargin = 4;  // left and right of the letters.
constexpr double kFontScale = 0.45;
// From the top left corner of a box to where its label's first letter stands.
constexpr int64_t kLabelX = 3;
constexpr int64_t kLabelY = 14;

// [x_min, x_max) x [y_min, y_max).
struct PixelBox {
  int64_t x_min = 0;
  int64_t y_min = 0;
  int64_t x_max = 0;
  int64_t y_max = 0;
};

// Boxes far outside need no exact place.
int64_t Pixel(double coordinate) {
  constexpr double kFar = 1e9;
  return static_cast<int64_t>(std::floor(std::clamp(coordinate, -kFar, kFar)));
}

// The corner pixels of the frame's middle line.
PixelBox PixelsOf(const Box& box) {
  return {.x_min = Pixel(box.x_min),
          .y_min = Pixel(box.y_min),
          .x_max = Pixel(box.x_max),
          .y_max = Pixel(box.y_max)};
}

int64_t FirstRow(const Box& box) {
  return Pixel(box.y_min) + std::min<int64_t>(-1, kLabelY - kLabelAscent);
}

int64_t EndRow(const Box& box) {
  return std::max(Pixel(box.y_max) + 1,
                  Pixel(box.y_min) + kLabelY + kLabelDescent);
}

// The part of the rectangle that lies in the band, in rows of the band.
PixelBox Cut(const PixelBox& box, const Band& band) {
  return {
      .x_min = std::clamp<int64_t>(box.x_min, 0, band.width_px),
      .y_min = std::clamp<int64_t>(box.y_min - band.y_px, 0, band.height_px),
      .x_max = std::clamp<int64_t>(box.x_max, 0, band.width_px),
      .y_max = std::clamp<int64_t>(box.y_max - band.y_px, 0, band.height_px)};
}

uint8_t* PixelAt(const Band& band, int64_t x_px, int64_t row) {
  return band.data + row * band.stride_bytes + x_px * kRgbChannels;
}

void Fill(const PixelBox& whole, Rgb colour, const Band& band) {
  const PixelBox box = Cut(whole, band);
  for (int64_t y = box.y_min; y < box.y_max; ++y) {
    for (int64_t x = box.x_min; x < box.x_max; ++x) {
      uint8_t* pixel = PixelAt(band, x, y);
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

// Two pixels wide: the one before each edge of the box and the one behind it.
void DrawFrame(const PixelBox& box, Rgb colour, const Band& band) {
  const PixelBox outer = {.x_min = box.x_min - 1,
                          .y_min = box.y_min - 1,
                          .x_max = box.x_max + 1,
                          .y_max = box.y_max + 1};
  PixelBox side = outer;
  side.y_max = box.y_min + 1;
  Fill(side, colour, band);
  side = outer;
  side.y_min = box.y_max - 1;
  Fill(side, colour, band);
  side = outer;
  side.x_max = box.x_min + 1;
  Fill(side, colour, band);
  side = outer;
  side.x_min = box.x_max - 1;
  Fill(side, colour, band);
}

uint8_t Blend(uint8_t under, uint8_t over, uint8_t alpha) {
  constexpr int kOpaque = 255;
  const int sum = under * (kOpaque - alpha) + over * alpha;
  return static_cast<uint8_t>((sum + kOpaque / 2) / kOpaque);
}

// `mask` covers `box`, which is width_px wide.
void BlendMask(const std::vector<uint8_t>& mask, const PixelBox& box,
               Rgb colour, const Band& band) {
  const PixelBox cut = Cut(box, band);
  const int64_t width_px = box.x_max - box.x_min;
  for (int64_t y = cut.y_min; y < cut.y_max; ++y) {
    const uint8_t* row = mask.data() + (y + band.y_px - box.y_min) * width_px;
    for (int64_t x = cut.x_min; x < cut.x_max; ++x) {
      const uint8_t alpha = row[x - box.x_min];
      uint8_t* pixel = PixelAt(band, x, y);
      pixel[0] = Blend(pixel[0], colour.red, alpha);
      pixel[1] = Blend(pixel[1], colour.green, alpha);
      pixel[2] = Blend(pixel[2], colour.blue, alpha);
    }
  }
}

std::vector<uint8_t> TextMask(const std::string& text, int width_px,
                              int thickness) {
  constexpr int kHeight = kLabelAscent + kLabelDescent;
  std::vector<uint8_t> mask(static_cast<size_t>(width_px) * kHeight);
  cv::Mat canvas(kHeight, width_px, CV_8UC1, mask.data());
  cv::putText(canvas, text, cv::Point(kLabelMargin, kLabelAscent),
              cv::FONT_HERSHEY_SIMPLEX, kFontScale, cv::Scalar(255), thickness,
              cv::LINE_AA);
  return mask;
}

int TextWidth(const std::string& text) {
  int below = 0;
  return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, kFontScale,
                         /*thickness=*/3, &below)
             .width +
         2 * kLabelMargin;
}

// About 4 MiB of rows, and not so few that calls would count.
int64_t BandRows(const OverlaySize& size) {
  constexpr int64_t kBandBytes = int64_t{4} << 20;
  constexpr int64_t kFewest = 16;
  if (size.band_rows > 0) return size.band_rows;
  return std::clamp(kBandBytes / (size.width_px * kRgbChannels), kFewest,
                    std::max(kFewest, size.height_px));
}

}  // namespace

OverlayPainter::OverlayPainter(std::span<const Detection> cells,
                               std::span<const CardClass> classes)
    : cells_(cells), classes_(classes), by_top_(cells.size()) {
  std::iota(by_top_.begin(), by_top_.end(), size_t{0});
  std::stable_sort(by_top_.begin(), by_top_.end(), [&](size_t a, size_t b) {
    return FirstRow(cells_[a].box) < FirstRow(cells_[b].box);
  });
}

// Widths differ, heights do not; a run has few different labels, but a hostile
// card may have many long ones.
StatusOr<const OverlayPainter::Label*> OverlayPainter::LabelOf(
    const std::string& text) {
  constexpr size_t kMaxLabels = 1000;
  const auto known = labels_.find(text);
  if (known != labels_.end()) return &known->second;
  if (labels_.size() >= kMaxLabels) labels_.clear();
  try {
    const int width_px = TextWidth(text);
    Label& label = labels_[text];
    label = {.width_px = width_px,
             .halo = TextMask(text, width_px, /*thickness=*/3),
             .ink = TextMask(text, width_px, /*thickness=*/1)};
    return &label;
  } catch (const cv::Exception& error) {
    return Internal(std::string("OpenCV: ") + error.what());
  }
}

Status OverlayPainter::PaintCell(const Detection& cell, const Band& band) {
  const CardClass& entry = classes_[static_cast<size_t>(cell.class_id - 1)];
  const PixelBox box = PixelsOf(cell.box);
  DrawFrame(box, entry.color, band);
  CYTO8_ASSIGN_OR_RETURN(const Label* label,
                         LabelOf(entry.name.substr(0, kShownNameBytes) + " " +
                                 FormatFixed(cell.score, kShownDecimals)));
  const int64_t x_min = box.x_min + kLabelX - kLabelMargin;
  const int64_t y_min = box.y_min + kLabelY - kLabelAscent;
  const PixelBox place = {.x_min = x_min,
                          .y_min = y_min,
                          .x_max = x_min + label->width_px,
                          .y_max = y_min + kLabelAscent + kLabelDescent};
  BlendMask(label->halo, place, {.red = 255, .green = 255, .blue = 255}, band);
  BlendMask(label->ink, place, entry.color, band);
  return OkStatus();
}

// Those that reach into the band, the lowest score first.
void OverlayPainter::ChooseActive(const Band& band) {
  const int64_t end = band.y_px + band.height_px;
  while (next_ < by_top_.size() && FirstRow(cells_[by_top_[next_]].box) < end) {
    active_.push_back(by_top_[next_++]);
  }
  std::erase_if(active_,
                [&](size_t i) { return EndRow(cells_[i].box) <= band.y_px; });
  std::sort(active_.begin(), active_.end(), std::greater<>());
}

Status OverlayPainter::Paint(const Band& band) {
  ChooseActive(band);
  for (const size_t i : active_) {
    CYTO8_RETURN_IF_ERROR(PaintCell(cells_[i], band));
  }
  return OkStatus();
}

bool OverlayFits(const OverlaySize& size) {
  return size.width_px <= kMaxJpegSide && size.height_px <= kMaxJpegSide;
}

Status WriteOverlay(const OverlaySize& size, OverlayPainter painter,
                    const RowReader& rows, const Sink& sink) {
  CYTO8_ASSIGN_OR_RETURN(
      JpegRowWriter jpeg,
      JpegRowWriter::Create(
          {.width_px = size.width_px, .height_px = size.height_px}, sink));
  const int64_t band_rows = std::min(BandRows(size), size.height_px);
  CYTO8_ASSIGN_OR_RETURN(Image pixels, Image::Create(size.width_px, band_rows));
  const int64_t stride_bytes = pixels.view().stride_bytes;
  for (int64_t y = 0; y < size.height_px; y += band_rows) {
    const int64_t count = std::min(band_rows, size.height_px - y);
    CYTO8_RETURN_IF_ERROR(rows(count, pixels.MutableRow(0), stride_bytes));
    CYTO8_RETURN_IF_ERROR(painter.Paint({.data = pixels.MutableRow(0),
                                         .width_px = size.width_px,
                                         .height_px = count,
                                         .stride_bytes = stride_bytes,
                                         .y_px = y}));
    CYTO8_RETURN_IF_ERROR(
        jpeg.WriteRows(pixels.view().Crop(0, 0, size.width_px, count)));
  }
  return jpeg.Finish();
}

}  // namespace cyto8
