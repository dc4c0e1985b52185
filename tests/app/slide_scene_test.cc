// SPDX-License-Identifier: Apache-2.0
// Tests of app/slide_scene.h: fields lie whole in their slots, cells on seams,
// and any part is painted as the whole is.
#include "app/slide_scene.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "app/seeded_draw.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

// Published test vector of SplitMix64.
TEST(SeededDrawTest, IsSplitMix64) {
  SeededDraw draw(1234567);
  EXPECT_EQ(draw.Next(), 6457827717110365317u);
  EXPECT_EQ(draw.Next(), 3203168211198807973u);
}

constexpr Rgb kGlass = {.red = 220, .green = 225, .blue = 230};

class SlideSceneTest : public testing::Test {
 protected:
  SlideSceneTest() {
    PutPng(folder_, "a.png", MakeTestImage(60, 40).view());
    PutPng(folder_, "b.png", MakeTestImage(50, 45).view());
    Add("a.png", 60, 40,
        {{.truth_id = 11, .box = {3, 4, 14, 15}},
         {.truth_id = 12, .box = {40.5, 20, 52, 31}}});
    Add("b.png", 50, 45, {{.truth_id = 21, .box = {-3, 30, 8, 44}}});
    Add("b.png", 50, 45, {});
  }
  void Add(const std::string& name, int64_t width_px, int64_t height_px,
           std::vector<FieldCell> cells) {
    fields_.push_back({.file_name = name,
                       .path = folder_.PathOf(name),
                       .um_per_px = 0.5,
                       .width_px = width_px,
                       .height_px = height_px,
                       .cells = std::move(cells)});
  }
  SlideScene Scene(const SceneOptions& options) const {
    return SlideScene::Create(fields_, options).value();
  }
  std::string Refusal(const SceneOptions& options) const {
    return SlideScene::Create(fields_, options).status().message();
  }

  TemporaryFolder folder_;
  std::vector<SourceField> fields_;
};

const FieldCell& CellOf(const SourceField& field, int64_t truth_id) {
  return *std::ranges::find(field.cells, truth_id, &FieldCell::truth_id);
}

TEST_F(SlideSceneTest, FieldsAreWholeApartAndHaveACellOnASeam) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    const SlideScene scene = Scene({.width_px = 1030,
                                    .height_px = 990,
                                    .density = 1,
                                    .seed = seed,
                                    .seams_px = {32, 48}});
    std::vector<std::pair<Box, int64_t>> placed;
    std::set<std::pair<bool, int64_t>> kinds;
    for (int64_t i = 0; i < scene.slots(); ++i) {
      const Placement placement = scene.At(i).value();
      const SourceField& field = fields_[static_cast<size_t>(placement.field)];
      const Box box = {
          .x_min = static_cast<double>(placement.x_px),
          .y_min = static_cast<double>(placement.y_px),
          .x_max = static_cast<double>(placement.x_px + field.width_px),
          .y_max = static_cast<double>(placement.y_px + field.height_px)};
      EXPECT_GE(box.x_min, 0);
      EXPECT_GE(box.y_min, 0);
      EXPECT_LE(box.x_max, 1030);
      EXPECT_LE(box.y_max, 990);
      for (const auto& [other, unused] : placed) {
        EXPECT_EQ(IntersectionArea(box, other), 0);
      }
      placed.emplace_back(box, i);
      EXPECT_EQ(placement.seam.has_value(), !field.cells.empty());
      if (!placement.seam) continue;
      const CellSeam& seam = *placement.seam;
      const Box& cell = CellOf(field, seam.truth_id).box;
      EXPECT_EQ(seam.at_px % seam.period_px, 0);
      const double centre = seam.vertical
                                ? box.x_min + (cell.x_min + cell.x_max) / 2
                                : box.y_min + (cell.y_min + cell.y_max) / 2;
      EXPECT_LE(std::abs(centre - static_cast<double>(seam.at_px)), 0.5);
      kinds.emplace(seam.vertical, seam.period_px);
    }
    EXPECT_EQ(kinds.size(), 4u);  // both axes, both distances.
  }
}

TEST_F(SlideSceneTest, DensityIsTheShareOfSlots) {
  for (const double density : {0.0, 0.3, 1.0}) {
    const SlideScene scene =
        Scene({.width_px = 6000, .height_px = 4500, .density = density});
    int64_t filled = 0;
    for (int64_t i = 0; i < scene.slots(); ++i) filled += scene.At(i) ? 1 : 0;
    EXPECT_EQ(scene.slots(), 100 * 100);
    EXPECT_NEAR(static_cast<double>(filled) / 10000, density, 0.02);
  }
}

