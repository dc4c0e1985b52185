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

// Of decoded blocks, for each slide that is open.
constexpr int64_t kSlideCacheBytes = int64_t{64} << 20;

// Of a slide at the scale of the network. Blocks that neighbouring strips share
// are decoded twice, so it is wide; those that two rows of tiles share stay in
// the cache, so it is not wider.
constexpr int64_t kStripPx = 8192;

// No cell is as large, nor is any box of a network that was trained on cells.
constexpr int64_t kReachPx = 2048;

double Ratio(int64_t scaled, int64_t full) {
  return static_cast<double>(scaled) / static_cast<double>(full);
}

// automl's letterbox: the side that shrinks more fills the network's input.
int64_t LetterboxSide(int64_t side_px, double scale, int64_t network_px) {
  const auto scaled =
      static_cast<int64_t>(std::floor(static_cast<double>(side_px) * scale));
  return std::clamp<int64_t>(scaled, 1, network_px);
}

// Of equal ones the first in strips.
void DarkestFirst(const SlideSurvey& survey, const SlideTileSource& scaled,
                  std::vector<TileTurn>& turns) {
  std::vector<std::pair<int64_t, int64_t>> keys;
  for (int64_t i = 0; i < std::ssize(turns); ++i) {
    const int64_t tile = turns[static_cast<size_t>(i)].tile;
    keys.emplace_back(-survey.Darkness(scaled.OnLevelZero(tile)), i);
  }
  std::ranges::sort(keys);
  std::vector<TileTurn> sorted;
  for (const auto& [darkness, turn] : keys) {
    sorted.push_back({.tile = turns[static_cast<size_t>(turn)].tile});
  }
  turns = std::move(sorted);
}

}  // namespace

Status Shown(const SlideInput& input, const Status& status) {
  constexpr std::string_view kForeign = "OpenSlide: ";
  const std::string& path = input.hidden_path;
  if (path.empty() || status.ok()) return status;
  std::string text = status.message();
  for (size_t at = text.find(path); at != std::string::npos;
       at = text.find(path, at + input.identity.path.size())) {
    text.replace(at, path.size(), input.identity.path);
  }
  const size_t foreign = text.find(kForeign);
  if (foreign != std::string::npos) {
    text.resize(foreign + kForeign.size());
    text += "an error";
  }
  return Status(status.code(), text);
}

double SlidePlan::ratio_x() const { return Ratio(scaled_width_px, width_px); }
double SlidePlan::ratio_y() const { return Ratio(scaled_height_px, height_px); }

int64_t SlidePlan::PixelBytes(int64_t in_flight) const {
  int64_t tile_bytes = 0;
  for (const Tile& tile : tiles) {
    tile_bytes =
        std::max(tile_bytes, tile.width_px * tile.height_px * kRgbChannels);
  }
  // A tile of a slide, what it is made from, and what resampling holds.
  if (is_slide) return decoder_bytes + 2 * tile_bytes + 2 * source_bytes;
  return decoder_bytes + tile_bytes +
         TileCutter::HeldBytes(tiles, scaled_width_px, in_flight);
}

std::vector<TileTurn> TurnsOf(const SlidePlan& plan,
                              std::span<const int64_t> background) {
  std::vector<TileTurn> turns = OrderInStrips(
      plan.tiles, plan.is_slide ? kStripPx : plan.scaled_width_px);
  std::erase_if(turns, [&](const TileTurn& turn) {
    return std::ranges::binary_search(background, turn.tile);
  });
  turns.shrink_to_fit();  // mostly background.
  return turns;
}

Box ReachOf(const TileSource& tiles, const Tile& tile, int64_t number) {
  return tiles.ToLevelZero(
      number,
      {.x_min = static_cast<double>(tile.x_px - kReachPx),
       .y_min = static_cast<double>(tile.y_px - kReachPx),
       .x_max = static_cast<double>(tile.x_px + tile.width_px + kReachPx),
       .y_max = static_cast<double>(tile.y_px + tile.height_px + kReachPx)});
}

StatusOr<SlidePlanner> SlidePlanner::Create(
    FileSystem& files, const SlidePlannerOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      TileGrid::Create(1, 1, options.grid, options.limits).status());
  return SlidePlanner(files, options);
}

StatusOr<SlidePlan> SlidePlanner::Plan(const SlideInput& input) const {
  const std::string& path = input.file();
  CYTO8_ASSIGN_OR_RETURN(const OpenedImage image,
                         OpenImage(*files_, path, options_.limits));
  if (image.rows) return Annotate(PlanOf(*image.rows, input), path);
  std::unique_ptr<SlideTiles> tiles;
  return Annotate(PlanOf(*image.slide, tiles, input), path);
}

StatusOr<OpenedSlide> SlidePlanner::Open(
    const SlideInput& input, const std::vector<int64_t>* background) const {
  const std::string& path = input.file();
  CYTO8_ASSIGN_OR_RETURN(OpenedImage image,
                         OpenImage(*files_, path, options_.limits));
  return Annotate(image.rows
                      ? OpenRowsOf(std::move(image.rows), input)
                      : OpenSlideOf(std::move(image.slide), input, background),
                  path);
}

