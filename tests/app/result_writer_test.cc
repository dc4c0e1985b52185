// SPDX-License-Identifier: Apache-2.0
// Tests of app/result_writer.h, app/score_result.h and app/json_text.h: the
// exact text of every COCO and CSV file.
#include "app/result_writer.h"

#include <gtest/gtest.h>

#include "app/json_text.h"
#include "tests/app/result_fixture.h"

namespace cyto8 {
namespace {

std::string CocoText(const SlideResult& slide) {
  return Written([&](const Sink& sink) { return WriteCoco(slide, sink); });
}
std::string SlidesCsv(const std::vector<SlideResult>& slides) {
  return Written([&](const Sink& sink) {
    return WriteSlidesCsv(SummariesOf(slides), sink);
  });
}

TEST(SlideOutcomeTest, FollowsStatusAndTiles) {
  EXPECT_EQ(OutcomeOf(TwoCells()), SlideOutcome::kDone);
  EXPECT_EQ(OutcomeOf(Partial()), SlideOutcome::kPartial);
  EXPECT_EQ(OutcomeOf(Failed()), SlideOutcome::kFailed);
  EXPECT_EQ(OutcomeOf(Held()), SlideOutcome::kHeld);
  EXPECT_EQ(ErrorOf(Held()), "in/h.jpg: held by pid 7");
  EXPECT_EQ(ErrorOf(Partial()), "");
}

TEST(SlideOutcomeTest, WithoutAnyTileThereIsNoResult) {
  SlideResult slide = Partial();
  slide.counts.scored = 0;
  slide.counts.failed = slide.counts.planned;
  EXPECT_EQ(OutcomeOf(slide), SlideOutcome::kFailed);
  EXPECT_EQ(ErrorOf(slide), "no tile has a result");
}

TEST(SummarizeTest, CountsTheCellsOfEachClass) {
  const SlideSummary summary = Summarize(TwoCells(), 3);
  EXPECT_EQ(summary.boxes, 2);
  EXPECT_EQ(summary.cells_of_class, (std::vector<int64_t>{1, 1, 0}));
  EXPECT_EQ(summary.identity.id, "x-1");
}

TEST(SummarizeTest, AFailedImageHasNoCounts) {
  SlideResult slide = TwoCells();
  slide.status = DataLoss("disk");
  EXPECT_TRUE(Summarize(slide, 2).cells_of_class.empty());
}

TEST(AddNoteTest, JoinsBySemicolons) {
  SlideResult slide;
  AddNote("a", slide);
  AddNote("b", slide);
  EXPECT_EQ(slide.notes, "a; b");
}

TEST(WriteCocoTest, OneEntryALineWithFixedDecimals) {
  EXPECT_EQ(CocoText(TwoCells()),
            "[\n {\"image_id\": 7, \"category_id\": 2, \"bbox\": [10.00, "
            "20.00, 20.12, 20.00], \"score\": 0.750000},\n"
            " {\"image_id\": 7, \"category_id\": 1, \"bbox\": [0.00, 0.00, "
            "5.00, 5.00], \"score\": 0.500000}\n]\n");
}

TEST(WriteCocoTest, NoCellsIsAnEmptyList) {
  EXPECT_EQ(CocoText(SlideResult()), "[\n]\n");
}

TEST(WriteDetectionsCsvTest, HasPixelsMicrometresTileAndFlags) {
  EXPECT_EQ(Written([](const Sink& sink) {
              return WriteDetectionsCsv(TwoCells(), TwoClasses(), sink);
            }),
            "slide,id,class,score,rank,x,y,w,h,x_um,y_um,tile,flags\n"
            "x-1,1,\"a,\"\"b\"\"\",0.750000,1,10.00,20.00,20.12,20.00,4.96,"
            "7.42,1,\n"
            "x-1,2,NILM,0.500000,2,0.00,0.00,5.00,5.00,0.62,0.62,0,edge\n");
}

TEST(WriteSlidesCsvTest, AFailedSlideHasNoNumberOfBoxes) {
  EXPECT_EQ(SlidesCsv({TwoCells(), Failed(), Partial(), Held()}),
            "id,path,status,mpp,mpp_source,width_px,height_px,tiles,"
            "tiles_skipped,tiles_failed,coverage,scan,boxes,error,notes\n"
            "x-1,in/x.jpg,done,0.2472,--mpp,100,50,2,0,0,1,OK,2,,\n"
            "y-2,in/y.jpg,failed,,,,,,,,,,,\"in/y.jpg: cut, here\",\n"
            "z-3,in/z.jpg,partial,0.2472,--mpp,100,50,2,0,1,0.5,RESCAN,1,,"
            "tile 1: damaged\n"
            "h-4,in/h.jpg,held,,,,,,,,,,,in/h.jpg: held by pid 7,\n");
}

TEST(WriteSlidesCsvTest, NamesOfAnyBytesStayOneValidCell) {
  SlideResult slide = Failed();
  slide.identity.path = "a\nb\xff\"\r";
  slide.status = DataLoss("a\nb\xff: cut");
  const std::string text = SlidesCsv({slide});
  EXPECT_EQ(text.substr(text.find('\n') + 1),
            "y-2,\"a\nb\\xff\"\"\r\",failed,,,,,,,,,,,\"a\nb\\xff: cut\",\n");
}

TEST(WriteTimingCsvTest, HasSecondsByStageAndTheirSum) {
  SlideResult again = Failed();
  again.attempts = 2;
  EXPECT_EQ(
      Written([&](const Sink& sink) {
        return WriteTimingCsv(SummariesOf({TwoCells(), again}), "h,1", sink);
      }),
      "id,attempts,host,tiles,read_s,decode_s,resample_s,infer_s,boxes_s,"
      "merge_s,write_s,total_s\n"
      "x-1,1,\"h,1\",2,0.012,0.000,0.000,1.500,0.000,0.000,0.000,1.512\n"
      "y-2,2,\"h,1\",,0.250,0.000,0.000,0.000,0.000,0.000,0.000,0.250\n");
}

TEST(ResultWriterTest, ErrorsOfTheSinkEndTheWriting) {
  const SlideResult slide = TwoCells();
  const std::vector<SlideSummary> run = SummariesOf({TwoCells(), Failed()});
  EXPECT_EQ(ExpectSinkErrorsPassOn(
                [&](const Sink& sink) { return WriteCoco(slide, sink); }),
            3);
  EXPECT_EQ(ExpectSinkErrorsPassOn([&](const Sink& sink) {
              return WriteDetectionsCsv(slide, TwoClasses(), sink);
            }),
            3);
  EXPECT_EQ(ExpectSinkErrorsPassOn(
                [&](const Sink& sink) { return WriteSlidesCsv(run, sink); }),
            3);
  EXPECT_EQ(ExpectSinkErrorsPassOn([&](const Sink& sink) {
              return WriteTimingCsv(run, "h", sink);
            }),
            3);
}

TEST(CsvCellTest, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(CsvCell("plain"), "plain");
  EXPECT_EQ(CsvCell(""), "");
  EXPECT_EQ(CsvCell("a,b"), "\"a,b\"");
  EXPECT_EQ(CsvCell("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(CsvCell("a\nb"), "\"a\nb\"");
}

TEST(JsonTextTest, EscapesWhatJsonDemands) {
  EXPECT_EQ(JsonText("a\"\\\n\x01\x7f"), "\"a\\\"\\\\\\n\\u0001\x7f\"");
  EXPECT_EQ(JsonText("\xc3\xa4\xff"), "\"\xc3\xa4\\\\xff\"");
}

}  // namespace
}  // namespace cyto8
