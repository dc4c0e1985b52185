// SPDX-License-Identifier: Apache-2.0
// What of a slide is empty glass; see tissue_mask.h.
#include "tiling/tissue_mask.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kBlocksPerCell = 4;  // along each axis.
constexpr int64_t kCellsPerRegion = 16;
constexpr int64_t kLevels = 256;
constexpr int64_t kWhite = 255;

constexpr int64_t kDarkestBackground = 128;  // luma.
constexpr int64_t kStrongestTint = 48;       // between channels.
constexpr int64_t kDrift = 24;               // of a region.
constexpr int64_t kLeastFlatCells = 8;       // of a region.
constexpr int64_t kBrightestSkipped = 50;    // 1 in so many flat cells.

int64_t Luma(const uint8_t* rgb) { return (rgb[0] + 2 * rgb[1] + rgb[2]) / 4; }

int64_t Tint(const uint8_t* rgb) {
  const auto [low, high] = std::minmax({rgb[0], rgb[1], rgb[2]});
  return high - low;
}

Status CheckSide(std::string_view name, int64_t reduced_px, int64_t full_px,
                 int64_t block_px) {
  const int64_t least = std::max<int64_t>(full_px * 8 / (9 * block_px), 1);
  return CheckRange(name, reduced_px, least, full_px);
}

Status CheckSides(const ReducedSides& sides, int64_t block_px,
                  const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("full_width_px", sides.full_width_px, 1, limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(CheckRange("full_height_px", sides.full_height_px, 1,
                                   limits.max_side_px));
  CYTO8_RETURN_IF_ERROR(
      CheckSide("width_px", sides.width_px, sides.full_width_px, block_px));
  return CheckSide("height_px", sides.height_px, sides.full_height_px,
                   block_px);
}

Status CheckOptions(const TissueMaskOptions& options, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("block_px", options.block_px, 1, 1024));
  CYTO8_RETURN_IF_ERROR(CheckRange("contrast", options.contrast, 1, 64));
  return CheckRange("margin_px", options.margin_px, 0, limits.max_side_px);
}

// The whole blocks that fit, in reduced pixels.
int64_t BlockSide(int64_t block_px, int64_t reduced_px, int64_t full_px) {
  return std::max<int64_t>(block_px * reduced_px / full_px, 1);
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Along one axis: the mask cells that [begin, begin + length) touches, in
// level-0 pixels, cut to the slide.
struct CellRange {
  int64_t begin = 0;
  int64_t end = 0;
};

CellRange CellsOf(int64_t begin_px, int64_t end_px, int64_t full_px,
                  int64_t reduced_px, int64_t cell_side) {
  const int64_t begin = std::clamp<int64_t>(begin_px, 0, full_px);
  const int64_t end = std::clamp<int64_t>(end_px, begin, full_px);
  if (begin == end) return {};
  return {
      .begin = begin * reduced_px / full_px / cell_side,
      .end = DivideUp(DivideUp(end * reduced_px, full_px), cell_side),
  };
}

}  // namespace

bool TissueMask::IsBackground(const Tile& tile) const {
  const CellRange x =
      CellsOf(tile.x_px - margin_px_, tile.x_px + tile.width_px + margin_px_,
              sides_.full_width_px, sides_.width_px, cell_width_);
  const CellRange y =
      CellsOf(tile.y_px - margin_px_, tile.y_px + tile.height_px + margin_px_,
              sides_.full_height_px, sides_.height_px, cell_height_);
  for (int64_t row = y.begin; row < y.end; ++row) {
    for (int64_t column = x.begin; column < x.end; ++column) {
      if (IsTissue(column, row)) return false;
    }
  }
  return true;
}

double TissueMask::tissue_share() const {
  const int64_t count =
      std::accumulate(tissue_.begin(), tissue_.end(), int64_t{0});
  return static_cast<double>(count) / static_cast<double>(tissue_.size());
}

TissueMaskBuilder::TissueMaskBuilder(const ReducedSides& sides,
                                     const TissueMaskOptions& options,
                                     int64_t block_width, int64_t block_height)
    : sides_(sides),
      options_(options),
      block_width_(block_width),
      block_height_(block_height),
      columns_(DivideUp(sides.width_px, kBlocksPerCell * block_width)),
      rows_(DivideUp(sides.height_px, kBlocksPerCell * block_height)),
      cells_(static_cast<size_t>(columns_ * rows_)) {}

StatusOr<TissueMaskBuilder> TissueMaskBuilder::Create(
    const ReducedSides& sides, const TissueMaskOptions& options,
    const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options, limits));
  CYTO8_RETURN_IF_ERROR(CheckSides(sides, options.block_px, limits));
  return TissueMaskBuilder(
      sides, options,
      BlockSide(options.block_px, sides.width_px, sides.full_width_px),
      BlockSide(options.block_px, sides.height_px, sides.full_height_px));
}

