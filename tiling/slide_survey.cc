// SPDX-License-Identifier: Apache-2.0
// See slide_survey.h.
#include "tiling/slide_survey.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tiling/level_choice.h"

namespace cyto8 {
namespace {

constexpr double kCoarsestUm = 4.2;  // of a pixel: two in a small nucleus.
constexpr double kLeastScale = 4;    // of the level, to level 0.
constexpr double kNucleusUm = 8;
constexpr int64_t kDarkCellPx = 8;

struct View {
  int64_t level = 0;
  int64_t reduction = 1;
  double um_per_px = 0;
};

// The coarsest that is fine enough, of equal ones the smaller level.
std::optional<View> ChooseView(const SlideReader& slide, double um_per_px) {
  std::optional<View> best;
  const SlideInfo& info = slide.info();
  for (int64_t level = 1; level < std::ssize(info.levels); ++level) {
    const LevelScale scale = ScaleOfLevel(info, level);
    if (std::min(scale.x, scale.y) < kLeastScale) continue;
    for (int64_t by = 1; by <= slide.largest_reduction(); by *= 2) {
      const double um =
          um_per_px * std::max(scale.x, scale.y) * static_cast<double>(by);
      if (um > kCoarsestUm || (best && um < best->um_per_px)) continue;
      // Else reduced blocks overlap.
      const SlideLevel& blocks = info.levels[static_cast<size_t>(level)];
      if (blocks.block_width_px % by != 0 || blocks.block_height_px % by != 0) {
        continue;
      }
      best = {.level = level, .reduction = by, .um_per_px = um};
    }
  }
  return best;
}

// Takes the blocks of a view one by one.
class Surveyor {
 public:
  Surveyor(SlideReader& slide, const View& view)
      : slide_(slide),
        view_(view),
        level_(slide.info().levels[static_cast<size_t>(view.level)]) {}

  ReducedSides Sides() const {
    const SlideLevel& full = slide_.info().levels.front();
    const auto reduced = [&](int64_t side) {
      return (side + view_.reduction - 1) / view_.reduction;
    };
    return {.full_width_px = full.width_px,
            .full_height_px = full.height_px,
            .width_px = reduced(level_.width_px),
            .height_px = reduced(level_.height_px)};
  }

  Status Survey(TissueMaskBuilder& mask, DarknessMap& darkness) {
    for (int64_t row = 0; row < level_.blocks_down(); ++row) {
      for (int64_t column = 0; column < level_.blocks_across(); ++column) {
        CYTO8_RETURN_IF_ERROR(Look({.level = view_.level,
                                    .column = column,
                                    .row = row,
                                    .reduction = view_.reduction},
                                   mask, darkness));
      }
    }
    return OkStatus();
  }

 private:
  Status Look(const BlockId& block, TissueMaskBuilder& mask,
              DarknessMap& darkness) {
    if (!slide_.HasBlock(block) && !HasDetail(block)) return OkStatus();
    CYTO8_ASSIGN_OR_RETURN(const Image pixels, PixelsOf(block));
    const int64_t x = block.column * level_.block_width_px / view_.reduction;
    const int64_t y = block.row * level_.block_height_px / view_.reduction;
    darkness.Add(pixels.view(), x, y);
    return mask.Add(pixels.view(), x, y);
  }

  // Black if it cannot be read, or if only finer levels have it.
  StatusOr<Image> PixelsOf(const BlockId& block) {
    if (slide_.HasBlock(block)) {
      StatusOr<Image> pixels = slide_.ReadBlock(block);
      if (pixels.ok()) return pixels;
    }
    const auto [width, height] = BlockSize(level_, block);
    CYTO8_ASSIGN_OR_RETURN(Image black, Image::Create(width, height));
    black.Fill({0, 0, 0});
    return black;
  }

