// SPDX-License-Identifier: Apache-2.0
// Tests of app/eval_input.h and app/eval_run_folder.h: result lists by id,
// folders by name, and no image that failed taken for an empty one.
#include "app/eval_input.h"

#include <gtest/gtest.h>

#include "app/eval_run_folder.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

StatusOr<RunFolder> Manifest(std::string_view text) {
  return ParseRunManifest(std::as_bytes(std::span(text)), Limits());
}

TEST(RunManifestReadingTest, TakesImagesClassesAndGroups) {
  const RunFolder run = Manifest(R"({
    "format": "cyto8-run", "version": 1, "extra": 3,
    "model": {"classes": [{"id": 2, "name": "HSIL"}],
              "groups": {"high": ["HSIL"]}},
    "images": [{"image_id": 7, "path": "in/x.jpg", "status": "done"}]})")
                            .value();
  ASSERT_EQ(run.images.size(), 1);
  EXPECT_EQ(run.images[0].image_id, 7);
  EXPECT_EQ(run.images[0].path, "in/x.jpg");
  EXPECT_EQ(run.images[0].status, "done");
  EXPECT_EQ(run.classes.at(2), "HSIL");
  EXPECT_EQ(run.groups.at("high"), std::vector<std::string>({"HSIL"}));
}

const std::string kHash = std::string(60, 'a') + "09bf";

TEST(RunManifestReadingTest, TakesHashesOfImagesAndCalibration) {
  const RunFolder run = Manifest(R"({"format": "cyto8-run", "version": 1,
    "model": {"calibration_sha256": [")" +
                                 kHash + R"(", ")" + kHash + R"("]},
    "images": [{"image_id": 7, "path": "x", "status": "done",
                "sha256": "abc"}]})")
                            .value();
  EXPECT_EQ(run.calibration_sha256, std::set<std::string>({kHash}));
  EXPECT_EQ(run.images[0].sha256, "abc");
}

TEST(RunManifestReadingTest, HashesAre64LowerCaseHexDigits) {
  EXPECT_TRUE(IsSha256Text(kHash));
  EXPECT_FALSE(IsSha256Text(""));
  EXPECT_FALSE(IsSha256Text(kHash + "0"));
  EXPECT_FALSE(IsSha256Text(kHash.substr(1)));
  EXPECT_FALSE(IsSha256Text(kHash.substr(1) + "A"));
  EXPECT_FALSE(IsSha256Text(kHash.substr(1) + "g"));
}

TEST(RunManifestReadingTest, OldTreesHaveNoClasses) {
  const auto run =
      Manifest(R"({"format": "cyto8-run", "version": 1, "images": []})");
  ASSERT_TRUE(run.ok());
  EXPECT_TRUE(run->classes.empty());
  EXPECT_TRUE(run->calibration_sha256.empty());
}

TEST(RunManifestReadingTest, OtherFilesAreRefused) {
  const auto refusal = [](std::string_view text) {
    return Manifest(text).status().message();
  };
  const auto with = [&](const std::string& rest) {
    return refusal(R"({"format": "cyto8-run", "version": 1, )" + rest + "}");
  };
  EXPECT_EQ(refusal(""), "size in bytes = 0: must be in [1, 1073741824]");
  EXPECT_EQ(refusal("{"), "must be a JSON object");
  EXPECT_EQ(refusal("[]"), "must be a JSON object");
  EXPECT_EQ(refusal("{}"), "format: must be a text");
  EXPECT_EQ(refusal(R"({"format": "x"})"),
            "format = \"x\": must be \"cyto8-run\"");
  EXPECT_EQ(refusal(R"({"format": "cyto8-run", "version": 2})"),
            "version = 2: must be in [1, 1]");
  EXPECT_EQ(with(R"("images": 3)"), "images: must be a list");
  EXPECT_EQ(with(R"("images": [3])"), "images[0]: must be an object");
  EXPECT_EQ(with(R"("images": [{}])"),
            "images[0]: image_id: must be a whole number");
  EXPECT_EQ(with(R"("images": [{"image_id": 1, "path": 2}])"),
            "images[0]: path: must be a text");
  EXPECT_EQ(with(R"("images": [{"image_id": 1, "path": "x"}])"),
            "images[0]: status: must be a text");
  EXPECT_EQ(with(R"("images": [{"image_id": 1, "path": "x", "status": "done"},
                         {"image_id": 1, "path": "y", "status": "done"}])"),
            "images[1].image_id = 1: stands twice");
  EXPECT_EQ(with(R"("images": [], "model": {"classes": {}})"),
            "model.classes: must be a list");
  EXPECT_EQ(with(R"("images": [], "model": {"classes": [{"id": "x"}]})"),
            "model.classes[0]: id: must be a whole number");
  EXPECT_EQ(with(R"("images": [], "model": {"groups": {"g": "x"}})"),
            "model.groups.g: must be a list of class names");
  EXPECT_EQ(with(R"("images": [{"image_id": 1, "path": "x", "status": "done",
                          "sha256": 3}])"),
            "images[0]: sha256: must be a text");
  EXPECT_EQ(with(R"("images": [], "model": {"calibration_sha256": "x"})"),
            "model.calibration_sha256: must be a list");
  EXPECT_EQ(with(R"("images": [], "model": {"calibration_sha256": [3]})"),
            "model.calibration_sha256[0] = \"3\": must be 64 lower-case hex "
            "digits");
  EXPECT_EQ(with(R"("images": [], "model": {"calibration_sha256": [")" + kHash +
                 R"(", "AB"]})"),
            "model.calibration_sha256[1] = \"AB\": must be 64 lower-case hex "
            "digits");
}

