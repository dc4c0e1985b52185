// SPDX-License-Identifier: Apache-2.0
// Slots and pixels; see slide_scene.h.
#include "app/slide_scene.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/seeded_draw.h"
#include "base/checked_math.h"

namespace cyto8 {
namespace {

// A prime, so that noise and tiles do not repeat together.
constexpr int64_t kGlassSide = 251;
// The fields of a row of slots are at most so many, so that their pixels can
// be kept.
constexpr int64_t kFieldsOfRow = 32;

// A draw of its own for each slot.
SeededDraw DrawOf(uint64_t seed, int64_t slot) {
  SeededDraw draw(seed);
  return SeededDraw(draw.Next() ^
                    SeededDraw(static_cast<uint64_t>(slot)).Next());
}

std::vector<int64_t> Shuffled(int64_t count, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  SeededDraw draw(~seed);
  for (int64_t i = count - 1; i > 0; --i) {
    std::swap(order[static_cast<size_t>(i)],
              order[static_cast<size_t>(draw.Below(i + 1))]);
  }
  return order;
}

// The offset in [0, room] that brings `centre` of slot and field together onto
// a multiple of `period`, one of those that there are. room >= period.
int64_t OffsetOnto(int64_t period, int64_t centre, int64_t room,
                   SeededDraw& draw) {
  const int64_t first = (period - centre % period) % period;
  return first + period * draw.Below((room - first) / period + 1);
}

int64_t CentreOf(double min, double max) {
  return static_cast<int64_t>(std::floor((min + max) / 2 + 0.5));
}

Status CheckRoom(const char* name, int64_t side_px, int64_t needed_px,
                 const Limits& limits) {
  const Status status =
      CheckRange(name, side_px, needed_px, limits.max_side_px);
  if (status.ok() || side_px > limits.max_side_px) return status;
  return InvalidArgument(status.message() +
                         ": the largest field and the widest seam distance "
                         "must fit");
}

Status CheckOptions(const SceneOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckRange("density", options.density, 0, 1));
  for (const int64_t seam_px : options.seams_px) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("seam_px", seam_px, 2, options.limits.max_side_px));
  }
  return OkStatus();
}

// Values in about [-8, 8]: means of 3 x 3 drawn ones.
std::vector<int> SoftNoise(uint64_t seed) {
  constexpr int64_t kReach = 1;
  constexpr int kWeakening = 48;
  SeededDraw draw(seed);
  std::vector<int> rough(kGlassSide * kGlassSide);
  for (int& value : rough) value = static_cast<int>(draw.Below(129)) - 64;
  std::vector<int> soft;
  for (int64_t y = 0; y < kGlassSide; ++y) {
    for (int64_t x = 0; x < kGlassSide; ++x) {
      int sum = 0;
      for (int64_t i = kGlassSide - kReach; i <= kGlassSide + kReach; ++i) {
        for (int64_t j = kGlassSide - kReach; j <= kGlassSide + kReach; ++j) {
          sum += rough[static_cast<size_t>((y + i) % kGlassSide * kGlassSide +
                                           (x + j) % kGlassSide)];
        }
      }
      soft.push_back(sum / kWeakening);
    }
  }
  return soft;
}

void CopyInto(const Placement& placement, const ImageView& field, int64_t x_px,
              int64_t y_px, Image& dst) {
  const int64_t x_min = std::max(x_px, placement.x_px);
  const int64_t y_min = std::max(y_px, placement.y_px);
  const int64_t x_max =
      std::min(x_px + dst.width_px(), placement.x_px + field.width_px);
  const int64_t y_max =
      std::min(y_px + dst.height_px(), placement.y_px + field.height_px);
  for (int64_t y = y_min; x_min < x_max && y < y_max; ++y) {
    std::copy_n(
        field.Row(y - placement.y_px) + (x_min - placement.x_px) * kRgbChannels,
        (x_max - x_min) * kRgbChannels,
        dst.MutableRow(y - y_px) + (x_min - x_px) * kRgbChannels);
  }
}

}  // namespace

StatusOr<SlideScene> SlideScene::Create(const std::vector<SourceField>& fields,
                                        const SceneOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  int64_t width_px = 0;
  int64_t height_px = 0;
  for (const SourceField& field : fields) {
    width_px = std::max(width_px, field.width_px);
    height_px = std::max(height_px, field.height_px);
  }
  int64_t room_px = 0;
  for (const int64_t seam_px : options.seams_px) {
    room_px = std::max(room_px, seam_px);
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRoom("width", options.width_px, width_px + room_px, options.limits));
  CYTO8_RETURN_IF_ERROR(CheckRoom("height", options.height_px,
                                  height_px + room_px, options.limits));
  SlideScene scene;
  scene.fields_ = &fields;
  scene.order_ = Shuffled(static_cast<int64_t>(fields.size()), options.seed);
  scene.seams_px_ = options.seams_px;
  scene.density_ = options.density;
  scene.seed_ = options.seed;
  scene.columns_ = options.width_px / (width_px + room_px);
  scene.rows_ = options.height_px / (height_px + room_px);
  scene.pitch_x_px_ = options.width_px / scene.columns_;
  scene.pitch_y_px_ = options.height_px / scene.rows_;
  return scene;
}

