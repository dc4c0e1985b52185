// SPDX-License-Identifier: Apache-2.0
// What of a slide is empty glass; see tissue_mask.h.
#include "tiling/tissue_mask.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <numeric>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kBlocksPerCell = 4;  // along each axis.
constexpr int64_t kCellsPerRegion = 16;
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

bool IsNear(const uint8_t* rgb,
            const std::array<int64_t, kRgbChannels>& colour) {
  for (size_t c = 0; c < kRgbChannels; ++c) {
    if (std::abs(rgb[c] - colour[c]) > kDrift) return false;
  }
  return true;
}

// Of colours, at least one; rounded down.
struct BrightMean {
  std::array<int64_t, kRgbChannels> sums = {};
  int64_t count = 0;

  void Add(const uint8_t* rgb) {
    for (size_t c = 0; c < kRgbChannels; ++c) sums[c] += rgb[c];
    ++count;
  }
  std::array<int64_t, kRgbChannels> Get() const {
    return {sums[0] / count, sums[1] / count, sums[2] / count};
  }
};

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
  const int64_t y_end = y_px + pixels.height_px;
  for (int64_t y = y_px; y < y_end;) {
    const int64_t block_row = y / block_height_;
    const int64_t end = std::min((block_row + 1) * block_height_, y_end);
    AddBlockRow(pixels.Crop(0, y - y_px, pixels.width_px, end - y), x_px,
                block_row / kBlocksPerCell);
    y = end;
  }
  return OkStatus();
}

// Pixels of one row of blocks, which lies in a row of cells.
void TissueMaskBuilder::AddBlockRow(const ImageView& pixels, int64_t x_px,
                                    int64_t cell_row) {
  Cell* cells = &cells_[static_cast<size_t>(cell_row * columns_)];
  const int64_t x_end = x_px + pixels.width_px;
  int64_t block = x_px / block_width_;
  for (int64_t x = x_px; x < x_end; ++block) {
    const int64_t end = std::min((block + 1) * block_width_, x_end);
    AddBlock(pixels.Crop(x - x_px, 0, end - x, pixels.height_px),
             cells[block / kBlocksPerCell]);
    x = end;
  }
}

void TissueMaskBuilder::AddBlock(const ImageView& block, Cell& cell) const {
  int sums[kRgbChannels] = {};  // at most 255 x 1024 x 1024.
  for (int64_t y = 0; y < block.height_px; ++y) {
    const uint8_t* pixel = block.Row(y);
    for (int64_t x = 0; x < block.width_px; ++x, pixel += kRgbChannels) {
      for (int64_t c = 0; c < kRgbChannels; ++c) sums[c] += pixel[c];
    }
  }
  const auto count = static_cast<int>(block.width_px * block.height_px);
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
                                 const Background& background) const {
  const bool white = std::ranges::all_of(
      cell.darkest, [](int64_t level) { return level == kWhite; });
  if (white) return false;  // or empty.
  if (!background.has_value() || !IsFlat(cell)) return true;
  for (size_t c = 0; c < kRgbChannels; ++c) {
    if (cell.darkest[c] < (*background)[c] - options_.contrast) return true;
  }
  return false;
}

std::vector<TissueMaskBuilder::Cell> TissueMaskBuilder::BrightFlatCells()
    const {
  std::vector<Cell> bright;
  std::ranges::copy_if(
      cells_, std::back_inserter(bright), [&](const Cell& cell) {
        return IsFlat(cell) && Luma(cell.brightest) >= kDarkestBackground &&
               Tint(cell.brightest) <= kStrongestTint;
      });
  return bright;
}

TissueMaskBuilder::Background TissueMaskBuilder::SlideBackground() const {
  std::vector<Cell> cells = BrightFlatCells();
  if (cells.empty()) return std::nullopt;
  const auto luma = [](const Cell& cell) { return Luma(cell.brightest); };
  const auto top = cells.begin() + std::ssize(cells) / kBrightestSkipped;
  std::ranges::nth_element(cells, top, std::greater(), luma);
  const int64_t top_luma = luma(*top);
  BrightMean mean;
  for (const Cell& cell : cells) {
    const int64_t below = top_luma - luma(cell);
    if (below >= 0 && below <= options_.contrast) mean.Add(cell.brightest);
  }
  return mean.Get();
}

TissueMaskBuilder::Background TissueMaskBuilder::RegionBackground(
    int64_t column, int64_t row, const Background& slide) const {
  if (!slide.has_value()) return slide;
  BrightMean mean;
  for (int64_t y = row; y < std::min(row + kCellsPerRegion, rows_); ++y) {
    const int64_t end = std::min(column + kCellsPerRegion, columns_);
    for (int64_t x = column; x < end; ++x) {
      const Cell& cell = cells_[static_cast<size_t>(y * columns_ + x)];
      if (IsFlat(cell) && IsNear(cell.brightest, *slide)) {
        mean.Add(cell.brightest);
      }
    }
  }
  return mean.count < kLeastFlatCells ? slide : mean.Get();
}

void TissueMaskBuilder::MarkRegion(int64_t column, int64_t row,
                                   const Background& background,
                                   std::vector<uint8_t>& tissue) const {
  for (int64_t y = row; y < std::min(row + kCellsPerRegion, rows_); ++y) {
    const int64_t end = std::min(column + kCellsPerRegion, columns_);
    for (int64_t x = column; x < end; ++x) {
      const auto i = static_cast<size_t>(y * columns_ + x);
      tissue[i] = IsTissue(cells_[i], background) ? 1 : 0;
    }
  }
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
  const Background slide = SlideBackground();
  for (int64_t row = 0; row < rows_; row += kCellsPerRegion) {
    for (int64_t column = 0; column < columns_; column += kCellsPerRegion) {
      MarkRegion(column, row, RegionBackground(column, row, slide),
                 mask.tissue_);
    }
  }
  return mask;
}

int64_t TissueMaskBuilder::held_bytes() const {
  return static_cast<int64_t>(cells_.size() * sizeof(Cell));
}

}  // namespace cyto8
