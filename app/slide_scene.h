// SPDX-License-Identifier: Apache-2.0
// Where fields lie on a made-up slide, and its pixels. Any place can be asked
// for by itself: nothing is kept for a slide, however large. Tested by
// tests/app/slide_scene_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/field_list.h"
#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

struct SceneOptions {
  int64_t width_px = 0;
  int64_t height_px = 0;
  double density = 0.7;  // the share of slots that have a field.
  uint64_t seed = 0;
  // Distances of the seams that cells shall lie on, from 0 on: of the file's
  // tiles, of the network's. May be empty.
  std::vector<int64_t> seams_px = {};
  Limits limits = {};
};

// The seam that goes through a cell: a vertical line x = at_px, or a horizontal
// one, at most half a pixel from the cell's centre.
struct CellSeam {
  bool vertical = true;
  int64_t period_px = 0;
  int64_t at_px = 0;
  int64_t truth_id = 0;  // of the cell in the truth of the fields.
};

// A field on the slide: its top left pixel.
struct Placement {
  int64_t field = 0;  // its index in the list.
  int64_t x_px = 0;
  int64_t y_px = 0;
  std::optional<CellSeam> seam = std::nullopt;
};

// The slide is divided into equal slots, each as wide and high as the largest
// field and the widest distance of seams together, or larger. A slot is empty
// or has one field, whole, at any offset. Since there is room for the widest
// distance, a field with cells can always be shifted so that a cell that was
// drawn lies on a seam that was drawn; and every one is. Immutable.
class SlideScene {
 public:
  // kInvalidArgument if the slide has no room for a slot, or an option is out
  // of its range. `fields` has at least one and outlives the scene.
  static StatusOr<SlideScene> Create(const std::vector<SourceField>& fields,
                                     const SceneOptions& options);

  int64_t slots() const { return columns_ * rows_; }
  // In [0, slots()), row by row. Nothing if the slot is empty.
  std::optional<Placement> At(int64_t slot) const;
  // Those of the slots that share pixels with the area, which lies on the
  // slide.
  std::vector<Placement> Within(int64_t x_px, int64_t y_px, int64_t width_px,
                                int64_t height_px) const;
  const std::vector<SourceField>& fields() const { return *fields_; }
  uint64_t seed() const { return seed_; }

 private:
  SlideScene() = default;
  int64_t FieldOf(int64_t column, int64_t row) const;

  const std::vector<SourceField>* fields_ = nullptr;
  std::vector<int64_t> order_;  // fields as they are drawn.
  std::vector<int64_t> seams_px_;
  double density_ = 0;
  uint64_t seed_ = 0;
  int64_t columns_ = 0;
  int64_t rows_ = 0;
  int64_t pitch_x_px_ = 0;
  int64_t pitch_y_px_ = 0;
};

// Level 0 of the scene: fields on glass of one colour with soft noise. Belongs
// to one thread.
class ScenePainter {
 public:
  // Both outlive it.
  ScenePainter(const SlideScene& scene, FieldPixels& pixels, Rgb glass);

  // All of dst from (x_px, y_px) on. Fails as FieldPixels does.
  Status Paint(int64_t x_px, int64_t y_px, Image& dst);

 private:
  void PaintGlass(int64_t x_px, int64_t y_px, Image& dst) const;

  const SlideScene* scene_;
  FieldPixels* pixels_;
  std::vector<uint8_t> glass_;  // a square of kGlassSide pixels.
};

}  // namespace cyto8