  // Whether level 0 has a block where this one lies.
  bool HasDetail(const BlockId& block) const {
    const SlideLevel& full = slide_.info().levels.front();
    const LevelScale scale = ScaleOfLevel(slide_.info(), view_.level);
    const auto range = [](int64_t at, int64_t block_px, double by,
                          int64_t full_block_px, int64_t count) {
      const auto edge = [&](int64_t px) {
        return static_cast<int64_t>(static_cast<double>(px) * by) /
               full_block_px;
      };
      return std::pair(std::min(edge(at * block_px), count),
                       std::min(edge((at + 1) * block_px) + 1, count));
    };
    const auto [left, right] =
        range(block.column, level_.block_width_px, scale.x, full.block_width_px,
              full.blocks_across());
    const auto [top, bottom] = range(block.row, level_.block_height_px, scale.y,
                                     full.block_height_px, full.blocks_down());
    for (int64_t row = top; row < bottom; ++row) {
      for (int64_t column = left; column < right; ++column) {
        if (slide_.HasBlock({.level = 0, .column = column, .row = row})) {
          return true;
        }
      }
    }
    return false;
  }

  SlideReader& slide_;
  const View view_;
  const SlideLevel level_;
};

int64_t CellsOf(int64_t side_px) {
  return (side_px + kDarkCellPx - 1) / kDarkCellPx;
}

}  // namespace

DarknessMap::DarknessMap(const ReducedSides& sides)
    : sides_(sides),
      columns_(CellsOf(sides.width_px)),
      cells_(static_cast<size_t>(columns_ * CellsOf(sides.height_px))) {}

void DarknessMap::Add(const ImageView& pixels, int64_t x_px, int64_t y_px) {
  for (int64_t y = 0; y < pixels.height_px; ++y) {
    const uint8_t* red = pixels.Row(y);
    int64_t* row = cells_.data() + (y_px + y) / kDarkCellPx * columns_;
    for (int64_t x = 0; x < pixels.width_px; ++x, red += kRgbChannels) {
      row[(x_px + x) / kDarkCellPx] += std::max<int64_t>(0, kDarkRed - *red);
    }
  }
}

int64_t DarknessMap::Of(const Tile& tile) const {
  const auto cell = [](int64_t at, int64_t full, int64_t reduced) {
    return std::clamp<int64_t>(at, 0, full - 1) * reduced / full / kDarkCellPx;
  };
  const ReducedSides& s = sides_;
  const int64_t right =
      cell(tile.x_px + tile.width_px - 1, s.full_width_px, s.width_px);
  const int64_t bottom =
      cell(tile.y_px + tile.height_px - 1, s.full_height_px, s.height_px);
  int64_t sum = 0;
  for (int64_t y = cell(tile.y_px, s.full_height_px, s.height_px); y <= bottom;
       ++y) {
    for (int64_t x = cell(tile.x_px, s.full_width_px, s.width_px); x <= right;
         ++x) {
      sum += cells_[static_cast<size_t>(y * columns_ + x)];
    }
  }
  return sum;
}

StatusOr<std::optional<SlideSurvey>> SlideSurvey::Make(SlideReader& slide,
                                                       double um_per_px,
                                                       const Limits& limits) {
  const std::optional<View> view = ChooseView(slide, um_per_px);
  if (!view) return std::optional<SlideSurvey>();
  Surveyor surveyor(slide, *view);
  const ReducedSides sides = surveyor.Sides();
  const int64_t nucleus_px =
      std::clamp<int64_t>(std::llround(kNucleusUm / um_per_px), 1, 1024);
  CYTO8_ASSIGN_OR_RETURN(
      TissueMaskBuilder mask,
      TissueMaskBuilder::Create(sides, {.block_px = nucleus_px}, limits));
  DarknessMap darkness(sides);
  CYTO8_RETURN_IF_ERROR(surveyor.Survey(mask, darkness));
  return std::optional(SlideSurvey(mask.Build(), std::move(darkness)));
}

}  // namespace cyto8