constexpr std::string_view kTruth = R"({
  "images": [{"id": 1, "file_name": "x.jpg", "width": 100, "height": 50},
             {"id": 2, "file_name": "y.jpg", "width": 100, "height": 50}],
  "categories": [{"id": 1, "name": "NILM"}, {"id": 2, "name": "HSIL"}],
  "annotations": [
    {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 10, 10]},
    {"id": 2, "image_id": 2, "category_id": 2, "bbox": [0, 0, 10, 10]}]})";

// Other ids than those of the truth, for images as for classes.
std::string RunJson(const std::string& status_of_y) {
  return R"({"format": "cyto8-run", "version": 1,
    "model": {"classes": [{"id": 1, "name": "HSIL"}, {"id": 2, "name": "NILM"},
                          {"id": 3, "name": "SCC"}],
              "groups": {"high": ["HSIL"]}},
    "images": [
      {"image_id": 10, "path": "in/y.png", "status": ")" +
         status_of_y + R"("},
      {"image_id": 20, "path": "in/x.jpg", "status": "done"}]})";
}

std::string Entry(int image, int class_id, const std::string& box,
                  const std::string& score) {
  return "{\"image_id\": " + std::to_string(image) +
         ", \"category_id\": " + std::to_string(class_id) +
         ", \"bbox\": " + box + ", \"score\": " + score + "}";
}

constexpr const char* kBox = "[1, 2, 3, 4]";

class EvalInputTest : public testing::Test {
 protected:
  EvalInputTest() {
    folder_.Put("truth.json", kTruth);
    truth_ = ReadTruth(RealFileSystem(), folder_.PathOf("truth.json"),
                       EvalStyle::kOwn, Limits())
                 .value()
                 .truth;
    PutRun(RunJson("done"), "[" + Entry(10, 1, kBox, "0.5") + "," +
                                Entry(20, 2, "[200, 0, 5, 5]", "0.2") + "]");
  }

  void PutRun(const std::string& run, const std::string& list) {
    MakeDirectories(RealFileSystem(), folder_.PathOf("out")).ok();
    folder_.Put("out/run.json", run);
    folder_.Put("out/coco_results.json", list);
  }

  StatusOr<Predictions> Read(const std::string& name) {
    return ReadPredictions(RealFileSystem(), folder_.PathOf(name), truth_,
                           settings_, Limits());
  }
  // Without the name of the folder.
  std::string Refusal(const std::string& name) {
    const auto read = Read(name);
    EXPECT_EQ(read.status().code(), StatusCode::kInvalidArgument);
    std::string message = read.status().message();
    if (message.starts_with(folder_.path())) {
      message.erase(0, folder_.path().size() + 1);
    }
    return message;
  }

  TemporaryFolder folder_;
  TruthSet truth_;
  EvalSettings settings_;
};

