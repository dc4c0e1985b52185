// SPDX-License-Identifier: Apache-2.0
// Tests of app/result_writer.h: the exact text of every result file.
#include "app/result_writer.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

ModelCard TwoClasses() {
  ModelCard card;
  card.classes = {{.id = 1, .name = "NILM", .color = {}},
                  {.id = 2, .name = "a,\"b\"", .color = {}}};
  return card;
}

SlideResult TwoCells() {
  SlideResult slide;
  slide.identity = {.path = "in/x.jpg", .id = "x-1", .image_id = 7};
  slide.sha256 = "ab";
  slide.width_px = 100;
  slide.height_px = 50;
  slide.mpp = {.value = 0.2472, .source = "--mpp"};
  slide.tiles = 2;
  slide.cells = {
      {.detection = {.box = {10, 20.005, 30.125, 40},
                     .score = 0.75f,
                     .class_id = 2},
       .tile = 1},
      {.detection = {.box = {-0.001, 0, 5, 5}, .score = 0.5f, .class_id = 1},
       .tile = 0}};
  return slide;
}

SlideResult Failed() {
  SlideResult slide;
  slide.identity = {.path = "in/y.jpg", .id = "y-2", .image_id = 3};
  slide.status = DataLoss("in/y.jpg: cut, here");
  return slide;
}

TEST(CocoTextTest, OneEntryALineWithFixedDecimals) {
  EXPECT_EQ(CocoText(TwoCells()),
            "[\n {\"image_id\": 7, \"category_id\": 2, \"bbox\": [10.00, "
            "20.00, 20.12, 20.00], \"score\": 0.750000},\n"
            " {\"image_id\": 7, \"category_id\": 1, \"bbox\": [0.00, 0.00, "
            "5.00, 5.00], \"score\": 0.500000}\n]\n");
}

TEST(CocoTextTest, NoCellsIsAnEmptyList) {
  EXPECT_EQ(CocoText(SlideResult()), "[\n]\n");
}

TEST(CocoTextTest, ARunIsSortedByImageId) {
  SlideResult first = TwoCells();
  first.cells.pop_back();
  SlideResult second = first;
  second.identity.image_id = 2;
  const std::vector<SlideResult> run = {first, second};
  EXPECT_EQ(CocoText(run),
            "[\n {\"image_id\": 2, \"category_id\": 2, \"bbox\": [10.00, "
            "20.00, 20.12, 20.00], \"score\": 0.750000},\n"
            " {\"image_id\": 7, \"category_id\": 2, \"bbox\": [10.00, 20.00, "
            "20.12, 20.00], \"score\": 0.750000}\n]\n");
}

TEST(DetectionsCsvTest, HasPixelsMicrometresTileAndFlags) {
  EXPECT_EQ(DetectionsCsv(TwoCells(), TwoClasses()),
            "slide,id,class,score,rank,x,y,w,h,x_um,y_um,tile,flags\n"
            "x-1,1,\"a,\"\"b\"\"\",0.750000,1,10.00,20.00,20.12,20.00,4.96,"
            "7.42,1,\n"
            "x-1,2,NILM,0.500000,2,0.00,0.00,5.00,5.00,0.62,0.62,0,edge\n");
}

TEST(SlidesCsvTest, AFailedSlideHasNoNumberOfBoxes) {
  const std::vector<SlideResult> run = {TwoCells(), Failed()};
  EXPECT_EQ(SlidesCsv(run),
            "id,path,status,mpp,mpp_source,width_px,height_px,tiles,"
            "tiles_failed,boxes,error\n"
            "x-1,in/x.jpg,done,0.2472,--mpp,100,50,2,0,2,\n"
            "y-2,in/y.jpg,failed,,,,,,,,\"in/y.jpg: cut, here\"\n");
}

TEST(CsvCellTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(CsvCell("plain"), "plain");
  EXPECT_EQ(CsvCell(""), "");
  EXPECT_EQ(CsvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(CsvCell("a\nb"), "\"a\nb\"");
}

}  // namespace
}  // namespace cyto8
