// SPDX-License-Identifier: Apache-2.0
// Tests of app/make_slide_command.h and app/field_list.h: the truth is where
// the pixels are, every kind of damage is written down, bad input is named.
#include "app/make_slide_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/numbers.h"
#include "eval/read_coco.h"
#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"

namespace cyto8 {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Marked fields: cells are red squares on light glass.
Image MarkedField(int64_t width_px, int64_t height_px, const json& boxes) {
  Image image = Image::Create(width_px, height_px).value();
  image.Fill({.red = 225, .green = 230, .blue = 235});
  for (const json& box : boxes) {
    for (int64_t y = box[1]; y < box[1].get<int64_t>() + 40; ++y) {
      for (int64_t x = box[0]; x < box[0].get<int64_t>() + 40; ++x) {
        uint8_t* pixel = image.MutableRow(y) + x * kRgbChannels;
        pixel[0] = 250;
        pixel[1] = pixel[2] = 10;
      }
    }
  }
  return image;
}

class MakeSlideTest : public testing::Test {
 protected:
  MakeSlideTest() {
    truth_ = {{"images",
               {{{"id", 5},
                 {"file_name", "a.png"},
                 {"width", 300},
                 {"height", 200},
                 {"um_per_px", 0.25}},
                {{"id", 6},
                 {"file_name", "b.png"},
                 {"width", 260},
                 {"height", 240},
                 {"um_per_px", 0.25}}}},
              {"categories", {{{"id", 3}, {"name", "HSIL"}}}},
              {"annotations", json::array()}};
    AddField("a.png", 5, 300, 200, {{20, 30, 40, 40}, {180, 120, 40, 40}});
    AddField("b.png", 6, 260, 240, {{100, 60, 40, 40}});
    PutTruth();
    folder_.Put("ATTRIBUTION.txt", "Somebody, CC BY 4.0\n");
  }
  void AddField(const std::string& name, int64_t id, int64_t width_px,
                int64_t height_px, const json& boxes) {
    PutPng(folder_, name, MarkedField(width_px, height_px, boxes).view());
    for (const json& box : boxes) {
      truth_["annotations"].push_back({{"id", next_id_++},
                                       {"image_id", id},
                                       {"category_id", 3},
                                       {"bbox", box}});
    }
  }
  void PutTruth() { folder_.Put("truth.json", truth_.dump()); }

  MakeSlideOptions Options(const std::string& name) const {
    return {.fields = folder_.path(),
            .truth = folder_.PathOf("truth.json"),
            .output = folder_.PathOf(name),
            .width_px = 1500,
            .height_px = 900,
            .um_per_px = 0.5,
            .density = 1,
            .quality = 95};
  }
  Outcome Make(const MakeSlideOptions& options) const {
    return Caught([&] { return RunMakeSlide(RealFileSystem(), options); });
  }
  json Truth(const std::string& name) const {
    return json::parse(folder_.Get(name));
  }
  void ExpectRefused(const MakeSlideOptions& options, ExitCode code,
                     const std::string& message) const {
    const auto names = folder_.Names();
    const Outcome outcome = Make(options);
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.err, "cyto8: " + message + "\n");
    EXPECT_EQ(folder_.Names(), names);
  }

  TemporaryFolder folder_;
  json truth_;
  int64_t next_id_ = 70;
};

struct TiffCloser {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};

// Level 0 by libtiff.
std::vector<uint32_t> PixelsOf(const std::string& path, int64_t width_px,
                               int64_t height_px) {
  const std::unique_ptr<TIFF, TiffCloser> tiff(TIFFOpen(path.c_str(), "r"));
  std::vector<uint32_t> pixels(static_cast<size_t>(width_px * height_px));
  EXPECT_EQ(
      TIFFReadRGBAImageOriented(tiff.get(), static_cast<uint32_t>(width_px),
                                static_cast<uint32_t>(height_px), pixels.data(),
                                ORIENTATION_TOPLEFT, /*stop_on_error=*/1),
      1);
  return pixels;
}

