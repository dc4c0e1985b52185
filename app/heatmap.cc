// SPDX-License-Identifier: Apache-2.0
// Heat maps; see heatmap.h.
//
// Cells come by falling score, so the first box that covers a pixel has the
// highest score there, and every pixel is set once. `next` leads from a pixel
// to the next one of its row that is not set, with paths shortened as they are
// walked (a union-find), so 100,000 boxes over each other cost little more
// than one.
#include "app/heatmap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/png_encoder.h"
#include "base/version.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxSide = 1024;

int64_t CeilDivide(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

// Pixels [first, end) of one axis that share some length with [min, max).
struct PixelRange {
  int64_t first = 0;
  int64_t end = 0;
};
PixelRange Covered(double min, double max, int64_t px_per_px, int64_t size) {
  if (!(max > min)) return {};
  const auto scale = static_cast<double>(px_per_px);
  const auto last = static_cast<double>(size);
  return {
      .first =
          static_cast<int64_t>(std::clamp(std::floor(min / scale), 0.0, last)),
      .end =
          static_cast<int64_t>(std::clamp(std::ceil(max / scale), 0.0, last))};
}

class HeatmapPainter {
 public:
  explicit HeatmapPainter(Heatmap& map)
      : map_(map), next_(static_cast<size_t>(map.height_px)) {}

  void Paint(const Box& box, uint8_t value) {
    const PixelRange columns =
        Covered(box.x_min, box.x_max, map_.px_per_px, map_.width_px);
    const PixelRange rows =
        Covered(box.y_min, box.y_max, map_.px_per_px, map_.height_px);
    for (int64_t y = rows.first; y < rows.end; ++y) {
      PaintRow(y, columns, value);
    }
  }

 private:
  void PaintRow(int64_t y, PixelRange columns, uint8_t value) {
    uint16_t* next = NextOfRow(y);
    uint8_t* row = map_.values.data() + y * map_.width_px;
    for (int64_t x = Unset(next, columns.first); x < columns.end;
         x = Unset(next, x)) {
      row[x] = value;
      next[x] = static_cast<uint16_t>(x + 1);
    }
  }

  uint16_t* NextOfRow(int64_t y) {
    std::vector<uint16_t>& next = next_[static_cast<size_t>(y)];
    if (next.empty()) {
      next.resize(static_cast<size_t>(map_.width_px + 1));
      std::iota(next.begin(), next.end(), uint16_t{0});
    }
    return next.data();
  }

  // The first pixel at or behind x that is not set; the width if there is none.
  static int64_t Unset(uint16_t* next, int64_t x) {
    while (next[x] != x) {
      next[x] = next[next[x]];
      x = next[x];
    }
    return x;
  }

  Heatmap& map_;
  // Of each row that was painted: its pixels, each leading to itself if it is
  // not set, and the end of the row.
  std::vector<std::vector<uint16_t>> next_;
};

uint8_t ValueOf(float score) {
  constexpr double kSteps = 254;
  const double clamped = std::clamp(static_cast<double>(score), 0.0, 1.0);
  return static_cast<uint8_t>(1 + std::floor(kSteps * clamped));
}

// By class id - 1.
std::vector<bool> ShownClasses(const ModelCard& card, bool& abnormal_only) {
  const auto group = card.groups.find("abnormal");
  abnormal_only = group != card.groups.end();
  std::vector<bool> shown(card.classes.size(), !abnormal_only);
  if (!abnormal_only) return shown;
  for (const int id : group->second) shown[static_cast<size_t>(id - 1)] = true;
  return shown;
}

}  // namespace

Heatmap MakeHeatmap(const SlideResult& slide, const ModelCard& card) {
  Heatmap map;
  map.px_per_px =
      CeilDivide(std::max(slide.width_px, slide.height_px), kMaxSide);
  map.width_px = CeilDivide(slide.width_px, map.px_per_px);
  map.height_px = CeilDivide(slide.height_px, map.px_per_px);
  map.values.resize(static_cast<size_t>(map.width_px * map.height_px));
  const std::vector<bool> shown = ShownClasses(card, map.abnormal_only);
  HeatmapPainter painter(map);
  for (const Detection& cell : slide.cells) {
    const Detection& detection = cell;
    if (shown[static_cast<size_t>(detection.class_id - 1)]) {
      painter.Paint(detection.box, ValueOf(detection.score));
    }
  }
  return map;
}

std::array<Rgb, 256> HeatmapPalette() {
  // From value 1 to 255 in equal steps; between them by straight lines.
  constexpr std::array<Rgb, 6> kStops = {Rgb{255, 247, 205}, Rgb{253, 212, 110},
                                         Rgb{249, 150, 60},  Rgb{222, 70, 45},
                                         Rgb{150, 20, 65},   Rgb{55, 0, 60}};
  constexpr int kLast = 254;
  constexpr int kIntervals = static_cast<int>(kStops.size()) - 1;
  std::array<Rgb, 256> palette{};
  palette[0] = {.red = 255, .green = 255, .blue = 255};
  for (int i = 0; i <= kLast; ++i) {
    const int interval = std::min(i * kIntervals / kLast, kIntervals - 1);
    const int part = i * kIntervals - interval * kLast;  // of kLast.
    const auto mix = [&](uint8_t from, uint8_t to) {
      return static_cast<uint8_t>(
          (from * (kLast - part) + to * part + kLast / 2) / kLast);
    };
    const Rgb& from = kStops[static_cast<size_t>(interval)];
    const Rgb& to = kStops[static_cast<size_t>(interval + 1)];
    palette[static_cast<size_t>(i + 1)] = {.red = mix(from.red, to.red),
                                           .green = mix(from.green, to.green),
                                           .blue = mix(from.blue, to.blue)};
  }
  return palette;
}

StatusOr<std::string> HeatmapPng(const SlideResult& slide,
                                 const ModelCard& card) {
  Heatmap map = MakeHeatmap(slide, card);
  const std::array<Rgb, 256> palette = HeatmapPalette();
  const std::string classes =
      map.abnormal_only ? "abnormal classes" : "all classes";
  PalettePicture picture = {
      .width_px = map.width_px,
      .height_px = map.height_px,
      .pixels = std::move(map.values),
      .palette = {palette.begin(), palette.end()},
      .first_is_transparent = true,
      .texts = {{"Comment", std::string(kResearchNotice)},
                {"cyto8:level0_px_per_px", std::to_string(map.px_per_px)},
                {"cyto8:level0_size", std::to_string(slide.width_px) + " x " +
                                          std::to_string(slide.height_px)},
                {"cyto8:value", "highest score of " + classes}}};
  return EncodePng(picture);
}

}  // namespace cyto8
