// SPDX-License-Identifier: Apache-2.0
// How well a tile can be read; see tile_quality.h.
#include "tiling/tile_quality.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace cyto8 {
namespace {

constexpr int kGreen = 1;
constexpr int kLeastEdge = 20;  // central difference at half size.
constexpr int64_t kSampleStep = 4;
constexpr int kColoured = 200;  // a channel below: stained.

// Of pixels whose hue no Pap stain has: by how much a channel stands out.
constexpr int kGreenAbove = 40;
constexpr int kBlueAbove = 70;
constexpr int kMagentaAbove = 90;
constexpr int kRedAboveGreen = 140;
constexpr int kRedAboveBlue = 120;
// Of pixels dark in all channels alike.
constexpr int kGreyTint = 24;
constexpr int kGreyBelow = 100;

struct EdgeSums {
  int64_t gradient = 0;   // of squared central differences.
  int64_t curvature = 0;  // of squared second differences.
  int64_t count = 0;
};

// 2 x 2 means of the green channel, rounded half up.
void HalveGreen(const uint8_t* upper, const uint8_t* lower, int64_t width,
                uint8_t* half) {
  for (int64_t x = 0; x < width; ++x) {
    const int64_t left = 2 * kRgbChannels * x + kGreen;
    const int64_t right = left + kRgbChannels;
    half[x] = static_cast<uint8_t>(
        (upper[left] + upper[right] + lower[left] + lower[right] + 2) / 4);
  }
}

// Columns [1, width - 1) of the middle one of three rows.
void AddEdges(const uint8_t* above, const uint8_t* row, const uint8_t* below,
              int64_t width, EdgeSums& sums) {
  constexpr int64_t kChunk = 1024;  // whose sums fit in 32 bits.
  for (int64_t begin = 1; begin < width - 1; begin += kChunk) {
    const int64_t end = std::min(begin + kChunk, width - 1);
    int gradient = 0;
    int curvature = 0;
    int count = 0;
    for (int64_t x = begin; x < end; ++x) {
      const auto gx = static_cast<int16_t>(row[x + 1] - row[x - 1]);
      const auto gy = static_cast<int16_t>(below[x] - above[x]);
      const auto lx =
          static_cast<int16_t>(row[x + 1] + row[x - 1] - 2 * row[x]);
      const auto ly = static_cast<int16_t>(below[x] + above[x] - 2 * row[x]);
      const int squared = gx * gx + gy * gy;
      const int edge = squared >= kLeastEdge * kLeastEdge ? -1 : 0;
      gradient += squared & edge;
      curvature += (lx * lx + ly * ly) & edge;
      count -= edge;
    }
    sums.gradient += gradient;
    sums.curvature += curvature;
    sums.count += count;
  }
}

void MeasureFocus(const ImageView& pixels, TileQuality& quality) {
  const int64_t width = pixels.width_px / 2;
  const int64_t height = pixels.height_px / 2;
  if (width < 3 || height < 3) return;
  std::array<std::vector<uint8_t>, 3> rows;
  for (std::vector<uint8_t>& row : rows) row.resize(static_cast<size_t>(width));
  EdgeSums sums;
  for (int64_t y = 0; y < height; ++y) {
    HalveGreen(pixels.Row(2 * y), pixels.Row(2 * y + 1), width, rows[2].data());
    if (y >= 2) {
      AddEdges(rows[0].data(), rows[1].data(), rows[2].data(), width, sums);
    }
    std::swap(rows[0], rows[1]);
    std::swap(rows[1], rows[2]);
  }
  quality.edge_share = static_cast<double>(sums.count) /
                       static_cast<double>((width - 2) * (height - 2));
  if (sums.count == 0) return;
  // A central difference is twice g; an edge without curvature is a ramp.
  quality.edge_width_px =
      2 *
      std::sqrt(static_cast<double>(sums.gradient) /
                static_cast<double>(8 * std::max<int64_t>(sums.curvature, 1)));
}

struct ColourCounts {
  std::array<int64_t, 256> green = {};
  int64_t pixels = 0;
  int64_t coloured = 0;
  int64_t saturation = 0;
  int64_t pen = 0;
  int64_t grey = 0;
};

bool IsPen(int red, int green, int blue) {
  return green > std::max(red, blue) + kGreenAbove ||
         blue > std::max(red, green) + kBlueAbove ||
         std::min(red, blue) > green + kMagentaAbove ||
         (red > green + kRedAboveGreen && red > blue + kRedAboveBlue);
}

void CountColour(int red, int green, int blue, ColourCounts& counts) {
  const int high = std::max({red, green, blue});
  const int low = std::min({red, green, blue});
  ++counts.green[static_cast<size_t>(green)];
  ++counts.pixels;
  if (low < kColoured) {
    ++counts.coloured;
    counts.saturation += high - low;
  }
  counts.pen += IsPen(red, green, blue) ? 1 : 0;
  counts.grey += high < kGreyBelow && high - low < kGreyTint ? 1 : 0;
}

// The lowest level that `part` in `whole` of the pixels do not exceed.
int64_t Level(const ColourCounts& counts, int64_t part, int64_t whole) {
  int64_t seen = 0;
  int64_t level = 0;
  for (const int64_t count : counts.green) {
    seen += count;
    if (seen * whole >= part * counts.pixels) break;
    ++level;
  }
  return level;
}

double Share(int64_t part, int64_t whole) {
  return whole == 0 ? 0
                    : static_cast<double>(part) / static_cast<double>(whole);
}

void MeasureColour(const ImageView& pixels, TileQuality& quality) {
  ColourCounts counts;
  for (int64_t y = 0; y < pixels.height_px; y += kSampleStep) {
    const uint8_t* row = pixels.Row(y);
    for (int64_t x = 0; x < pixels.width_px; x += kSampleStep) {
      const uint8_t* rgb = row + x * kRgbChannels;
      CountColour(rgb[0], rgb[1], rgb[2], counts);
    }
  }
  quality.dark_level = Level(counts, 1, 1000);
  quality.median_level = Level(counts, 1, 2);
  quality.bright_level = Level(counts, 98, 100);
  quality.saturation = Share(counts.saturation, counts.coloured);
  quality.pen_share = Share(counts.pen, counts.pixels);
  quality.grey_share = Share(counts.grey, counts.pixels);
}

uint32_t FlagsOf(const TileQuality& quality, const TileQualityLimits& limits) {
  uint32_t flags = 0;
  if (quality.edge_share >= limits.least_edge_share) {
    flags |=
        quality.edge_width_px > limits.blurred_width_px ? kBlurred : kInFocus;
  }
  if (quality.bright_level < limits.dark_bright_level) flags |= kTooDark;
  if ((flags & kBlurred) == 0 &&
      quality.edge_share >= limits.pale_least_edge_share &&
      static_cast<double>(quality.dark_level) >
          limits.pale_dark_ratio * static_cast<double>(quality.bright_level)) {
    flags |= kPale;
  }
  // Without light all is grey.
  const bool grey = quality.grey_share > limits.artefact_grey_share &&
                    (flags & kTooDark) == 0;
  if (grey || quality.pen_share > limits.artefact_pen_share) flags |= kArtefact;
  return flags;
}

}  // namespace

TileQuality MeasureTileQuality(const ImageView& pixels,
                               const TileQualityLimits& limits) {
  TileQuality quality;
  if (pixels.width_px < 1 || pixels.height_px < 1) return quality;
  MeasureFocus(pixels, quality);
  MeasureColour(pixels, quality);
  quality.flags = FlagsOf(quality, limits);
  return quality;
}

}  // namespace cyto8