TEST_F(MakeSlideTest, BoxesAreWhereTheMarkedCellsAre) {
  const Outcome outcome = Make(Options("s.svs"));
  ASSERT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  const json truth = Truth("s.json");
  const auto pixels = PixelsOf(folder_.PathOf("s.svs"), 1500, 900);
  std::vector<bool> in_box(pixels.size());
  ASSERT_GE(truth["annotations"].size(), 6u);
  for (const json& cell : truth["annotations"]) {
    EXPECT_EQ(cell["bbox"][2], 20);  // 40 px at half the scale.
    EXPECT_EQ(cell["area"], 400);
    const int64_t x_min = cell["bbox"][0];
    const int64_t y_min = cell["bbox"][1];
    for (int64_t y = y_min; y < y_min + 20; ++y) {
      for (int64_t x = x_min; x < x_min + 20; ++x) {
        in_box[static_cast<size_t>(y * 1500 + x)] = true;
      }
    }
    const auto centre = static_cast<size_t>((y_min + 10) * 1500 + x_min + 10);
    EXPECT_GT(TIFFGetR(pixels[centre]), 230u);
    EXPECT_LT(TIFFGetG(pixels[centre]), 40u);
  }
  // Every red pixel lies in a box, but for JPEG's blur of colours.
  int64_t red = 0;
  int64_t outside = 0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    if (TIFFGetG(pixels[i]) > 60) continue;
    ++red;
    outside += in_box[i] ? 0 : 1;
  }
  const auto cells = static_cast<int64_t>(truth["annotations"].size());
  EXPECT_NEAR(static_cast<double>(red), static_cast<double>(cells * 400),
              static_cast<double>(cells * 40));
  EXPECT_LT(outside, cells);
}

TEST_F(MakeSlideTest, TheTruthSaysWhatTheSlideIs) {
  MakeSlideOptions options = Options("s.kfb");
  options.seams_px = {64, 100};
  const Outcome outcome = Make(options);
  ASSERT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("s.kfb: 1500 x 900 px, 4 levels, "));
  EXPECT_EQ(folder_.Get("s.ATTRIBUTION.txt"), "Somebody, CC BY 4.0\n");
  const json truth = Truth("s.json");
  EXPECT_EQ(truth["info"]["description"],
            "synthetic, made from CRIC fields by cyto8 make-slide; not a slide "
            "scan; attribution in the .json beside it");
  EXPECT_EQ(truth["info"]["attribution"], "Somebody, CC BY 4.0\n");
  EXPECT_EQ(truth["info"]["synthetic"], true);
  EXPECT_EQ(truth["format"], "cyto8-made-slide");
  EXPECT_EQ(truth["images"],
            json::parse("[{\"id\": 1, \"file_name\": \"s.kfb\", \"width\": "
                        "1500, \"height\": 900, \"um_per_px\": 0.5}]"));
  EXPECT_EQ(truth["categories"], truth_["categories"]);
  EXPECT_EQ(truth["damage"], json::array());
  std::map<int64_t, json> cells;  // by placement and source.
  for (const json& cell : truth["annotations"]) {
    cells[cell["placement"].get<int64_t>() * 1000 +
          cell["source_id"].get<int64_t>()] = cell;
  }
  ASSERT_GE(truth["placements"].size(), 8u);
  for (const json& placement : truth["placements"]) {
    const json& seam = placement["seam"];
    const json& box = cells.at(placement["id"].get<int64_t>() * 1000 +
                               seam["source_id"].get<int64_t>())["bbox"];
    const size_t axis = seam["axis"] == "x" ? 0 : 1;
    EXPECT_EQ(seam["at_px"].get<int64_t>() % seam["period_px"].get<int64_t>(),
              0);
    EXPECT_EQ(box[axis].get<double>() + 10, seam["at_px"].get<double>());
  }
  // What scoring and evaluation read it with.
  const std::string text = folder_.Get("s.json");
  const TruthFile parsed = ParseCocoTruth(std::as_bytes(std::span(text)),
                                          Limits(), TruthRules::kStrict)
                               .value();
  EXPECT_EQ(parsed.truth.boxes.size(), truth["annotations"].size());
}