Status TissueMaskBuilder::Add(const ImageView& pixels, int64_t x_px,
                              int64_t y_px) {
  CYTO8_RETURN_IF_ERROR(CheckRange("x_px", x_px, 0, sides_.width_px));
  CYTO8_RETURN_IF_ERROR(CheckRange("y_px", y_px, 0, sides_.height_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", pixels.width_px, 0, sides_.width_px - x_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("height_px", pixels.height_px, 0, sides_.height_px - y_px));
  const auto next = [](int64_t at, int64_t side) {
    return at / side * side + side;
  };
  const int64_t x_end = x_px + pixels.width_px;
  const int64_t y_end = y_px + pixels.height_px;
  for (int64_t y = y_px; y < y_end; y = next(y, block_height_)) {
    const int64_t height = std::min(next(y, block_height_), y_end) - y;
    Cell* row = &cells_[static_cast<size_t>(
        y / (kBlocksPerCell * block_height_) * columns_)];
    for (int64_t x = x_px; x < x_end; x = next(x, block_width_)) {
      const int64_t width = std::min(next(x, block_width_), x_end) - x;
      AddBlock(pixels.Crop(x - x_px, y - y_px, width, height),
               row[x / (kBlocksPerCell * block_width_)]);
    }
  }
  return OkStatus();
}

void TissueMaskBuilder::AddBlock(const ImageView& block, Cell& cell) const {
  int64_t sums[kRgbChannels] = {};
  for (int64_t y = 0; y < block.height_px; ++y) {
    const uint8_t* row = block.Row(y);
    for (int64_t x = 0; x < block.width_px; ++x) {
      for (int64_t c = 0; c < kRgbChannels; ++c) {
        sums[c] += row[x * kRgbChannels + c];
      }
    }
  }
  const int64_t count = block.width_px * block.height_px;
  for (int64_t c = 0; c < kRgbChannels; ++c) {
    const auto mean = static_cast<uint8_t>(sums[c] / count);
    cell.darkest[c] = std::min(cell.darkest[c], mean);
    cell.brightest[c] = std::max(cell.brightest[c], mean);
  }
}

// Neither empty nor white, either.
bool TissueMaskBuilder::IsFlat(const Cell& cell) const {
  bool white = true;
  for (int64_t c = 0; c < kRgbChannels; ++c) {
    const int64_t range = cell.brightest[c] - cell.darkest[c];
    if (range < 0 || range > options_.contrast) return false;
    white = white && cell.darkest[c] == kWhite;
  }
  return !white;
}

bool TissueMaskBuilder::IsTissue(const Cell& cell,
                                 const Colour& background) const {
  const bool white = std::ranges::all_of(
      cell.darkest, [](int64_t level) { return level == kWhite; });
  if (white) return false;  // or empty.
  if (!background.known || !IsFlat(cell)) return true;
  for (int64_t c = 0; c < kRgbChannels; ++c) {
    if (cell.darkest[c] < background.channels[c] - options_.contrast) {
      return true;
    }
  }
  return false;
}

TissueMaskBuilder::Colour TissueMaskBuilder::SlideBackground() const {
  const auto candidate = [&](const Cell& cell) {
    return IsFlat(cell) && Luma(cell.brightest) >= kDarkestBackground &&
           Tint(cell.brightest) <= kStrongestTint;
  };
  std::array<int64_t, kLevels> counts = {};
  int64_t count = 0;
  for (const Cell& cell : cells_) {
    if (!candidate(cell)) continue;
    ++counts[static_cast<size_t>(Luma(cell.brightest))];
    ++count;
  }
  if (count == 0) return {};
  int64_t top = kLevels - 1;
  for (int64_t left = count / kBrightestSkipped;; --top) {
    left -= counts[static_cast<size_t>(top)];
    if (left < 0) break;
  }
  Colour sum = {.known = true};
  int64_t taken = 0;
  for (const Cell& cell : cells_) {
    if (!candidate(cell)) continue;
    const int64_t luma = Luma(cell.brightest);
    if (luma > top || luma < top - options_.contrast) continue;
    for (int64_t c = 0; c < kRgbChannels; ++c) {
      sum.channels[c] += cell.brightest[c];
    }
    ++taken;
  }
  for (int64_t& channel : sum.channels) channel /= taken;
  return sum;
}

TissueMaskBuilder::Colour TissueMaskBuilder::RegionBackground(
    int64_t column, int64_t row, const Colour& slide) const {
  Colour sum = {.known = true};
  int64_t count = 0;
  for (int64_t y = row; y < std::min(row + kCellsPerRegion, rows_); ++y) {
    for (int64_t x = column; x < std::min(column + kCellsPerRegion, columns_);
         ++x) {
      const Cell& cell = cells_[static_cast<size_t>(y * columns_ + x)];
      if (!IsFlat(cell)) continue;
      bool near = true;
      for (int64_t c = 0; c < kRgbChannels; ++c) {
        const int64_t apart = cell.brightest[c] - slide.channels[c];
        near = near && apart >= -kDrift && apart <= kDrift;
      }
      if (!near) continue;
      for (int64_t c = 0; c < kRgbChannels; ++c) {
        sum.channels[c] += cell.brightest[c];
      }
      ++count;
    }
  }
  if (!slide.known || count < kLeastFlatCells) return slide;
  for (int64_t& channel : sum.channels) channel /= count;
  return sum;
}

TissueMask TissueMaskBuilder::Build() const {
  TissueMask mask;
  mask.sides_ = sides_;
  mask.cell_width_ = kBlocksPerCell * block_width_;
  mask.cell_height_ = kBlocksPerCell * block_height_;
  mask.margin_px_ = options_.margin_px;
  mask.columns_ = columns_;
  mask.rows_ = rows_;
  mask.tissue_.resize(cells_.size());
  const Colour slide = SlideBackground();
  for (int64_t row = 0; row < rows_; row += kCellsPerRegion) {
    for (int64_t column = 0; column < columns_; column += kCellsPerRegion) {
      const Colour region = RegionBackground(column, row, slide);
      for (int64_t y = row; y < std::min(row + kCellsPerRegion, rows_); ++y) {
        for (int64_t x = column;
             x < std::min(column + kCellsPerRegion, columns_); ++x) {
          const auto i = static_cast<size_t>(y * columns_ + x);
          mask.tissue_[i] = IsTissue(cells_[i], region) ? 1 : 0;
        }
      }
    }
  }
  return mask;
}

int64_t TissueMaskBuilder::held_bytes() const {
  return static_cast<int64_t>(cells_.size() * sizeof(Cell));
}

}  // namespace cyto8