TEST_F(EvalInputTest, AFolderJoinsImagesAndClassesByName) {
  const Predictions read = Read("out").value();
  ASSERT_EQ(read.found.size(), 2);
  EXPECT_EQ(read.found[0].image_id, 2);
  EXPECT_EQ(read.found[0].class_id, 2);
  EXPECT_EQ(read.found[1].image_id, 1);
  EXPECT_EQ(read.found[1].class_id, 1);
  EXPECT_EQ(read.read, 2);
  EXPECT_EQ(read.outside, 1);
  EXPECT_EQ(read.joined_by,
            "images by relative path, else stem, classes by name");
  EXPECT_EQ(read.card_groups.at("high"), std::vector<std::string>({"HSIL"}));
}

TEST_F(EvalInputTest, OldFoldersJoinClassesById) {
  PutRun(R"({"format": "cyto8-run", "version": 1, "images": [
           {"image_id": 10, "path": "y.jpg", "status": "done"},
           {"image_id": 20, "path": "x.jpg", "status": "done"}]})",
         "[" + Entry(10, 1, kBox, "1") + "]");
  const Predictions read = Read("out").value();
  EXPECT_EQ(read.found[0].class_id, 1);
  EXPECT_EQ(read.joined_by,
            "images by relative path, else stem, classes by category_id");
}

TEST_F(EvalInputTest, AFailedImageIsNeverAnEmptyOne) {
  for (const char* status : {"failed", "partial", "held", "?"}) {
    PutRun(RunJson(status), "[]");
    EXPECT_EQ(Refusal("out"),
              "out/run.json: image \"in/y.png\" of the run is not done; "
              "--allow-missing evaluates the images that both sides have");
  }
  settings_.allow_missing = true;
  const Predictions read = Read("out").value();
  EXPECT_EQ(read.missing_image_ids, std::vector<int64_t>({2}));
  EXPECT_EQ(read.extra_images, 0);
}

TEST_F(EvalInputTest, ImagesOfOneSideOnlyAreErrors) {
  PutRun(R"({"format": "cyto8-run", "version": 1, "images": [
           {"image_id": 10, "path": "x.jpg", "status": "done"}]})",
         "[]");
  EXPECT_EQ(Refusal("out"),
            "out/run.json: image \"y.jpg\" of the truth has no result; "
            "--allow-missing evaluates the images that both sides have");
  PutRun(R"({"format": "cyto8-run", "version": 1, "images": [
           {"image_id": 10, "path": "a.jpg", "status": "done"},
           {"image_id": 11, "path": "b.jpg", "status": "failed"}]})",
         "[" + Entry(10, 1, kBox, "1") + "]");
  EXPECT_EQ(Refusal("out"),
            "out/run.json: image \"a.jpg\" of the run is not in the truth (2 "
            "such images); --allow-missing evaluates the images that both "
            "sides have");
  settings_.allow_missing = true;
  const Predictions read = Read("out").value();
  EXPECT_EQ(read.missing_image_ids, std::vector<int64_t>({1, 2}));
  EXPECT_EQ(read.extra_images, 2);
  EXPECT_TRUE(read.found.empty());
}

TEST_F(EvalInputTest, AnImageOfTheCalibrationIsNeverEvaluated) {
  const std::string other = std::string(64, 'b');
  const auto put = [&](const std::string& hash_of_x) {
    PutRun(R"({"format": "cyto8-run", "version": 1,
      "model": {"calibration_sha256": [")" +
               kHash + R"("]}, "images": [
        {"image_id": 1, "path": "y.jpg", "status": "done", "sha256": ")" +
               other + R"("},
        {"image_id": 2, "path": "x.jpg", "status": "done", "sha256": ")" +
               hash_of_x + R"("}]})",
           "[]");
  };
  put(other);
  EXPECT_EQ(Read("out")->joined_by,
            "images by relative path, else stem, classes by category_id, none "
            "is among the model's 1 calibration images");
  put(kHash);
  EXPECT_EQ(Refusal("out"),
            "out/run.json: image \"x.jpg\" was used to calibrate the model; an "
            "evaluation must not hold such an image");
  put("");
  EXPECT_EQ(Refusal("out"),
            "out/run.json: image \"x.jpg\": sha256 = \"\": must be 64 "
            "lower-case hex digits, to tell it from the model's calibration "
            "images");
  LeaveOutImages({1}, truth_);  // x.jpg takes no part.
  settings_.allow_missing = true;
  put(kHash);
  EXPECT_TRUE(Read("out").ok());
}

