// SPDX-License-Identifier: Apache-2.0
// The bundled model on the four bundled fields, from JPEG files to boxes,
// against what TensorFlow found there (data/golden/d2_val_detections.json).
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/score_command.h"
#include "base/box.h"
#include "base/sha256.h"
#include "detector/import/model_file.h"
#include "tests/app/app_fixture.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

const std::string kData = CYTO8_SOURCE_DIR "/data";
constexpr double kMinScore = 0.2;

struct FoundBox {
  int64_t image_id = 0;
  int64_t class_id = 0;
  Box box;
  double score = 0;
};

std::vector<FoundBox> BoxesOf(const nlohmann::json& list) {
  std::vector<FoundBox> boxes;
  for (const nlohmann::json& entry : list) {
    const std::vector<double> bbox = entry.at("bbox");
    boxes.push_back({.image_id = entry.at("image_id"),
                     .class_id = entry.value("category_id", int64_t{0}),
                     .box = {.x_min = bbox[0],
                             .y_min = bbox[1],
                             .x_max = bbox[0] + bbox[2],
                             .y_max = bbox[1] + bbox[3]},
                     .score = entry.at("score")});
  }
  return boxes;
}

class D2GoldenTest : public testing::Test {
 protected:
  // The four fields into folder/name.
  std::vector<FoundBox> Score(const std::string& name, bool class_agnostic,
                              const std::string& model = "d2-cells.yaml") {
    ScoreRequest options;
    ScoreSettings& settings = options.resolved.settings;
    for (const auto& entry : fs::directory_iterator(kData + "/fields")) {
      if (entry.path().extension() == ".jpg") {
        options.images.push_back(entry.path().string());
      }
    }
    std::sort(options.images.begin(), options.images.end());
    EXPECT_EQ(options.images.size(), 4);
    settings.input.model = kData + "/models/" + model;
    settings.output.output = folder_.PathOf(name);
    settings.input.mpp_from = kData + "/fields/fields.json";
    settings.postprocess.min_score = kMinScore;
    settings.postprocess.class_agnostic = class_agnostic;
    const Outcome outcome =
        Caught([&] { return RunScore(RealFileSystem(), options); });
    EXPECT_EQ(outcome.code, ExitCode::kWhole) << outcome.err;
    return BoxesOf(nlohmann::json::parse(
        TextOf(ReadBytes(folder_.PathOf(name + "/coco_results.json")))));
  }

  TemporaryFolder folder_;
};

struct Likeness {
  double min_iou = 0.98;
  double score = 2e-3;
};

// Boxes of `a` without a partner in `b` that is so like it, each partner once.
std::vector<FoundBox> Unmatched(const std::vector<FoundBox>& a,
                                std::vector<FoundBox> b,
                                const Likeness& like = {}) {
  std::vector<FoundBox> lonely;
  for (const FoundBox& box : a) {
    const auto partner =
        std::find_if(b.begin(), b.end(), [&](const FoundBox& other) {
          return other.image_id == box.image_id &&
                 Iou(other.box, box.box) >= like.min_iou &&
                 std::abs(other.score - box.score) <= like.score;
        });
    if (partner == b.end()) {
      lonely.push_back(box);
    } else {
      b.erase(partner);
    }
  }
  return lonely;
}

// None missing and none too many, but for scores within 2e-3 of the cut.
void ExpectOnlyAtTheCut(const std::vector<FoundBox>& lonely) {
  constexpr double kCut = 2e-3;
  for (const FoundBox& box : lonely) {
    EXPECT_LE(box.score, kMinScore + kCut)
        << "image " << box.image_id << " x " << box.box.x_min << " y "
        << box.box.y_min;
  }
}

nlohmann::json Golden() {
  return nlohmann::json::parse(
      TextOf(ReadBytes(kData + "/golden/d2_val_detections.json")));
}

TEST_F(D2GoldenTest, ClassAgnosticBoxesAreThoseOfTensorFlow) {
  const nlohmann::json golden = Golden();
  const auto digest = Sha256(ReadBytes(kData + "/models/d2-cells.pb"));
  ASSERT_EQ(golden.at("sha256"), ToHex(digest.value()))
      << "not of this model: tools/golden/d2_val_detections.py";
  const std::vector<FoundBox> expected = BoxesOf(golden.at("detections"));
  ASSERT_EQ(expected.size(), 207);
  const std::vector<FoundBox> found = Score("out", /*class_agnostic=*/true);
  ExpectOnlyAtTheCut(Unmatched(expected, found));
  ExpectOnlyAtTheCut(Unmatched(found, expected));
}

// The committed .cy8 can be read, was made of the committed model and card, and
// finds nine of ten boxes that TensorFlow is sure of nearly there.
TEST_F(D2GoldenTest, TheBundledInt8ModelIsThatOfTheBundledCard) {
  const std::string path = kData + "/models/d2-cells.";
  const auto file = ReadModelFile(RealFileSystem(), path + "cy8");
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->card, TextOf(ReadBytes(path + "yaml")));
  constexpr double kSure = 0.3;
  std::vector<FoundBox> expected = BoxesOf(Golden().at("detections"));
  std::erase_if(expected,
                [](const FoundBox& box) { return box.score < kSure; });
  ASSERT_EQ(expected.size(), 167);
  const std::vector<FoundBox> found =
      Score("out", /*class_agnostic=*/true, "d2-cells.cy8");
  EXPECT_LE(Unmatched(expected, found, {.min_iou = 0.8, .score = 0.1}).size(),
            16);
}

TEST_F(D2GoldenTest, PerClassBoxesOfOneClassNeverOverlapBeyondTheThreshold) {
  constexpr double kMaxIou = 0.5;
  constexpr double kRounding = 2e-3;  // two decimals in the file.
  const std::vector<FoundBox> found = Score("out", /*class_agnostic=*/false);
  EXPECT_GT(found.size(), 207);
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_GT(found[i].score, kMinScore - 1e-6);
    for (size_t j = 0; j < i; ++j) {
      if (found[i].image_id == found[j].image_id &&
          found[i].class_id == found[j].class_id) {
        EXPECT_LE(Iou(found[i].box, found[j].box), kMaxIou + kRounding);
      }
    }
  }
}

TEST_F(D2GoldenTest, ASecondRunGivesTheSameBytes) {
  Score("one", /*class_agnostic=*/true);
  Score("two", /*class_agnostic=*/true);
  size_t files = 0;
  for (const auto& entry :
       fs::recursive_directory_iterator(folder_.PathOf("one"))) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name == "run.json" ||
        name == "timing.csv" || name == "state.json") {
      continue;
    }
    const fs::path twin = fs::path(folder_.PathOf("two")) /
                          fs::relative(entry.path(), folder_.PathOf("one"));
    EXPECT_EQ(ReadBytes(entry.path().string()), ReadBytes(twin.string()));
    ++files;
  }
  EXPECT_EQ(files, 1 + 3 + 4 * 8);
}

}  // namespace
}  // namespace cyto8
