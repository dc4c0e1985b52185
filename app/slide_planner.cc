// SPDX-License-Identifier: Apache-2.0
// Plans and opens images; see slide_planner.h.
#include "app/slide_planner.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/checked_math.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

// An image coarser than the model is enlarged; what is coarser than this has no
// cells to show, and its um/px is a mistake.
constexpr double kMaxEnlargement = 16;

double Ratio(int64_t scaled, int64_t full) {
  return static_cast<double>(scaled) / static_cast<double>(full);
}

// automl's letterbox: the side that shrinks more fills the network's input.
int64_t LetterboxSide(int64_t side_px, double scale, int64_t network_px) {
  const auto scaled =
      static_cast<int64_t>(std::floor(static_cast<double>(side_px) * scale));
  return std::clamp<int64_t>(scaled, 1, network_px);
}

}  // namespace

double SlidePlan::ratio_x() const { return Ratio(scaled_width_px, width_px); }
double SlidePlan::ratio_y() const { return Ratio(scaled_height_px, height_px); }

int64_t SlidePlan::PixelBytes(int64_t in_flight) const {
  int64_t tile_bytes = 0;
  for (const Tile& tile : tiles) {
    tile_bytes =
        std::max(tile_bytes, tile.width_px * tile.height_px * kRgbChannels);
  }
  return decoder_bytes + tile_bytes +
         TileCutter::HeldBytes(tiles, scaled_width_px, in_flight);
}

StatusOr<SlidePlanner> SlidePlanner::Create(
    FileSystem& files, const SlidePlannerOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      TileGrid::Create(1, 1, options.grid, options.limits).status());
  return SlidePlanner(files, options);
}

StatusOr<SlidePlan> SlidePlanner::Plan(const SlideInput& input) const {
  const std::string& path = input.identity.path;
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(*files_, path, options_.limits));
  return Annotate(PlanOf(*rows, input), path);
}

StatusOr<OpenedSlide> SlidePlanner::Open(const SlideInput& input) const {
  const std::string& path = input.identity.path;
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<RowSource> rows,
                         OpenRows(*files_, path, options_.limits));
  OpenedSlide slide;
  CYTO8_ASSIGN_OR_RETURN(slide.plan, Annotate(PlanOf(*rows, input), path));
  auto seconds = std::make_unique<ScaledRowSeconds>();
  CYTO8_ASSIGN_OR_RETURN(
      rows, Annotate(ScaledRows(std::move(rows), slide.plan.scaled_width_px,
                                slide.plan.scaled_height_px, *seconds,
                                options_.limits),
                     path));
  CYTO8_ASSIGN_OR_RETURN(
      std::unique_ptr<TileCutter> cutter,
      Annotate(TileCutter::Create(std::move(rows), slide.plan.tiles,
                                  options_.limits),
               path));
  slide.tiles =
      std::make_unique<RowTiles>(std::move(seconds), std::move(cutter),
                                 slide.plan.ratio_x(), slide.plan.ratio_y());
  return slide;
}

StatusOr<SlidePlan> SlidePlanner::PlanOf(const RowSource& rows,
                                         const SlideInput& input) const {
  const ImageInfo& info = rows.info();
  SlidePlan plan;
  plan.decoder_bytes = rows.memory_bytes();
  plan.pages = info.pages;
  plan.width_px = info.width_px;
  plan.height_px = info.height_px;
  const StatusOr<Mpp> mpp =
      ResolveMpp(input.hints.flag, input.hints.side_file, info.um_per_px);
  if (mpp.ok()) plan.mpp = *mpp;
  if (options_.mode == TilingMode::kResize) {
    if (!input.regions.empty()) {
      return InvalidArgument("regions: need tiles, not the resized image");
    }
    CYTO8_RETURN_IF_ERROR(FitToNetwork(plan));
    return plan;
  }
  CYTO8_RETURN_IF_ERROR(mpp.status());
  CYTO8_RETURN_IF_ERROR(ScaleToModel(input, plan));
  return plan;
}

Status SlidePlanner::ScaleToModel(const SlideInput& input,
                                  SlidePlan& plan) const {
  const Limits& limits = options_.limits;
  CYTO8_RETURN_IF_ERROR(CheckRange("um/px", plan.mpp.value, kMinMpp,
                                   kMaxEnlargement * options_.model_mpp));
  CYTO8_ASSIGN_OR_RETURN(
      plan.scaled_width_px,
      ResampledSide(plan.width_px, plan.mpp.value, options_.model_mpp, limits));
  CYTO8_ASSIGN_OR_RETURN(plan.scaled_height_px,
                         ResampledSide(plan.height_px, plan.mpp.value,
                                       options_.model_mpp, limits));
  std::vector<PixelArea> areas = {{.x_px = 0,
                                   .y_px = 0,
                                   .width_px = plan.scaled_width_px,
                                   .height_px = plan.scaled_height_px}};
  if (!input.regions.empty()) {
    CYTO8_ASSIGN_OR_RETURN(
        areas,
        PlaceRegions(input.regions, {.full_width_px = plan.width_px,
                                     .full_height_px = plan.height_px,
                                     .width_px = plan.scaled_width_px,
                                     .height_px = plan.scaled_height_px}));
  }
  CYTO8_ASSIGN_OR_RETURN(plan.tiles,
                         TilesOfAreas(areas, options_.grid, limits));
  return OkStatus();
}

Status SlidePlanner::FitToNetwork(SlidePlan& plan) const {
  const TileGridOptions& grid = options_.grid;
  const double scale = std::min(Ratio(grid.tile_width_px, plan.width_px),
                                Ratio(grid.tile_height_px, plan.height_px));
  plan.scaled_width_px =
      LetterboxSide(plan.width_px, scale, grid.tile_width_px);
  plan.scaled_height_px =
      LetterboxSide(plan.height_px, scale, grid.tile_height_px);
  plan.tiles = {{.x_px = 0,
                 .y_px = 0,
                 .width_px = plan.scaled_width_px,
                 .height_px = plan.scaled_height_px}};
  return OkStatus();
}

}  // namespace cyto8