TEST_F(MakeSlideTest, SameSeedSameBytesOtherSeedOtherBytes) {
  for (const std::string ending : {".tif", ".svs", ".kfb"}) {
    MakeSlideOptions options = Options("s" + ending);
    options.width_px = 450;
    options.height_px = 400;
    options.damage = {"missing:2", "flips"};
    ASSERT_EQ(Make(options).code, ExitCode::kWhole);
    const std::string slide = folder_.Get("s" + ending);
    const std::string truth = folder_.Get("s.json");
    ASSERT_EQ(Make(options).code, ExitCode::kWhole);
    EXPECT_EQ(folder_.Get("s" + ending), slide);
    EXPECT_EQ(folder_.Get("s.json"), truth);
    options.seed = 2;
    ASSERT_EQ(Make(options).code, ExitCode::kWhole);
    EXPECT_NE(folder_.Get("s" + ending), slide);
    EXPECT_NE(folder_.Get("s.json"), truth);
  }
}

// Against the same slide undamaged.
TEST_F(MakeSlideTest, DamageIsWhereTheTruthSaysItIs) {
  ASSERT_EQ(Make(Options("whole.svs")).code, ExitCode::kWhole);
  const std::string whole = folder_.Get("whole.svs");
  for (const std::string kind : {"flips", "zeroed"}) {
    MakeSlideOptions options = Options("s.svs");
    options.damage = {kind};
    ASSERT_EQ(Make(options).code, ExitCode::kWhole);
    const std::string damaged = folder_.Get("s.svs");
    const json damage = Truth("s.json")["damage"];
    ASSERT_EQ(damage.size(), 1u);
    EXPECT_EQ(damage[0]["kind"], kind);
    ASSERT_EQ(damaged.size(), whole.size());
    for (size_t i = 0; i < whole.size(); ++i) {
      if (damaged[i] == whole[i]) continue;
      ASSERT_GE(i, damage[0]["begin_byte"].get<size_t>());
      ASSERT_LT(i, damage[0]["end_byte"].get<size_t>());
    }
    EXPECT_NE(damaged, whole);
  }
}

TEST_F(MakeSlideTest, EachKindHitsTilesOfItsOwn) {
  MakeSlideOptions options = Options("s.svs");
  options.damage = {"missing:3", "truncated", "wrong-length:2", "cut"};
  ASSERT_EQ(Make(options).code, ExitCode::kWhole);
  const json damage = Truth("s.json")["damage"];
  std::map<std::string, int64_t> kinds;
  std::set<std::string> tiles;
  for (const json& one : damage) {
    ++kinds[one["kind"]];
    ASSERT_EQ(one["tiles"].size(), 1u);
    tiles.insert(one["tiles"][0].dump());
  }
  EXPECT_EQ(
      kinds,
      (std::map<std::string, int64_t>{
          {"missing", 3}, {"truncated", 1}, {"wrong-length", 2}, {"cut", 1}}));
  EXPECT_EQ(tiles.size(), 7u);
  EXPECT_EQ(damage.back()["kind"], "cut");
  EXPECT_EQ(damage.back()["begin_byte"], folder_.Get("s.svs").size());
}