// Row after row, each field as often as the others; in a row at most
// kFieldsOfRow of them.
int64_t SlideScene::FieldOf(int64_t column, int64_t row) const {
  const int64_t in_row = std::min(columns_, kFieldsOfRow);
  const int64_t drawn = row * in_row + column % in_row;
  return order_[static_cast<size_t>(drawn %
                                    static_cast<int64_t>(order_.size()))];
}

std::optional<Placement> SlideScene::At(int64_t slot) const {
  const int64_t column = slot % columns_;
  const int64_t row = slot / columns_;
  SeededDraw draw = DrawOf(seed_, slot);
  if (draw.Share() >= density_) return std::nullopt;
  Placement placement = {.field = FieldOf(column, row)};
  const SourceField& field = (*fields_)[static_cast<size_t>(placement.field)];
  const int64_t slot_x = column * pitch_x_px_;
  const int64_t slot_y = row * pitch_y_px_;
  const int64_t room_x = pitch_x_px_ - field.width_px;
  const int64_t room_y = pitch_y_px_ - field.height_px;
  placement.x_px = slot_x + draw.Below(room_x + 1);
  placement.y_px = slot_y + draw.Below(room_y + 1);
  if (seams_px_.empty() || field.cells.empty()) return placement;
  const int64_t period = seams_px_[static_cast<size_t>(
      draw.Below(static_cast<int64_t>(seams_px_.size())))];
  const FieldCell& cell = field.cells[static_cast<size_t>(
      draw.Below(static_cast<int64_t>(field.cells.size())))];
  CellSeam seam = {.vertical = draw.Below(2) == 0,
                   .period_px = period,
                   .truth_id = cell.truth_id};
  if (seam.vertical) {
    const int64_t centre = CentreOf(cell.box.x_min, cell.box.x_max);
    placement.x_px = slot_x + OffsetOnto(period, slot_x + centre, room_x, draw);
    seam.at_px = placement.x_px + centre;
  } else {
    const int64_t centre = CentreOf(cell.box.y_min, cell.box.y_max);
    placement.y_px = slot_y + OffsetOnto(period, slot_y + centre, room_y, draw);
    seam.at_px = placement.y_px + centre;
  }
  placement.seam = seam;
  return placement;
}

std::vector<Placement> SlideScene::Within(int64_t x_px, int64_t y_px,
                                          int64_t width_px,
                                          int64_t height_px) const {
  std::vector<Placement> found;
  const int64_t last_column =
      std::min((x_px + width_px - 1) / pitch_x_px_, columns_ - 1);
  const int64_t last_row =
      std::min((y_px + height_px - 1) / pitch_y_px_, rows_ - 1);
  for (int64_t row = y_px / pitch_y_px_; row <= last_row; ++row) {
    for (int64_t i = x_px / pitch_x_px_; i <= last_column; ++i) {
      const std::optional<Placement> placement = At(row * columns_ + i);
      if (placement) found.push_back(*placement);
    }
  }
  return found;
}

ScenePainter::ScenePainter(const SlideScene& scene, FieldPixels& pixels,
                           Rgb glass)
    : scene_(&scene), pixels_(&pixels) {
  for (const int noise : SoftNoise(scene.seed())) {
    for (const uint8_t value : {glass.red, glass.green, glass.blue}) {
      glass_.push_back(static_cast<uint8_t>(std::clamp(value + noise, 0, 255)));
    }
  }
}

Status ScenePainter::Paint(int64_t x_px, int64_t y_px, Image& dst) {
  PaintGlass(x_px, y_px, dst);
  for (const Placement& placement :
       scene_->Within(x_px, y_px, dst.width_px(), dst.height_px())) {
    CYTO8_ASSIGN_OR_RETURN(const std::shared_ptr<const Image> field,
                           pixels_->Of(placement.field));
    CopyInto(placement, field->view(), x_px, y_px, dst);
  }
  return OkStatus();
}

void ScenePainter::PaintGlass(int64_t x_px, int64_t y_px, Image& dst) const {
  for (int64_t y = 0; y < dst.height_px(); ++y) {
    const uint8_t* row =
        glass_.data() + (y_px + y) % kGlassSide * kGlassSide * kRgbChannels;
    uint8_t* out = dst.MutableRow(y);
    for (int64_t x = 0; x < dst.width_px();) {
      const int64_t from = (x_px + x) % kGlassSide;
      const int64_t count = std::min(dst.width_px() - x, kGlassSide - from);
      std::copy_n(row + from * kRgbChannels, count * kRgbChannels,
                  out + x * kRgbChannels);
      x += count;
    }
  }
}

}  // namespace cyto8