TEST_F(EvalInputTest, ListAndManifestOfAFolderMustAgree) {
  PutRun(RunJson("done"), "[" + Entry(30, 1, kBox, "1") + "]");
  EXPECT_EQ(Refusal("out"),
            "out/coco_results.json: [0].image_id = 30: run.json has no such "
            "image");
  PutRun(RunJson("done"), "[" + Entry(10, 9, kBox, "1") + "]");
  EXPECT_EQ(Refusal("out"),
            "out/coco_results.json: category_id = 9: run.json has no such "
            "class");
  PutRun(RunJson("done"), "[" + Entry(10, 3, kBox, "1") + "]");
  EXPECT_EQ(Refusal("out"),
            "out/coco_results.json: class \"SCC\" of the run is not in the "
            "truth");
}

TEST_F(EvalInputTest, AFolderWithoutItsFilesCannotBeRead) {
  EXPECT_EQ(Read("no").status().code(), StatusCode::kNotFound);
  MakeDirectories(RealFileSystem(), folder_.PathOf("empty")).ok();
  EXPECT_EQ(Read("empty").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Read("empty").status().message(),
            folder_.PathOf("empty/run.json") + ": No such file or directory");
}

TEST_F(EvalInputTest, AListJoinsById) {
  folder_.Put("list.json", "[" + Entry(2, 1, kBox, "0.5") + "]");
  const Predictions read = Read("list.json").value();
  EXPECT_EQ(read.found[0].image_id, 2);
  EXPECT_EQ(read.joined_by, "images by image_id, classes by category_id");
  EXPECT_TRUE(read.missing_image_ids.empty());
}

TEST_F(EvalInputTest, OurOwnStyleRefusesWhatCannotBeCompared) {
  const auto refusal = [&](const std::string& entry) {
    folder_.Put("list.json",
                "[" + Entry(1, 1, kBox, "0.5") + ", " + entry + "]");
    return Refusal("list.json");
  };
  EXPECT_EQ(refusal(Entry(3, 1, kBox, "1")),
            "list.json: [1].image_id = 3: the truth has no such image");
  EXPECT_EQ(refusal(Entry(1, 99, kBox, "1")),
            "list.json: [1].category_id = 99: the truth has no such class");
  EXPECT_EQ(refusal(Entry(1, 1, "[1, 2, -3, 4]", "1")),
            "list.json: [1].bbox: width = -3: must be in [0, 1e+09]");
  settings_.style = EvalStyle::kCoco;
  EXPECT_TRUE(Read("list.json").ok());
}

TEST_F(EvalInputTest, ScoresNotAboveTheCutAreLeftOut) {
  folder_.Put("list.json", "[" + Entry(1, 1, kBox, "0.5") + "," +
                               Entry(1, 1, kBox, "0.50001") + "]");
  settings_.min_score = 0.5;
  const Predictions read = Read("list.json").value();
  EXPECT_EQ(read.read, 2);
  ASSERT_EQ(read.found.size(), 1);
  EXPECT_EQ(read.found[0].score, 0.50001);
}

TEST_F(EvalInputTest, StyleCocoJoinsAFolderByIds) {
  settings_.style = EvalStyle::kCoco;
  PutRun(R"({"format": "cyto8-run", "version": 1, "images": [
           {"image_id": 1, "path": "y.jpg", "status": "done"},
           {"image_id": 2, "path": "x.jpg", "status": "done"}]})",
         "[" + Entry(1, 77, kBox, "1") + "]");
  const Predictions read = Read("out").value();
  ASSERT_EQ(read.found.size(), 1);
  EXPECT_EQ(read.found[0].image_id, 1);
  EXPECT_EQ(read.found[0].class_id, 77);
}

TEST_F(EvalInputTest, ImagesAreLeftOutOfBothSides) {
  std::vector<FoundBox> found = Read("out")->found;
  LeaveOutImages({2}, truth_);
  LeaveOutImages({2}, found);
  ASSERT_EQ(truth_.images.size(), 1);
  EXPECT_EQ(truth_.images[0].id, 1);
  ASSERT_EQ(truth_.boxes.size(), 1);
  EXPECT_EQ(truth_.boxes[0].image_id, 1);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0].image_id, 1);
}

}  // namespace
}  // namespace cyto8
