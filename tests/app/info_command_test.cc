// SPDX-License-Identifier: Apache-2.0
// Tests of app/info_command.h: the text, the JSON and the exit codes.
#include "app/info_command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/kfb_file.h"
#include "tests/tiling/slide_sources.h"
#include "tiling/image_reader.h"

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
  EXPECT_EQ(list[1]["reader"], "rows");
  EXPECT_EQ(list[1]["focal_planes"], 1);
  EXPECT_EQ(list[1]["surplus_tiles"], 0);
  EXPECT_EQ(list[1]["associated"], nlohmann::json::array());
  EXPECT_TRUE(list[1]["magnification"].is_null());
  EXPECT_TRUE(list[1]["levels"][0]["mpp"].is_null());
  EXPECT_TRUE(list[1]["levels"][0]["tile_width_px"].is_null());
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
  ASSERT_EQ(list[0]["levels"].size(), 1);
  EXPECT_EQ(list[0]["levels"][0]["mpp"], 0.25);
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

// What may pass is told from what will not, so a script may try again.
TEST_F(InfoCommandTest, AFailingDiskIsTemporary) {
  const auto code = [&](const std::vector<std::string>& names, bool lasting) {
    InfoOptions options;
    for (const std::string& name : names) {
      options.images.push_back(folder_.PathOf(name));
    }
    FaultyFileSystem files(RealFileSystem());
    files.Arm(
        {.kind = FileCall::kReadAt, .error_number = EIO, .lasting = lasting});
    return Caught([&] { return RunInfo(files, options); }).code;
  };
  EXPECT_EQ(code({"a.png"}, true), ExitCode::kTemporary);
  EXPECT_EQ(code({"a.png", "b.jpg"}, true), ExitCode::kTemporary);
  EXPECT_EQ(code({"a.png", "b.jpg"}, false), ExitCode::kTemporary);
  EXPECT_EQ(code({"a.png", "b.jpg", "cut.jpg"}, false), ExitCode::kTemporary);
  EXPECT_EQ(code({"a.png", "cut.jpg"}, false), ExitCode::kNoInput);
  EXPECT_EQ(code({"a.png", "none.png"}, true), ExitCode::kNoInput);
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
  EXPECT_EQ(facts["levels"][0]["mpp"], 0.499);
  EXPECT_EQ(facts["levels"][1]["mpp"], 0.998);
  EXPECT_TRUE(facts["compression"].is_null());
  EXPECT_TRUE(facts["pages"].is_null());
  const std::string text = Info({"s.svs"}).out;
  EXPECT_NE(text.find("  um/px: 0.499 (aperio.MPP)\n  reader: direct\n  focal "
                      "planes: 1\n  level: 64 x 48 px, 1/1, tiles of 16 x 16 "
                      "px\n  level: 32 x 24 px, 1/2, tiles of 16 x 16 px\n"),
            std::string::npos)
      << text;
}

TEST_F(InfoCommandTest, ImagesAndSlidesHaveTheSameKeysInTheSameOrder) {
  const auto level = [](int64_t width, int64_t height) {
    return TiffSource{.width_px = width,
                      .height_px = height,
                      .tile_px = 16,
                      .values = ValuesOf(MakeTestImage(width, height).view())};
  };
  folder_.Put("s.tif", TextOf(EncodeTiff({level(64, 48), level(32, 24)})));
  const Outcome outcome = Info({"a.png", "s.tif"}, /*json=*/true);
  const auto list = nlohmann::ordered_json::parse(outcome.out);
  const auto keys = [](const nlohmann::ordered_json& object) {
    std::vector<std::string> names;
    for (const auto& [name, value] : object.items()) names.push_back(name);
    return names;
  };
  EXPECT_EQ(
      keys(list[0]),
      (std::vector<std::string>{
          "path", "format", "reader", "compression", "width_px", "height_px",
          "pages", "mpp", "mpp_source", "magnification", "focal_planes",
          "surplus_tiles", "associated", "levels", "sha256"}));
  EXPECT_EQ(keys(list[1]), keys(list[0]));
  EXPECT_EQ(
      keys(list[0]["levels"][0]),
      (std::vector<std::string>{"width_px", "height_px", "downsample", "mpp",
                                "tile_width_px", "tile_height_px"}));
  EXPECT_EQ(keys(list[1]["levels"][1]), keys(list[0]["levels"][0]));
  EXPECT_TRUE(list[1]["levels"][1]["mpp"].is_null());
}

// Label, macro and thumbnail of slides, on request alone.
class AssociatedTest : public InfoCommandTest {
 protected:
  AssociatedTest() {
    std::vector<TiffSource> sources = AperioSources();
    // OpenSlide finds the name behind the first line break of either kind.
    for (TiffSource& source : sources) std::erase(source.description, '\r');
    folder_.Put("x.svs", TextOf(EncodeTiff(sources)));
    const Image image = MakeTestImage(60, 40);
    source_ = KfbWithPictures(100, 80);
    source_.overview = EncodeKfbPicture(image.view());
    source_.label = EncodeKfbPicture(image.view().Crop(0, 0, 30, 20));
    folder_.Put("x.kfb", TextOf(EncodeKfb(source_)));
  }