TEST_F(SlideSceneTest, EachFieldComesEquallyOften) {
  const SlideScene scene =
      Scene({.width_px = 600, .height_px = 405, .density = 1});
  std::map<int64_t, int64_t> counts;
  for (int64_t i = 0; i < scene.slots(); ++i) ++counts[scene.At(i)->field];
  EXPECT_EQ(scene.slots(), 90);
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(counts[i], 30) << i;
}

TEST_F(SlideSceneTest, AnyPartIsPaintedAsTheWholeIs) {
  const SlideScene scene =
      Scene({.width_px = 400, .height_px = 300, .seed = 3, .seams_px = {32}});
  FieldPixels pixels(RealFileSystem(), fields_);
  ScenePainter painter(scene, pixels, kGlass);
  Image whole = Image::Create(400, 300).value();
  ASSERT_TRUE(painter.Paint(0, 0, whole).ok());
  Image part = Image::Create(61, 37).value();
  for (int64_t y = 0; y + 37 <= 300; y += 29) {
    for (int64_t x = 0; x + 61 <= 400; x += 23) {
      ASSERT_TRUE(painter.Paint(x, y, part).ok());
      for (int64_t i = 0; i < 37; ++i) {
        ASSERT_TRUE(std::equal(part.view().Row(i), part.view().Row(i) + 61 * 3,
                               whole.view().Row(y + i) + x * 3));
      }
    }
  }
}

TEST_F(SlideSceneTest, FieldsStandWhereTheyArePlacedOnSoftGlass) {
  const SlideScene scene =
      Scene({.width_px = 400, .height_px = 300, .density = 0.5, .seed = 4});
  FieldPixels pixels(RealFileSystem(), fields_);
  ScenePainter painter(scene, pixels, kGlass);
  Image whole = Image::Create(400, 300).value();
  ASSERT_TRUE(painter.Paint(0, 0, whole).ok());
  std::vector<bool> covered(400 * 300);
  for (const Placement& placement : scene.Within(0, 0, 400, 300)) {
    const ImageView field = pixels.Of(placement.field).value()->view();
    for (int64_t y = 0; y < field.height_px; ++y) {
      for (int64_t x = 0; x < field.width_px; ++x) {
        const int64_t at_x = placement.x_px + x;
        const int64_t at_y = placement.y_px + y;
        ASSERT_EQ(whole.view().At(at_x, at_y), field.At(x, y));
        covered[static_cast<size_t>(at_y * 400 + at_x)] = true;
      }
    }
  }
  std::set<int> values;
  for (int64_t i = 0; i < 400 * 300; ++i) {
    if (covered[static_cast<size_t>(i)]) continue;
    const Rgb pixel = whole.view().At(i % 400, i / 400);
    values.insert(pixel.red);
    ASSERT_NEAR(pixel.red, kGlass.red, 12);
    ASSERT_EQ(pixel.red - kGlass.red, pixel.green - kGlass.green);
  }
  EXPECT_GT(values.size(), 5u);  // not flat.
}

TEST_F(SlideSceneTest, BadOptionsAreRefused) {
  const SceneOptions good = {.width_px = 60, .height_px = 45};
  EXPECT_EQ(Refusal(good), "");
  SceneOptions bad = good;
  bad.width_px = 59;
  EXPECT_EQ(Refusal(bad),
            "width = 59: must be in [60, 1000000]: the largest field and the "
            "widest seam distance must fit");
  bad = good;
  bad.seams_px = {256};
  EXPECT_EQ(Refusal(bad),
            "width = 60: must be in [316, 1000000]: the largest field and the "
            "widest seam distance must fit");
  bad.seams_px = {1};
  EXPECT_EQ(Refusal(bad), "seam_px = 1: must be in [2, 1000000]");
  bad = good;
  bad.density = 1.5;
  EXPECT_EQ(Refusal(bad), "density = 1.5: must be in [0, 1]");
  bad = good;
  bad.height_px = 1'000'001;
  EXPECT_EQ(Refusal(bad), "height = 1000001: must be in [45, 1000000]");
}

}  // namespace
}  // namespace cyto8
