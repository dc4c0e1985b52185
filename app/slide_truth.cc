// SPDX-License-Identifier: Apache-2.0
// The truth of a made-up slide; see slide_truth.h.
#include "app/slide_truth.h"

#include <fmt/format.h>

#include <optional>

#include "app/json_text.h"
#include "base/numbers.h"
#include "base/version.h"

namespace cyto8 {
namespace {

constexpr int64_t kImageId = 1;

// Puts commas between the entries of a list, one a line.
class ListWriter {
 public:
  explicit ListWriter(const Sink& sink) : sink_(&sink) {}

  Status Begin(std::string_view name) {
    is_first_ = true;
    return (*sink_)(fmt::format(",\n{}: [", JsonText(name)));
  }
  Status Add(std::string_view entry) {
    const std::string line = (is_first_ ? "\n " : ",\n ") + std::string(entry);
    is_first_ = false;
    return (*sink_)(line);
  }
  Status End() { return (*sink_)("]"); }

 private:
  const Sink* sink_;
  bool is_first_ = true;
};

std::string Settings(const SlideTruth& truth) {
  std::string seams;
  for (const int64_t seam_px : truth.scene.seams_px) {
    seams += (seams.empty() ? "" : ", ") + std::to_string(seam_px);
  }
  return fmt::format(
      "{{\"levels\": {}, \"tile_px\": {}, \"density\": {}, \"seed\": {}, "
      "\"seam_px\": [{}], \"quality\": {}}}",
      truth.levels.size(), truth.levels[0].block_width_px,
      FormatShortest(truth.scene.density), truth.scene.seed, seams,
      truth.quality);
}

std::string Head(const SlideTruth& truth, const FieldList& list) {
  return fmt::format(
      "{{\"info\": {{\"description\": {}, \"synthetic\": true, \"program\": "
      "\"cyto8 {}\", \"notice\": {}, \"attribution\": {}}},\n"
      "\"format\": \"cyto8-made-slide\", \"version\": 1, \"settings\": {},\n"
      "\"images\": [\n {{\"id\": {}, \"file_name\": {}, \"width\": {}, "
      "\"height\": {}, \"um_per_px\": {}}}]",
      JsonText(truth.statement), kVersion, JsonText(kResearchNotice),
      JsonText(list.attribution), Settings(truth), kImageId,
      JsonText(truth.file_name), truth.levels[0].width_px,
      truth.levels[0].height_px, FormatShortest(truth.um_per_px));
}

std::string Number(double value) { return FormatFixed(value, kBoxDecimals); }

std::string CellText(int64_t id, int64_t placement_id,
                     const Placement& placement, const SourceField& field,
                     const FieldCell& cell) {
  return fmt::format(
      "{{\"id\": {}, \"image_id\": {}, \"category_id\": {}, \"bbox\": [{}, {}, "
      "{}, {}], \"area\": {}, \"iscrowd\": {}, \"placement\": {}, "
      "\"source\": {}, \"source_id\": {}}}",
      id, kImageId, cell.class_id,
      Number(static_cast<double>(placement.x_px) + cell.box.x_min),
      Number(static_cast<double>(placement.y_px) + cell.box.y_min),
      Number(cell.box.width()), Number(cell.box.height()), Number(cell.area),
      cell.is_crowd ? 1 : 0, placement_id, JsonText(field.file_name),
      cell.truth_id);
}

std::string SeamText(const CellSeam& seam) {
  return fmt::format(
      ", \"seam\": {{\"axis\": \"{}\", \"period_px\": {}, \"at_px\": {}, "
      "\"source_id\": {}}}",
      seam.vertical ? "x" : "y", seam.period_px, seam.at_px, seam.truth_id);
}

std::string PlacementText(int64_t id, const Placement& placement,
                          const SourceField& field) {
  return fmt::format(
      "{{\"id\": {}, \"source\": {}, \"source_image_id\": {}, "
      "\"source_um_per_px\": {}, \"x\": {}, \"y\": {}, \"width\": {}, "
      "\"height\": {}{}}}",
      id, JsonText(field.file_name), field.image_id,
      FormatShortest(field.um_per_px), placement.x_px, placement.y_px,
      field.width_px, field.height_px,
      placement.seam ? SeamText(*placement.seam) : "");
}

std::string DamageText(const DamageRecord& record) {
  std::string tiles;
  for (const BlockId& block : record.blocks) {
    tiles += fmt::format("{}{{\"level\": {}, \"column\": {}, \"row\": {}}}",
                         tiles.empty() ? "" : ", ", block.level, block.column,
                         block.row);
  }
  return fmt::format(
      "{{\"kind\": \"{}\", \"begin_byte\": {}, \"end_byte\": {}, \"tiles\": "
      "[{}]}}",
      DamageName(record.kind), record.begin, record.end, tiles);
}

// Calls visit(id, placement, field) for each field on the slide; ids from 1.
template <typename Visit>
Status ForEachPlacement(const SlideScene& scene, const Visit& visit) {
  int64_t id = 0;
  for (int64_t i = 0; i < scene.slots(); ++i) {
    const std::optional<Placement> placement = scene.At(i);
    if (!placement) continue;
    CYTO8_RETURN_IF_ERROR(
        visit(++id, *placement,
              scene.fields()[static_cast<size_t>(placement->field)]));
  }
  return OkStatus();
}

Status WriteCells(const SlideScene& scene, ListWriter& list) {
  CYTO8_RETURN_IF_ERROR(list.Begin("annotations"));
  int64_t id = 0;
  const auto add = [&](int64_t placement_id, const Placement& placement,
                       const SourceField& field) -> Status {
    for (const FieldCell& cell : field.cells) {
      CYTO8_RETURN_IF_ERROR(
          list.Add(CellText(++id, placement_id, placement, field, cell)));
    }
    return OkStatus();
  };
  CYTO8_RETURN_IF_ERROR(ForEachPlacement(scene, add));
  return list.End();
}

Status WritePlacements(const SlideScene& scene, ListWriter& list) {
  CYTO8_RETURN_IF_ERROR(list.Begin("placements"));
  const auto add = [&](int64_t id, const Placement& placement,
                       const SourceField& field) {
    return list.Add(PlacementText(id, placement, field));
  };
  CYTO8_RETURN_IF_ERROR(ForEachPlacement(scene, add));
  return list.End();
}

}  // namespace

SceneCount CountOf(const SlideScene& scene) {
  SceneCount count;
  for (int64_t i = 0; i < scene.slots(); ++i) {
    const std::optional<Placement> placement = scene.At(i);
    if (!placement) continue;
    ++count.fields;
    count.cells += static_cast<int64_t>(
        scene.fields()[static_cast<size_t>(placement->field)].cells.size());
  }
  return count;
}

Status WriteSlideTruth(const SlideTruth& truth, const FieldList& list,
                       const SlideScene& scene, const Sink& sink) {
  CYTO8_RETURN_IF_ERROR(sink(Head(truth, list)));
  ListWriter writer(sink);
  CYTO8_RETURN_IF_ERROR(writer.Begin("categories"));
  for (const EvalClass& one : list.classes) {
    CYTO8_RETURN_IF_ERROR(writer.Add(fmt::format("{{\"id\": {}, \"name\": {}}}",
                                                 one.id, JsonText(one.name))));
  }
  CYTO8_RETURN_IF_ERROR(writer.End());
  CYTO8_RETURN_IF_ERROR(WriteCells(scene, writer));
  CYTO8_RETURN_IF_ERROR(WritePlacements(scene, writer));
  CYTO8_RETURN_IF_ERROR(writer.Begin("damage"));
  for (const DamageRecord& record : truth.damage) {
    CYTO8_RETURN_IF_ERROR(writer.Add(DamageText(record)));
  }
  CYTO8_RETURN_IF_ERROR(writer.End());
  return sink("}\n");
}

}  // namespace cyto8
