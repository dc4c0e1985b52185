// SPDX-License-Identifier: Apache-2.0
// Tests for quantize_command.h, quantize_command_line.h and calibration_run.h.
#include "app/quantize_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "detector/import/model_file.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

using testing::HasSubstr;

class QuantizeCommandTest : public testing::Test {
 protected:
  QuantizeCommandTest() {
    PutMiniModel(folder_);
    PutPng(folder_, "a.png", MakeTestImage(128, 128).view());
    PutPng(folder_, "b.png", MakeTestImage(100, 90).view());
  }

  std::string Path(const std::string& name) const {
    return folder_.PathOf(name);
  }
  Outcome Quantize(const std::vector<std::string>& images,
                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {
        "quantize", "--model", Path("mini.yaml"), "--mpp",
        "0.5",      "-o",      Path("m.cy8"),     "--calib"};
    for (const std::string& image : images) words.push_back(Path(image));
    words.insert(words.end(), more.begin(), more.end());
    return RunProgram(words);
  }
  void ExpectRefused(const Outcome& outcome, const std::string& why) const {
    EXPECT_EQ(outcome.code, ExitCode::kRefused);
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_FALSE(std::filesystem::exists(Path("m.cy8")));
  }

  TemporaryFolder folder_;
};

TEST_F(QuantizeCommandTest, MakesAModelThatScores) {
  const Outcome made =
      Quantize({"a.png", "b.png"}, {"--report", Path("report")});
  EXPECT_EQ(made.code, ExitCode::kWhole) << made.err;
  EXPECT_THAT(made.out, HasSubstr("calibrated on 2 tiles of 2 images"));
  EXPECT_TRUE(std::filesystem::exists(Path("report/layers.csv")));
  const auto model = ReadModelFile(RealFileSystem(), Path("m.cy8"));
  ASSERT_TRUE(model.ok()) << model.status().message();
  const std::string hash = HexSha256(ReadBytes(Path("a.png")));
  EXPECT_THAT(model->provenance, HasSubstr(hash));

  PutPng(folder_, "c.png", MakeTestImage(60, 128).view());
  const Outcome scored =
      RunProgram({"score", Path("c.png"), "--model", Path("m.cy8"), "--mpp",
                  "0.5", "--overlap", "16", "-o", Path("out")});
  EXPECT_EQ(scored.code, ExitCode::kWhole) << scored.err;
  const std::string manifest(TextOf(ReadBytes(Path("out/run.json"))));
  EXPECT_THAT(manifest, HasSubstr(hash));
  EXPECT_THAT(manifest, HasSubstr(HexSha256(ReadBytes(Path("m.cy8")))));
}

TEST_F(QuantizeCommandTest, ThreadsAndOrderDoNotShowInTheModel) {
  ASSERT_EQ(Quantize({"a.png", "b.png"}, {"--threads", "1"}).code,
            ExitCode::kWhole);
  const std::vector<std::byte> one = ReadBytes(Path("m.cy8"));
  ASSERT_EQ(Quantize({"b.png", "a.png"}, {"--threads", "2"}).code,
            ExitCode::kWhole);
  EXPECT_TRUE(one == ReadBytes(Path("m.cy8")));
}

TEST_F(QuantizeCommandTest, RefusesWhatCannotBeCalibratedOn) {
  std::filesystem::create_directory(Path("none"));
  ExpectRefused(Quantize({"none"}),
                "--calib: no JPEG, PNG or TIFF file among the given files");
  ExpectRefused(Quantize({"lost.png"}), "lost.png: No such file or directory");
  PutPng(folder_, "black.png", Image::Create(200, 50)->view());
  ExpectRefused(Quantize({"a.png", "black.png"}),
                "black.png: all pixels have one colour: calibration images "
                "must show what the network will see");
}

TEST_F(QuantizeCommandTest, RefusesBadWords) {
  ExpectRefused(Quantize({"a.png"}, {"--range", "most"}),
                "--range: range method = \"most\": must be one of min_max, "
                "percentile, kl, mse, search");
  ExpectRefused(Quantize({"a.png"}, {"--clip-weight", "0.5"}),
                "clip_weight = 0.5: must be in [1, 1000]");
  ExpectRefused(Quantize({"a.png"}, {"--exclude-node", "nobody"}),
                "excluded node \"nobody\" matches nothing in the network");
  ExpectRefused(Quantize({"a.png"}, {"--exclude-op", "Conv3D"}),
                "excluded operator \"Conv3D\" matches nothing in the network; "
                "did you mean \"Conv2D\"?");
  const Outcome ending =
      RunProgram({"quantize", "--model", Path("mini.yaml"), "--calib",
                  Path("a.png"), "-o", Path("m.pb")});
  ExpectRefused(ending, "m.pb: must end in .cy8");
}

TEST_F(QuantizeCommandTest, AFailedRunLeavesTheLastModel) {
  ASSERT_EQ(Quantize({"a.png"}).code, ExitCode::kWhole);
  const std::vector<std::byte> last = ReadBytes(Path("m.cy8"));
  EXPECT_EQ(Quantize({"lost.png"}).code, ExitCode::kRefused);
  EXPECT_TRUE(last == ReadBytes(Path("m.cy8")));
  const Outcome again =
      RunProgram({"quantize", "--model", Path("m.cy8"), "--calib",
                  Path("a.png"), "--mpp", "0.5", "-o", Path("n.cy8")});
  EXPECT_EQ(again.code, ExitCode::kRefused);
  EXPECT_THAT(again.err, HasSubstr("m.cy8: is quantized already"));
}

}  // namespace
}  // namespace cyto8
