// SPDX-License-Identifier: Apache-2.0
// Tests of app/mpp_source.h: both kinds of side files and the order of sources.
#include "app/mpp_source.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

StatusOr<SideFile> Parse(std::string_view text) {
  return SideFile::Parse(std::as_bytes(std::span(text)), Limits());
}

std::string Refusal(std::string_view text) {
  return Parse(text).status().message();
}

constexpr std::string_view kCoco = R"({"images": [
  {"id": 7, "file_name": "a/x.jpg", "um_per_px": 0.25},
  {"id": 8, "file_name": "b/x.jpg", "um_per_px": 0.5},
  {"id": 9, "file_name": "y.jpg", "um_per_px": 0.2472},
  {"id": 10, "file_name": "no-scale.jpg"}]})";

TEST(SideFileTest, CocoGivesScaleAndImageId) {
  const SideFile file = Parse(kCoco).value();
  EXPECT_EQ(file.size(), 4);
  EXPECT_EQ(file.Find("y.jpg")->mpp, 0.2472);
  EXPECT_EQ(file.Find("y.jpg")->image_id, 9);
  EXPECT_EQ(file.Find("no-scale.jpg")->mpp, std::nullopt);
  EXPECT_EQ(file.Find("no-scale.jpg")->image_id, 10);
}

TEST(SideFileTest, MatchesByRelativePathElseByBaseName) {
  const SideFile file = Parse(kCoco).value();
  EXPECT_EQ(file.Find("a/x.jpg")->image_id, 7);
  EXPECT_EQ(file.Find("b/x.jpg")->image_id, 8);
  EXPECT_EQ(file.Find("deep/y.jpg")->image_id, 9);
  EXPECT_EQ(file.Find("z.jpg")->mpp, std::nullopt);
}

TEST(SideFileTest, AmbiguousNamesAreErrors) {
  EXPECT_EQ(Parse(kCoco)->Find("x.jpg").status().message(),
            "name \"x.jpg\" is ambiguous: \"a/x.jpg\" or \"b/x.jpg\"");
  EXPECT_EQ(
      Parse("file_name,um_per_px\nx,1\nx,2\n")->Find("x").status().message(),
      "name \"x\" stands twice with other values");
  EXPECT_EQ(Parse("file_name,um_per_px\nx,1\nx,1\n")->Find("x")->mpp, 1);
}

TEST(SideFileTest, CsvTakesEitherColumnNameInAnyOrder) {
  EXPECT_EQ(Parse("um_per_px,file_name\n0.5,x.jpg\n")->Find("x.jpg")->mpp, 0.5);
  EXPECT_EQ(Parse("\xef\xbb\xbfpath,mpp\nx.jpg,0.5\n")->Find("x.jpg")->mpp,
            0.5);
  EXPECT_EQ(Parse("path,note,mpp\r\nx.jpg,\"a, \"\"b\"\"\",0.5\r\n\r\n")
                ->Find("x.jpg")
                ->mpp,
            0.5);
}

TEST(SideFileTest, CsvErrorsNameTheLine) {
  EXPECT_EQ(Refusal("name,scale\nx,1\n"),
            "line 1: must name the columns file_name (or path) and um_per_px "
            "(or mpp)");
  EXPECT_EQ(Refusal("path,mpp\nx.jpg\n"),
            "line 2: cells = 1: must be in [2, 2]");
  EXPECT_EQ(Refusal("path,mpp\nx.jpg,fast\n"),
            "line 2: \"fast\": must be a number");
  EXPECT_EQ(Refusal("path,mpp\nx.jpg,nan\n"),
            "line 2: \"nan\": must be a finite number");
  EXPECT_EQ(Refusal("path,mpp\nx.jpg,0\n"),
            "line 2: um_per_px = 0: must be in [0.001, 1000]");
  EXPECT_EQ(Refusal("path,mpp\n\"x.jpg,1\n"), "line 2: quote is not closed");
  EXPECT_EQ(Refusal("path,mpp\n,1\n"), "line 2: file name is empty");
}

TEST(SideFileTest, CocoErrorsNameTheField) {
  EXPECT_EQ(Refusal("{"), "is neither a COCO JSON object nor a CSV file");
  EXPECT_EQ(Refusal("{}"), "images: must be a list");
  EXPECT_EQ(Refusal(R"({"images": [3]})"),
            "images[0].file_name: must be a text");
  EXPECT_EQ(Refusal(R"({"images": [{"file_name": 3}]})"),
            "images[0].file_name: must be a text");
  EXPECT_EQ(Refusal(R"({"images": [{"file_name": "x", "um_per_px": "1"}]})"),
            "images[0]: um_per_px: must be a number");
  EXPECT_EQ(Refusal(R"({"images": [{"file_name": "x", "id": 1.5}]})"),
            "images[0]: id: must be a whole number");
  EXPECT_EQ(
      Refusal(
          R"({"images": [{"file_name": "x", "id": 18446744073709551615}]})"),
      "images[0]: id = 18446744073709551616: must be in "
      "[-9007199254740992, 9007199254740992]");
  EXPECT_EQ(Refusal(R"({"images": [{"file_name": "x", "um_per_px": -1}]})"),
            "images[0]: um_per_px = -1: must be in [0.001, 1000]");
}

TEST(SideFileTest, RefusesAnEmptyFileAndOneOverTheLimit) {
  EXPECT_EQ(Refusal(""), "size in bytes = 0: must be in [1, 1073741824]");
  Limits limits;
  limits.max_truth_bytes = 3;
  EXPECT_EQ(SideFile::Parse(std::as_bytes(std::span("abcd")), limits)
                .status()
                .message(),
            "size in bytes = 5: must be in [1, 3]");
}

TEST(ResolveMppTest, FlagThenSideFileThenImage) {
  EXPECT_EQ(ResolveMpp(1, 2, 3)->value, 1);
  EXPECT_EQ(ResolveMpp(1, 2, 3)->source, "--mpp");
  EXPECT_EQ(ResolveMpp({}, 2, 3)->source, "--mpp-from");
  EXPECT_EQ(ResolveMpp({}, {}, 3)->source, "file");
  EXPECT_EQ(ResolveMpp({}, {}, {}).status().message(),
            "um/px is unknown: give --mpp X, or --mpp-from FILE that lists the "
            "image (a dpi value in the file is not um/px)");
}

}  // namespace
}  // namespace cyto8
