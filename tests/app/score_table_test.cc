// SPDX-License-Identifier: Apache-2.0
// Tests of app/score_table.h.
#include "app/score_table.h"

#include <gtest/gtest.h>

#include "base/version.h"

namespace cyto8 {
namespace {

TEST(ScoreTableTest, OneLineAnImageAndNoCountsForAFailedOne) {
  ModelCard card;
  card.classes = {{.id = 1, .name = "NILM", .color = {}},
                  {.id = 2, .name = "HSIL", .color = {}}};
  SlideResult whole;
  whole.identity.path = "in/a-name-that-is-much-too-long.jpg";
  whole.width_px = 1180;
  whole.height_px = 941;
  whole.mpp.value = 0.2472;
  whole.counts = {.planned = 1, .scored = 1};
  whole.cells.resize(3);
  whole.cells[0].class_id = 2;
  whole.cells[1].class_id = 1;
  whole.cells[2].class_id = 2;
  whole.seconds = {.read = 0.011,
                   .decode = 0.02,
                   .resample = 0.002,
                   .infer = 0.5,
                   .boxes = 0.03,
                   .merge = 0,
                   .write = 0.1};
  SlideResult failed;
  failed.identity.path = "y.jpg";
  failed.status = DataLoss("cut");
  const std::vector<SlideSummary> run = {Summarize(whole, 2),
                                         Summarize(failed, 2)};
  EXPECT_EQ(
      ScoreTable(run, card, "out"),
      "image                      size px   um/px  tiles  NILM  HSIL  read s  "
      "decode  resample  infer  boxes  merge  write\n"
      "a-name-that-is-much-to..  1180x941  0.2472      1     1     2    0.01  "
      "  0.02      0.00   0.50   0.03   0.00   0.10\n"
      "y.jpg                       failed\n"
      "\nResults, one folder an image: out/slides/\n" +
          std::string(kResearchNotice) + "\n");
}

TEST(ScoreTableTest, NamesAreCutBetweenLettersAndPaddedByLetters) {
  SlideSummary slide;
  for (int i = 0; i < 23; ++i) slide.identity.path += "\xc3\xa4";
  slide.identity.path += "b";
  slide.status = DataLoss("cut");
  SlideSummary longer = slide;
  longer.identity.path += "\xc3\xa4\xff\n";
  const std::vector<SlideSummary> run = {slide, longer};
  const std::string text = ScoreTable(run, ModelCard(), "out");
  EXPECT_NE(text.find(slide.identity.path + "   failed\n"), std::string::npos)
      << text;
  EXPECT_NE(
      text.find("\n" + longer.identity.path.substr(0, 44) + "..   failed\n"),
      std::string::npos)
      << text;
}

TEST(ScoreTableTest, APartialImageShowsItsTiles) {
  SlideSummary slide;
  slide.counts = {.planned = 10, .background = 2, .scored = 6, .failed = 2};
  slide.identity.path = "a/x.svs";
  slide.verdict = JudgeSlide(slide.counts).value();
  const std::string text = ScoreTable({&slide, 1}, ModelCard(), "out");
  EXPECT_NE(text.find("  6/8  "), std::string::npos) << text;
  EXPECT_NE(text.find("\nx.svs: REVIEW: 6 of 8 tiles scored (0.7500), at least "
                      "0.98; "),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace cyto8
