// SPDX-License-Identifier: Apache-2.0
// Regions of interest; see roi_list.h.
#include "tiling/roi_list.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <tuple>

#include "base/checked_math.h"
#include "base/csv_reader.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr double kMaxPlace = 1e9;  // of a corner, and of a side.
constexpr std::array<std::string_view, 4> kNumbers = {"x", "y", "w", "h"};

// Where the columns of the header are: the name, then kNumbers.
struct Columns {
  size_t name = 0;
  std::array<size_t, 4> numbers = {};
};

StatusOr<Columns> FindColumns(const CsvReader& reader) {
  Columns columns;
  std::optional<size_t> found = reader.ColumnOf({"file_name", "path"});
  if (found) columns.name = *found;
  for (size_t i = 0; i < kNumbers.size() && found; ++i) {
    found = reader.ColumnOf({kNumbers[i]});
    if (found) columns.numbers[i] = *found;
  }
  if (found) return columns;
  return InvalidArgument(
      "line 1: must name the columns file_name (or path), x, y, w and h");
}

StatusOr<Region> ReadRegion(const CsvReader& reader, const Columns& columns) {
  std::array<double, 4> values = {};
  for (size_t i = 0; i < values.size(); ++i) {
    const bool is_side = i >= 2;
    CYTO8_ASSIGN_OR_RETURN(
        values[i], Annotate(ParseDouble(reader.cell(columns.numbers[i])),
                            reader.place() + ": " + std::string(kNumbers[i])));
    CYTO8_RETURN_IF_ERROR(Annotate(
        CheckRange(kNumbers[i], values[i], is_side ? 1 : -kMaxPlace, kMaxPlace),
        reader.place()));
  }
  return Region{.box = {.x_min = values[0],
                        .y_min = values[1],
                        .x_max = values[0] + values[2],
                        .y_max = values[1] + values[3]},
                .line = reader.line()};
}

// Whole pixels of one axis.
struct Extent {
  int64_t begin = 0;
  int64_t end = 0;
};

// Cut to the image at full resolution, then scaled and rounded outwards; empty
// if nothing is left.
Extent PlaceAxis(double low, double high, int64_t full_px, int64_t side_px) {
  const auto full = static_cast<double>(full_px);
  const double ratio = static_cast<double>(side_px) / full;
  const double begin = std::clamp(low, 0.0, full);
  const double end = std::clamp(high, 0.0, full);
  if (begin >= end) return {};
  return {
      .begin = static_cast<int64_t>(std::floor(begin * ratio)),
      .end = std::min(static_cast<int64_t>(std::ceil(end * ratio)), side_px)};
}

std::string ToText(const Box& box) {
  return "[" + FormatShortest(box.x_min) + ", " + FormatShortest(box.x_max) +
         ") x [" + FormatShortest(box.y_min) + ", " +
         FormatShortest(box.y_max) + ")";
}

bool TileBefore(const Tile& a, const Tile& b) {
  return std::tie(a.y_px, a.x_px, a.height_px, a.width_px) <
         std::tie(b.y_px, b.x_px, b.height_px, b.width_px);
}

}  // namespace

StatusOr<RoiList> RoiList::Parse(std::span<const std::byte> bytes,
                                 const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("size in bytes", std::ssize(bytes), 1,
                                   limits.max_truth_bytes));
  CYTO8_ASSIGN_OR_RETURN(
      CsvReader reader,
      CsvReader::Create(
          {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  CYTO8_ASSIGN_OR_RETURN(const Columns columns, FindColumns(reader));
  RoiList list;
  while (true) {
    CYTO8_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more) return list;
    const std::string& name = reader.cell(columns.name);
    CYTO8_RETURN_IF_ERROR(Annotate(list.names_.Add(name), reader.place()));
    CYTO8_ASSIGN_OR_RETURN(const Region region, ReadRegion(reader, columns));
    list.regions_[name].push_back(region);
  }
}

StatusOr<std::vector<Region>> RoiList::Find(
    std::string_view relative_path) const {
  CYTO8_ASSIGN_OR_RETURN(const std::string* name, names_.Find(relative_path));
  if (name == nullptr) return std::vector<Region>();
  return regions_.find(*name)->second;
}

StatusOr<std::vector<PixelArea>> PlaceRegions(
    const std::vector<Region>& regions, const ImageSides& image) {
  std::vector<PixelArea> areas;
  for (const Region& region : regions) {
    const Extent x = PlaceAxis(region.box.x_min, region.box.x_max,
                               image.full_width_px, image.width_px);
    const Extent y = PlaceAxis(region.box.y_min, region.box.y_max,
                               image.full_height_px, image.height_px);
    if (x.begin == x.end || y.begin == y.end) {
      return InvalidArgument("line " + std::to_string(region.line) +
                             ": region " + ToText(region.box) +
                             ": must reach into the image of " +
                             std::to_string(image.full_width_px) + " x " +
                             std::to_string(image.full_height_px) + " px");
    }
    areas.push_back({.x_px = x.begin,
                     .y_px = y.begin,
                     .width_px = x.end - x.begin,
                     .height_px = y.end - y.begin});
  }
  return areas;
}

StatusOr<std::vector<Tile>> TilesOfAreas(const std::vector<PixelArea>& areas,
                                         const TileGridOptions& options,
                                         const Limits& limits) {
  std::vector<Tile> tiles;
  for (const PixelArea& area : areas) {
    CYTO8_ASSIGN_OR_RETURN(
        const TileGrid grid,
        TileGrid::Create(area.width_px, area.height_px, options, limits));
    CYTO8_RETURN_IF_ERROR(CheckRange("tiles", std::ssize(tiles) + grid.size(),
                                     1, limits.max_tiles));
    for (int64_t i = 0; i < grid.size(); ++i) {
      Tile tile = grid.At(i);
      tile.x_px += area.x_px;
      tile.y_px += area.y_px;
      tiles.push_back(tile);
    }
  }
  std::sort(tiles.begin(), tiles.end(), TileBefore);
  tiles.erase(std::unique(tiles.begin(), tiles.end()), tiles.end());
  return tiles;
}

}  // namespace cyto8
