// SPDX-License-Identifier: Apache-2.0
// Tests of app/info_command.h: the text, the JSON and the exit codes.
#include "app/info_command.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

class InfoCommandTest : public testing::Test {
 protected:
  InfoCommandTest() {
    PutPng(folder_, "a.png", MakeTestImage(31, 17).view());
    const Bytes jpeg = EncodeJpeg(MakeTestImage(40, 30).view());
    folder_.Put("b.jpg", TextOf(jpeg));
    folder_.Put("cut.jpg", TextOf(std::span(jpeg).first(jpeg.size() / 2)));
  }

  Outcome Info(const std::vector<std::string>& names, bool json = false) {
    InfoOptions options;
    for (const std::string& name : names) {
      options.images.push_back(folder_.PathOf(name));
    }
    options.json = json;
    return Caught([&] { return RunInfo(RealFileSystem(), options); });
  }

  TemporaryFolder folder_;
};

TEST_F(InfoCommandTest, TextSaysFormatSizeAndHash) {
  const Outcome outcome = Info({"a.png"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_EQ(
      outcome.out,
      folder_.PathOf("a.png") +
          "\n  format: PNG\n  compression: deflate\n  size: 31 x 17 px\n  "
          "pages: 1\n  um/px: unknown (give --mpp or --mpp-from to "
          "score)\n  sha256: " +
          HexSha256(ReadBytes(folder_.PathOf("a.png"))) + "\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(InfoCommandTest, JsonIsAListOfTheSameFacts) {
  const Outcome outcome = Info({"a.png", "b.jpg"}, /*json=*/true);
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  const auto list = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(list.size(), 2);
  EXPECT_EQ(list[0]["path"], folder_.PathOf("a.png"));
  EXPECT_EQ(list[0]["width_px"], 31);
  EXPECT_EQ(list[0]["height_px"], 17);
  EXPECT_TRUE(list[0]["mpp"].is_null());
  EXPECT_EQ(list[0]["pages"], 1);
  EXPECT_TRUE(list[0]["mpp_source"].is_null());
  EXPECT_EQ(list[1]["format"], "JPEG");
  EXPECT_EQ(list[1]["compression"], "baseline");
  EXPECT_EQ(list[1]["levels"][0]["downsample"], 1);
  EXPECT_EQ(list[1]["sha256"], HexSha256(ReadBytes(folder_.PathOf("b.jpg"))));
}

TEST_F(InfoCommandTest, ATiffHasAScaleAndPages) {
  const Image image = MakeTestImage(20, 10);
  folder_.Put("c.tif", TextOf(EncodeTiff({.width_px = 20,
                                          .height_px = 10,
                                          .compression = 8,
                                          .x_resolution = 40'000,
                                          .y_resolution = 40'000,
                                          .pages = 3,
                                          .values = ValuesOf(image.view())})));
  const std::string path = folder_.PathOf("c.tif");
  const std::string hash = HexSha256(ReadBytes(path));
  EXPECT_EQ(Info({"c.tif"}).out,
            path +
                "\n  format: TIFF\n  compression: deflate\n  size: 20 x 10 "
                "px\n  pages: 3 (the first is read)\n  um/px: 0.25 "
                "(tiff.XResolution)\n  sha256: " +
                hash + "\n");
  const auto list = nlohmann::json::parse(Info({"c.tif"}, /*json=*/true).out);
  EXPECT_EQ(list[0]["format"], "TIFF");
  EXPECT_EQ(list[0]["compression"], "deflate");
  EXPECT_EQ(list[0]["pages"], 3);
  EXPECT_EQ(list[0]["mpp"], 0.25);
  EXPECT_EQ(list[0]["mpp_source"], "tiff.XResolution");
  EXPECT_EQ(list[0]["levels"].size(), 1);
  EXPECT_EQ(list[0]["sha256"], hash);
}

TEST_F(InfoCommandTest, DamageIsPartialAmongWholeImages) {
  const Outcome outcome = Info({"cut.jpg", "a.png"}, /*json=*/true);
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  EXPECT_EQ(outcome.err, "cyto8: " + folder_.PathOf("cut.jpg") +
                             ": damaged JPEG: Premature end of JPEG file\n");
  EXPECT_EQ(nlohmann::json::parse(outcome.out).size(), 1);
}

TEST_F(InfoCommandTest, OnlyDamageIsNoInput) {
  const Outcome outcome = Info({"cut.jpg", "none.png"});
  EXPECT_EQ(outcome.code, ExitCode::kNoInput);
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.ends_with("cyto8: " + folder_.PathOf("none.png") +
                                    ": No such file or directory\n"))
      << outcome.err;
}

TEST_F(InfoCommandTest, HostileNamesMakeValidJson) {
  const std::string hostile[] = {"new\nline", "%s{}", "\xff"};
  for (const std::string& name : hostile) {
    PutPng(folder_, name, MakeTestImage(2, 2).view());
  }
  const Outcome outcome =
      Info({hostile[0], hostile[1], hostile[2]}, /*json=*/true);
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  const auto list = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(list[0]["path"], folder_.PathOf(hostile[0]));
  EXPECT_EQ(list[1]["path"], folder_.PathOf(hostile[1]));
  EXPECT_EQ(list[2]["path"], folder_.PathOf("\xef\xbf\xbd"));
}

TEST_F(InfoCommandTest, ASlideTellsItsLevelsAndNothingOfWhoeverItIsFrom) {
  const auto level = [](int64_t width, int64_t height) {
    return TiffSource{.width_px = width,
                      .height_px = height,
                      .tile_px = 16,
                      .description =
                          "Aperio Image Library\r\nx|AppMag = 20|MPP "
                          "= 0.4990|User = Jane Doe",
                      .values = ValuesOf(MakeTestImage(width, height).view())};
  };
  folder_.Put("s.svs", TextOf(EncodeTiff({level(64, 48), level(32, 24)})));
  const Outcome outcome = Info({"s.svs"}, /*json=*/true);
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(outcome.out.find("Jane"), std::string::npos);
  const auto facts = nlohmann::json::parse(outcome.out).at(0);
  EXPECT_EQ(facts["format"], "Aperio SVS");
  EXPECT_EQ(facts["reader"], "direct");
  EXPECT_EQ(facts["mpp"], 0.499);
  EXPECT_EQ(facts["mpp_source"], "aperio.MPP");
  EXPECT_EQ(facts["magnification"], 20);
  EXPECT_EQ(facts["levels"].size(), 2);
  EXPECT_EQ(facts["levels"][1]["width_px"], 32);
  EXPECT_EQ(facts["levels"][1]["downsample"], 2);
  EXPECT_EQ(facts["levels"][1]["tile_width_px"], 16);
  const std::string text = Info({"s.svs"}).out;
  EXPECT_NE(text.find("  um/px: 0.499 (aperio.MPP)\n  reader: direct\n  focal "
                      "planes: 1\n  level: 64 x 48 px, 1/1, tiles of 16 x 16 "
                      "px\n  level: 32 x 24 px, 1/2, tiles of 16 x 16 px\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace cyto8