  Outcome Beside(const std::vector<std::string>& names, bool json = false) {
    InfoOptions options = {.json = json,
                           .include_associated = folder_.PathOf("beside/b")};
    for (const std::string& name : names) {
      options.images.push_back(folder_.PathOf(name));
    }
    return Caught([&] { return RunInfo(RealFileSystem(), options); });
  }

  std::vector<std::string> Written() const {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(folder_.PathOf("beside/b"))) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Image PixelsOf(const std::string& name) const {
    return DecodeImage(ReadBytes(folder_.PathOf("beside/b/" + name)), Limits())
        .value();
  }

  KfbSource source_;
};

TEST_F(AssociatedTest, WithoutTheFlagTheyAreNamedOnly) {
  const std::vector<std::string> before = folder_.Names();
  const Outcome outcome = Info({"x.svs", "x.kfb"});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_NE(outcome.out.find("  beside it, not read: label\n"),
            std::string::npos)
      << outcome.out;
  EXPECT_EQ(folder_.Names(), before);
  const auto list =
      nlohmann::json::parse(Info({"x.svs", "x.kfb"}, /*json=*/true).out);
  EXPECT_EQ(list[0]["associated"],
            (nlohmann::json{"thumbnail", "label", "macro"}));
  EXPECT_EQ(list[1]["associated"], (nlohmann::json{"label", "macro"}));
  EXPECT_FALSE(list[0].contains("associated_files"));
}

TEST_F(AssociatedTest, WithItTheyAreWrittenAsTheyAre) {
  const Outcome outcome = Beside({"x.svs", "x.kfb", "a.png"}, /*json=*/true);
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  const auto list = nlohmann::json::parse(outcome.out);
  const auto svs = list[0]["associated_files"];
  const auto kfb = list[1]["associated_files"];
  ASSERT_EQ(svs.size(), 3) << outcome.out;
  EXPECT_EQ(kfb.size(), 2);
  EXPECT_FALSE(list[2].contains("associated_files"));
  std::vector<std::string> told;
  for (const auto& files : {svs, kfb}) {
    for (const auto& [name, path] : files.items()) {
      const std::filesystem::path file = path.get<std::string>();
      told.push_back(file.filename());
      EXPECT_TRUE(told.back().ends_with("-" + name + ".png")) << file;
      EXPECT_TRUE(told.back().starts_with("x-")) << file;
    }
  }
  std::sort(told.begin(), told.end());
  EXPECT_EQ(Written(), told);
  const auto pixels = [&](const nlohmann::json& path) {
    return PixelsOf(std::filesystem::path(path.get<std::string>()).filename());
  };
  const Image label = pixels(svs["label"]);
  const Image expected = MakeTestImage(20, 20);
  ASSERT_EQ(label.width_px(), 20);
  ASSERT_EQ(label.height_px(), 20);
  for (int64_t y = 0; y < 20; ++y) {
    EXPECT_TRUE(std::equal(label.view().Row(y), label.view().Row(y) + 60,
                           expected.view().Row(y)));
  }
  EXPECT_EQ(pixels(svs["macro"]).width_px(), 40);
  EXPECT_EQ(pixels(svs["thumbnail"]).width_px(), 30);
  const Image of_kfb = DecodeImage(source_.label.jpeg, Limits()).value();
  const Image written = pixels(kfb["label"]);
  ASSERT_EQ(written.width_px(), 30);
  EXPECT_TRUE(std::equal(written.view().data, written.view().data + 30 * 20 * 3,
                         of_kfb.view().data));
  EXPECT_NE(Beside({"x.kfb"}).out.find(
                "  beside it: " + folder_.PathOf("beside/b") + "/x-"),
            std::string::npos);
}

TEST_F(AssociatedTest, ADamagedLabelIsAnErrorOnlyIfAskedFor) {
  Bytes bytes = EncodeKfb(source_);
  const auto at = std::ranges::search(bytes, source_.label.jpeg);
  std::fill(at.begin(), at.end(), std::byte{0x55});
  folder_.Put("x.kfb", TextOf(bytes));
  EXPECT_EQ(Info({"x.kfb"}).code, ExitCode::kWhole);
  const Outcome outcome = Beside({"x.kfb", "a.png"});
  EXPECT_EQ(outcome.code, ExitCode::kPartial);
  EXPECT_TRUE(outcome.err.starts_with("cyto8: " + folder_.PathOf("x.kfb") +
                                      ": label: "))
      << outcome.err;
}

TEST_F(AssociatedTest, AFolderThatCannotBeMadeIsRefused) {
  folder_.Put("beside", "a file");
  const Outcome outcome = Beside({"x.kfb"});
  EXPECT_EQ(outcome.out, "");
  EXPECT_NE(outcome.code, ExitCode::kWhole);
  EXPECT_TRUE(outcome.err.starts_with("cyto8: " + folder_.PathOf("beside")))
      << outcome.err;
}

TEST_F(AssociatedTest, TheFlagTakesAFolder) {
  const Outcome outcome =
      RunProgram({"info", folder_.PathOf("x.kfb"), "--include-associated",
                  folder_.PathOf("beside/b")});
  EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_EQ(Written().size(), 2);
}

}  // namespace
}  // namespace cyto8
