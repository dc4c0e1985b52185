// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/roi_list.h.
#include "tiling/roi_list.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

StatusOr<RoiList> Parse(std::string_view text) {
  return RoiList::Parse(std::as_bytes(std::span(text)), Limits());
}

std::string Refusal(std::string_view text) {
  const Status status = Parse(text).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

TEST(RoiListTest, RegionsByNameInTheOrderOfTheFile) {
  const RoiList list = Parse(
                           "file_name,x,y,w,h\n"
                           "a/one.jpg,10,20,30,40\n"
                           "two.jpg,0,0,5,5\n"
                           "a/one.jpg,-1.5,2.5,3,4\n")
                           .value();
  const std::vector<Region> regions = list.Find("a/one.jpg").value();
  ASSERT_EQ(regions.size(), 2);
  EXPECT_EQ(regions[0].box,
            (Box{.x_min = 10, .y_min = 20, .x_max = 40, .y_max = 60}));
  EXPECT_EQ(regions[0].line, 2);
  EXPECT_EQ(regions[1].box,
            (Box{.x_min = -1.5, .y_min = 2.5, .x_max = 1.5, .y_max = 6.5}));
  EXPECT_EQ(regions[1].line, 4);
  EXPECT_EQ(list.Find("deep/two.jpg")->size(), 1);
  EXPECT_EQ(list.Find("three.jpg")->size(), 0);
  EXPECT_EQ(list.names().size(), 2);
}

TEST(RoiListTest, ColumnsInAnyOrderAmongOthers) {
  const RoiList list =
      Parse("h,note,w,y,x,path\r\n4,\"a, b\",3,2,1,i.png\r\n\r\n").value();
  EXPECT_EQ(list.Find("i.png").value()[0].box,
            (Box{.x_min = 1, .y_min = 2, .x_max = 4, .y_max = 6}));
}

TEST(RoiListTest, AnAmbiguousNameIsAnError) {
  const RoiList list =
      Parse("path,x,y,w,h\na/i,0,0,1,1\nb/i,0,0,1,1\n").value();
  EXPECT_EQ(list.Find("c/i").status().message(),
            "name \"c/i\" is ambiguous: \"a/i\" or \"b/i\"");
}

TEST(RoiListTest, ErrorsNameTheLineAndTheColumn) {
  const std::string head = "path,x,y,w,h\n";
  EXPECT_EQ(Refusal("path,x,y,w\n"),
            "line 1: must name the columns file_name (or path), x, y, w and h");
  EXPECT_EQ(Refusal("x,y,w,h\n"),
            "line 1: must name the columns file_name (or path), x, y, w and h");
  EXPECT_EQ(Refusal("{\"images\": []}"),
            "line 1: must name the columns file_name (or path), x, y, w and h");
  EXPECT_EQ(Refusal(""), "size in bytes = 0: must be in [1, 1073741824]");
  EXPECT_EQ(Refusal(head + "i,0,0,5\n"),
            "line 2: cells = 4: must be in [5, 5]");
  EXPECT_EQ(Refusal(head + "\ni,0,0,5,0\n"),
            "line 3: h = 0: must be in [1, 1e+09]");
  EXPECT_EQ(Refusal(head + "i,0,0,-3,5\n"),
            "line 2: w = -3: must be in [1, 1e+09]");
  EXPECT_EQ(Refusal(head + "i,nan,0,5,5\n"),
            "line 2: x: \"nan\": must be a finite number");
  EXPECT_EQ(Refusal(head + "i,0,left,5,5\n"),
            "line 2: y: \"left\": must be a number");
  EXPECT_EQ(Refusal(head + "i,1e10,0,5,5\n"),
            "line 2: x = 1e+10: must be in [-1e+09, 1e+09]");
  EXPECT_EQ(Refusal(head + ",0,0,5,5\n"), "line 2: file name is empty");
  EXPECT_EQ(Refusal(head + "\"i,0,0,5,5\n"), "line 2: quote is not closed");
}

constexpr ImageSides kHalved = {.full_width_px = 101,
                                .full_height_px = 80,
                                .width_px = 50,
                                .height_px = 40};

StatusOr<std::vector<PixelArea>> Placed(const Box& box) {
  return PlaceRegions({{.box = box, .line = 7}}, kHalved);
}

TEST(PlaceRegionsTest, ScaledAndRoundedOutwards) {
  EXPECT_EQ(Placed({.x_min = 3, .y_min = 11, .x_max = 20, .y_max = 20}).value(),
            (std::vector<PixelArea>{
                {.x_px = 1, .y_px = 5, .width_px = 9, .height_px = 5}}));
}

TEST(PlaceRegionsTest, CutToTheImage) {
  const std::vector<PixelArea> whole = {
      {.x_px = 0, .y_px = 0, .width_px = 50, .height_px = 40}};
  EXPECT_EQ(
      Placed({.x_min = -9, .y_min = -1e9, .x_max = 1e9, .y_max = 80}).value(),
      whole);
  EXPECT_EQ(Placed({.x_min = 0, .y_min = 0, .x_max = 101, .y_max = 80}).value(),
            whole);
  EXPECT_EQ(
      Placed({.x_min = 100.5, .y_min = 79, .x_max = 120, .y_max = 99}).value(),
      (std::vector<PixelArea>{
          {.x_px = 49, .y_px = 39, .width_px = 1, .height_px = 1}}));
}

TEST(PlaceRegionsTest, OutsideIsRefusedWithItsLine) {
  EXPECT_EQ(Placed({.x_min = 101, .y_min = 0, .x_max = 105.5, .y_max = 9})
                .status()
                .message(),
            "line 7: region [101, 105.5) x [0, 9): must reach into the image "
            "of 101 x 80 px");
  EXPECT_FALSE(Placed({.x_min = 0, .y_min = -9, .x_max = 9, .y_max = 0}).ok());
}

// Every region of a small image at every scale: inside, covering, not wider by
// more than a pixel on each side.
TEST(PlaceRegionsTest, EverySmallRegionIsCovered) {
  constexpr int64_t kFull = 12;
  for (int64_t side = 1; side <= 20; ++side) {
    for (int64_t begin = 0; begin < kFull; ++begin) {
      for (int64_t end = begin + 1; end <= kFull; ++end) {
        const auto low = static_cast<double>(begin);
        const auto high = static_cast<double>(end);
        const PixelArea area = PlaceRegions({{.box = {.x_min = low,
                                                      .y_min = 0,
                                                      .x_max = high,
                                                      .y_max = 1}}},
                                            {.full_width_px = kFull,
                                             .full_height_px = 1,
                                             .width_px = side,
                                             .height_px = 1})
                                   .value()[0];
        ASSERT_GE(area.x_px, 0);
        ASSERT_LE(area.x_px + area.width_px, side);
        ASSERT_LE(area.x_px * kFull, begin * side);
        ASSERT_GT((area.x_px + 1) * kFull, begin * side);
        ASSERT_GE((area.x_px + area.width_px) * kFull, end * side);
        ASSERT_LT((area.x_px + area.width_px - 1) * kFull, end * side);
      }
    }
  }
}

constexpr TileGridOptions kTen = {
    .tile_width_px = 10, .tile_height_px = 10, .overlap_px = 2};

TEST(TilesOfAreasTest, OneAreaIsAGridMovedThere) {
  const std::vector<Tile> tiles =
      TilesOfAreas({{.x_px = 100, .y_px = 50, .width_px = 25, .height_px = 7}},
                   kTen)
          .value();
  EXPECT_EQ(tiles,
            (std::vector<Tile>{
                {.x_px = 100, .y_px = 50, .width_px = 10, .height_px = 7},
                {.x_px = 108, .y_px = 50, .width_px = 10, .height_px = 7},
                {.x_px = 115, .y_px = 50, .width_px = 10, .height_px = 7}}));
}

TEST(TilesOfAreasTest, SortedFromTopToBottomAndEachOnce) {
  const PixelArea low = {
      .x_px = 0, .y_px = 30, .width_px = 10, .height_px = 10};
  const PixelArea right = {
      .x_px = 50, .y_px = 5, .width_px = 10, .height_px = 20};
  const std::vector<Tile> tiles = TilesOfAreas({low, right, low}, kTen).value();
  EXPECT_EQ(tiles,
            (std::vector<Tile>{
                {.x_px = 50, .y_px = 5, .width_px = 10, .height_px = 10},
                {.x_px = 50, .y_px = 13, .width_px = 10, .height_px = 10},
                {.x_px = 50, .y_px = 15, .width_px = 10, .height_px = 10},
                {.x_px = 0, .y_px = 30, .width_px = 10, .height_px = 10}}));
  EXPECT_EQ(TilesOfAreas({right, low}, kTen).value(), tiles);
}

TEST(TilesOfAreasTest, NoAreasNoTilesAndNotTooMany) {
  EXPECT_EQ(TilesOfAreas({}, kTen)->size(), 0);
  const PixelArea area = {.x_px = 0, .y_px = 0, .width_px = 18, .height_px = 1};
  EXPECT_TRUE(TilesOfAreas({area, area}, kTen, {.max_tiles = 4}).ok());
  EXPECT_EQ(
      TilesOfAreas({area, area}, kTen, {.max_tiles = 3}).status().message(),
      "tiles = 4: must be in [1, 3]");
}

}  // namespace
}  // namespace cyto8