TEST_F(MakeSlideTest, BadOptionsAreNamedAndNothingIsWritten) {
  const auto refused = [&](auto change, const std::string& message) {
    MakeSlideOptions options = Options("s.svs");
    change(options);
    ExpectRefused(options, ExitCode::kRefused, message);
  };
  using Options = MakeSlideOptions;
  refused([](Options& o) { o.format = "mrxs"; },
          "--format mrxs: must be tiff, svs or kfb");
  refused([](Options& o) { o.output = "s.png"; },
          "s.png: the name of a slide ends in .tif, .tiff, .svs or .kfb, as "
          "its --format");
  refused([](Options& o) { o.output = "d/.svs"; },
          "d/.svs: the name of a slide ends in .tif, .tiff, .svs or .kfb, as "
          "its --format");
  refused([](Options& o) { o.format = "kfb", o.output = "s.svs"; },
          "s.svs: the name of a slide ends in .tif, .tiff, .svs or .kfb, as "
          "its --format");
  refused([](Options& o) { o.width_px = 0; },
          "width_px = 0: must be in [1, 1000000]");
  refused([](Options& o) { o.height_px = 1'000'001; },
          "height_px = 1000001: must be in [1, 1000000]");
  refused([](Options& o) { o.width_px = 300; },
          "width = 300: must be in [406, 1000000]: the largest field and the "
          "widest seam distance must fit");
  refused([](Options& o) { o.um_per_px = 0; },
          "--mpp = 0: must be in [0.05, 5]");
  refused([](Options& o) { o.quality = 101; },
          "--quality = 101: must be in [1, 100]");
  refused([](Options& o) { o.levels = "9"; },
          "--levels = 9: must be in [1, 4]");
  refused([](Options& o) { o.levels = "all"; },
          "--levels all: must be auto or a whole number");
  refused([](Options& o) { o.density = -1; },
          "density = -1: must be in [0, 1]");
  refused([](Options& o) { o.made_from = "a|b"; },
          "--made-from: must be printable ASCII without '|'");
  refused([](Options& o) { o.damage = {"burnt"}; },
          "--damage: \"burnt\": must be one of missing, truncated, "
          "wrong-length, flips, zeroed, cut");
  refused([](Options& o) { o.damage = {"missing:25"}; },
          "--damage missing:25: tiles = 25: must be in [1, 24]");
  refused(
      [](Options& o) {
        o.damage = {"cut", "cut"};
      },
      "--damage cut: tiles = 1: must be in [1, 0]");
  refused([](Options& o) { o.output = "no/folder/s.svs"; },
          "no/folder/s.svs: No such file or directory");
}

TEST_F(MakeSlideTest, FieldsThatCannotBeReadAreNamed) {
  const MakeSlideOptions options = Options("s.svs");
  const std::string a = folder_.PathOf("a.png");
  truth_["images"][0]["width"] = 301;
  PutTruth();
  ExpectRefused(options, ExitCode::kNoInput,
                a + ": size = 300 x 200 px: the truth file states 301 x 200");
  truth_["images"][0]["width"] = 300;
  truth_["images"][0].erase("um_per_px");
  PutTruth();
  ExpectRefused(options, ExitCode::kNoInput,
                a + ": um/px is unknown: the truth file needs its um_per_px");
  truth_["images"][0]["um_per_px"] = 0.25;
  truth_["images"][0]["file_name"] = "none.png";
  PutTruth();
  ExpectRefused(options, ExitCode::kNoInput,
                folder_.PathOf("none.png") + ": No such file or directory");
  truth_["images"] = json::array();
  truth_["annotations"] = json::array();
  PutTruth();
  ExpectRefused(options, ExitCode::kNoInput,
                options.truth + ": images: names no field");
  folder_.Put("truth.json", "no json");
  EXPECT_EQ(Make(options).code, ExitCode::kNoInput);
}

TEST_F(MakeSlideTest, WithoutAttributionTheSlideStillSaysThatItIsMadeUp) {
  const MakeSlideOptions options = Options("s.svs");
  ASSERT_EQ(Make(options).err, "");
  const auto says = [&](const std::string& text) {
    return folder_.Get("s.svs").find(text) != std::string::npos;
  };
  EXPECT_TRUE(says("; attribution in the .json beside it"));
  ASSERT_TRUE(RealFileSystem().Remove(folder_.PathOf("ATTRIBUTION.txt")).ok());
  const Outcome outcome = Make(options);
  EXPECT_EQ(outcome.code, ExitCode::kWhole);
  EXPECT_EQ(outcome.err,
            "cyto8: warning: " + folder_.path() +
                ": no ATTRIBUTION.txt there or beside --truth, so the slide "
                "names no source of its fields\n");
  // Not that of the run before.
  EXPECT_THAT(folder_.Names(),
              testing::Not(testing::Contains("s.ATTRIBUTION.txt")));
  const std::string statement =
      "synthetic, made from CRIC fields by cyto8 make-slide; not a slide scan";
  const json truth = Truth("s.json");
  EXPECT_EQ(truth["info"]["description"], statement);
  EXPECT_EQ(truth["info"]["attribution"], "");
  EXPECT_TRUE(says(statement));
  EXPECT_FALSE(says("attribution in"));
}

