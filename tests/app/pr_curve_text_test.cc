// SPDX-License-Identifier: Apache-2.0
// Tests of app/pr_curve_text.h: numbers, a picture that hostile names cannot
// break, safe file names.
#include "app/pr_curve_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cyto8 {
namespace {

using testing::HasSubstr;
using testing::Not;

// Two of three truth boxes found: true, false, true by falling score.
ClassOutcomes Outcomes3() {
  return {.class_id = 1,
          .truth_count = 3,
          .truths = {{.image = 0, .count = 3}},
          .scores = {0.9, 0.5, 0.25},
          .images = {0, 0, 0},
          .true_positives = {1, 0, 1},
          .ignored = {0, 0, 0}};
}

TEST(PrCurveCsvTest, OneLineADetection) {
  EXPECT_EQ(PrCurveCsv(Outcomes3(), 0),
            "score,true_positives,false_positives,recall,precision,envelope\n"
            "0.9,1,0,0.333333,1.000000,1.000000\n"
            "0.5,1,1,0.333333,0.500000,0.666667\n"
            "0.25,2,1,0.666667,0.666667,0.666667\n");
}

TEST(PrCurveCsvTest, WithoutTruthThereIsNoRecall) {
  ClassOutcomes outcomes = Outcomes3();
  outcomes.truth_count = 0;
  outcomes.truths = {};
  outcomes.true_positives = {0, 0, 0};
  EXPECT_THAT(PrCurveCsv(outcomes, 0),
              HasSubstr("0.9,0,1,,0.000000,0.000000\n"));
  EXPECT_EQ(PrCurveCsv(ClassOutcomes(), 0),
            "score,true_positives,false_positives,recall,precision,envelope\n");
}

std::string Svg(const std::string& name) {
  return PrCurveSvg(
      {.name = name, .level = "AP50", .average_precision = 0.5550}, Outcomes3(),
      0);
}

TEST(PrCurveSvgTest, HasAxesLineAndLegend) {
  const std::string svg = Svg("HSIL");
  EXPECT_TRUE(
      svg.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                      "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                      "width=\"640\" height=\"480\""));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_THAT(svg, HasSubstr(">recall</text>"));
  EXPECT_THAT(svg, HasSubstr(">precision</text>"));
  EXPECT_THAT(svg, HasSubstr(">0.2</text>"));
  EXPECT_THAT(svg, HasSubstr(">HSIL: AP50 0.555, 3 truth boxes, 3 detections"
                             "</text>"));
  // Precision 1 at recall 0, 0 at recall 1.
  EXPECT_THAT(svg, HasSubstr("<polyline points=\"60.0,40.0 "));
  EXPECT_THAT(svg, HasSubstr(" 600.0,420.0\""));
}

TEST(PrCurveSvgTest, WithoutTruthTheFigureIsNone) {
  const std::string svg =
      PrCurveSvg({.name = "x", .level = "AP50"}, ClassOutcomes(), 0);
  EXPECT_THAT(svg, HasSubstr("x: AP50 none, 0 truth boxes, 0 detections"));
}

TEST(PrCurveSvgTest, TextCannotBecomeMarkup) {
  EXPECT_THAT(Svg("</text><script>a&b\"'"),
              HasSubstr(">&lt;/text&gt;&lt;script&gt;a&amp;b\"': AP50"));
  EXPECT_THAT(Svg("a\nb"), HasSubstr(">a?b: AP50"));
  EXPECT_THAT(Svg(std::string("a\0b", 3)), HasSubstr(">a?b: AP50"));
}

// Letters stay, what is no UTF-8 or forbidden in XML does not.
TEST(PrCurveSvgTest, TextIsValidUtf8) {
  EXPECT_THAT(Svg("\xc3\xa9\xe7\xbb\x86\xf0\x9f\x94\xac"),
              HasSubstr(">\xc3\xa9\xe7\xbb\x86\xf0\x9f\x94\xac: AP50"));
  for (const char* bad :
       {"\xff", "\xc3", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xef\xbf\xbf", "\xf8\x88\x80\x80\x80"}) {
    const std::string svg = Svg(std::string(bad) + "x");
    EXPECT_THAT(svg, HasSubstr("x: AP50"));
    EXPECT_FALSE(svg.find(bad) != std::string::npos);
  }
}

TEST(PrCurveFileStemTest, HoldsOnlyPlainBytes) {
  EXPECT_EQ(PrCurveFileStem("class", 3, "ASC-US"), "class-3-ASC-US");
  EXPECT_EQ(PrCurveFileStem("class", 3, "../a/b\n"), "class-3-.._a_b_");
  EXPECT_EQ(PrCurveFileStem("group", 1, "\xc3\xa9 x"), "group-1-___x");
  EXPECT_EQ(PrCurveFileStem("group", 1, ""), "group-1-");
  EXPECT_EQ(PrCurveFileStem("class", -1, std::string(300, 'x')).size(), 69);
}

}  // namespace
}  // namespace cyto8