StatusOr<OpenedSlide> SlidePlanner::OpenRowsOf(std::unique_ptr<RowSource> rows,
                                               const SlideInput& input) const {
  OpenedSlide slide;
  CYTO8_ASSIGN_OR_RETURN(slide.plan, PlanOf(*rows, input));
  auto seconds = std::make_unique<ScaledRowSeconds>();
  CYTO8_ASSIGN_OR_RETURN(
      rows, ScaledRows(std::move(rows), slide.plan.scaled_width_px,
                       slide.plan.scaled_height_px, *seconds, options_.limits));
  CYTO8_ASSIGN_OR_RETURN(
      std::unique_ptr<TileCutter> cutter,
      TileCutter::Create(std::move(rows), slide.plan.tiles, options_.limits));
  slide.tiles =
      std::make_unique<RowTiles>(std::move(seconds), std::move(cutter),
                                 slide.plan.ratio_x(), slide.plan.ratio_y());
  slide.turns = TurnsOf(slide.plan, slide.background);
  return slide;
}

StatusOr<OpenedSlide> SlidePlanner::OpenSlideOf(
    std::unique_ptr<SlideReader> reader, const SlideInput& input,
    const std::vector<int64_t>* background) const {
  OpenedSlide slide;
  std::unique_ptr<SlideTiles> tiles;
  CYTO8_ASSIGN_OR_RETURN(slide.plan, PlanOf(*reader, tiles, input));
  SlideReader& blocks = *reader;
  auto source = std::make_unique<SlideTileSource>(
      std::move(reader), std::move(tiles), slide.plan.tiles);
  const SlideTileSource& scaled = *source;
  slide.tiles = std::move(source);
  if (background == nullptr) {
    CYTO8_RETURN_IF_ERROR(Survey(blocks, scaled, slide));
  } else {
    slide.background = *background;
    slide.turns = TurnsOf(slide.plan, slide.background);
  }
  return slide;
}

// What is background, and the order of the rest.
Status SlidePlanner::Survey(SlideReader& reader, const SlideTileSource& scaled,
                            OpenedSlide& slide) const {
  const SlidePlan& plan = slide.plan;
  std::optional<SlideSurvey> survey;
  if (options_.skip_background || options_.darkest_first) {
    CYTO8_ASSIGN_OR_RETURN(
        survey, SlideSurvey::Make(reader, plan.mpp.value, options_.limits));
  }
  for (int64_t i = 0; options_.skip_background && i < std::ssize(plan.tiles);
       ++i) {
    if (!scaled.HasPixels(i) ||
        (survey && survey->IsBackground(scaled.OnLevelZero(i)))) {
      slide.background.push_back(i);
    }
  }
  slide.turns = TurnsOf(plan, slide.background);
  if (survey && options_.darkest_first) {
    DarkestFirst(*survey, scaled, slide.turns);
    slide.is_ranked = true;
  }
  return OkStatus();
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

StatusOr<SlidePlan> SlidePlanner::PlanOf(SlideReader& slide,
                                         std::unique_ptr<SlideTiles>& tiles,
                                         const SlideInput& input) const {
  if (options_.mode == TilingMode::kResize) {
    return InvalidArgument("tiling.mode = resize: a slide needs tiles");
  }
  const SlideInfo& info = slide.info();
  SlidePlan plan = {.width_px = info.levels.front().width_px,
                    .height_px = info.levels.front().height_px,
                    .focal_planes = info.focal_planes,
                    .is_slide = true};
  CYTO8_ASSIGN_OR_RETURN(
      plan.mpp,
      ResolveMpp(input.hints.flag, input.hints.side_file, info.um_per_px));
  if (plan.mpp.source == "file") plan.mpp.source = info.mpp_source;
  CYTO8_RETURN_IF_ERROR(CheckScale(plan.mpp.value));
  CYTO8_ASSIGN_OR_RETURN(
      tiles, SlideTiles::Create(slide, {.um_per_px = plan.mpp.value,
                                        .target_um_per_px = options_.model_mpp,
                                        .cache_bytes = kSlideCacheBytes,
                                        .limits = options_.limits}));
  plan.scaled_width_px = tiles->width_px();
  plan.scaled_height_px = tiles->height_px();
  plan.decoder_bytes = kSlideCacheBytes + slide.memory_bytes();
  CYTO8_RETURN_IF_ERROR(PlaceTiles(input, plan));
  for (const Tile& tile : plan.tiles) {
    plan.source_bytes = std::max(plan.source_bytes, tiles->SourceBytes(tile));
  }
  return plan;
}

Status SlidePlanner::ScaleToModel(const SlideInput& input,
                                  SlidePlan& plan) const {
  const Limits& limits = options_.limits;
  CYTO8_RETURN_IF_ERROR(CheckScale(plan.mpp.value));
  CYTO8_ASSIGN_OR_RETURN(
      plan.scaled_width_px,
      ResampledSide(plan.width_px, plan.mpp.value, options_.model_mpp, limits));
  CYTO8_ASSIGN_OR_RETURN(plan.scaled_height_px,
                         ResampledSide(plan.height_px, plan.mpp.value,
                                       options_.model_mpp, limits));
  return PlaceTiles(input, plan);
}

Status SlidePlanner::CheckScale(double um_per_px) const {
  return CheckRange("um/px", um_per_px, kMinMpp,
                    kMaxEnlargement * options_.model_mpp);
}

Status SlidePlanner::PlaceTiles(const SlideInput& input,
                                SlidePlan& plan) const {
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
                         TilesOfAreas(areas, options_.grid, options_.limits));
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