TEST_F(MakeSlideTest, AttributionMayStandBesideTheTruth) {
  ASSERT_TRUE(RealFileSystem().MakeDirectory(folder_.PathOf("t")).ok());
  ASSERT_TRUE(RealFileSystem().Remove(folder_.PathOf("ATTRIBUTION.txt")).ok());
  folder_.Put("t/truth.json", truth_.dump());
  folder_.Put("t/ATTRIBUTION.txt", "Somebody else\n");
  MakeSlideOptions options = Options("s.svs");
  options.truth = folder_.PathOf("t/truth.json");
  EXPECT_EQ(Make(options).err, "");
  EXPECT_EQ(folder_.Get("s.ATTRIBUTION.txt"), "Somebody else\n");
}

TEST_F(MakeSlideTest, AnInputIsNeverWrittenOver) {
  const std::string truth = folder_.Get("truth.json");
  const auto refused = [&](const std::string& output,
                           const std::string& written) {
    MakeSlideOptions options = Options("s.svs");
    options.output = output;
    ExpectRefused(
        options, ExitCode::kRefused,
        "-o " + output + ": " + written + " would be written, and is an input");
  };
  const std::string stem = folder_.PathOf("truth");
  refused(stem + ".svs", stem + ".json");
  const std::string detour = folder_.path() + "/./x/../truth";
  refused(detour + ".tif", detour + ".json");
  EXPECT_EQ(folder_.Get("truth.json"), truth);
  // A field may have the name of a slide.
  folder_.Put("c.tif", folder_.Get("a.png"));
  truth_["images"][0]["file_name"] = "c.tif";
  PutTruth();
  refused(folder_.PathOf("c.tif"), folder_.PathOf("c.tif"));
  EXPECT_EQ(folder_.Get("c.tif"), folder_.Get("a.png"));
}

TEST_F(MakeSlideTest, ADiskThatIsFullLeavesNoSlideWithoutItsTruth) {
  const auto before = folder_.Names();
  MakeSlideOptions options = Options("s.kfb");
  options.width_px = 450;
  options.height_px = 400;
  for (int64_t index = 0;; ++index) {
    FaultyFileSystem files(RealFileSystem());
    files.Arm({.kind = FileCall::kWrite,
               .index = index,
               .error_number = ENOSPC,
               .lasting = true});
    const Outcome outcome =
        Caught([&] { return RunMakeSlide(files, options); });
    if (outcome.code == ExitCode::kWhole) {
      EXPECT_GE(index, 4);  // slide, upper levels, truth, attribution.
      break;
    }
    EXPECT_EQ(outcome.code, ExitCode::kTemporary);
    EXPECT_THAT(outcome.err, HasSubstr("No space left on device"));
    EXPECT_THAT(folder_.Names(), testing::Not(testing::Contains("s.kfb")));
  }
  EXPECT_THAT(folder_.Names(), testing::IsSupersetOf(before));
  EXPECT_EQ(folder_.Names().size(), before.size() + 3);
}

TEST(MakeSlideCommandLineTest, FlagsReachTheCommand) {
  const Outcome outcome =
      RunProgram({"make-slide", "none", "--truth", "t.json", "--width", "100",
                  "--height", "100", "--seam-px", "64,128", "--damage",
                  "missing:2,cut", "-o", "s.tif"});
  EXPECT_EQ(outcome.code, ExitCode::kRefused);
  EXPECT_EQ(outcome.err,
            "cyto8: --damage missing:2: tiles = 2: must be in [1, 1]\n");
  EXPECT_EQ(RunProgram({"make-slide", "none"}).code, ExitCode::kRefused);
  EXPECT_EQ(RunProgram({"make-slide", "--help"}).code, ExitCode::kWhole);
}

}  // namespace
}  // namespace cyto8
