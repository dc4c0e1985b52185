// SPDX-License-Identifier: Apache-2.0
// Tests of eval/read_coco.h: what is kept of a file, what is refused and in
// which words, and that a file cut anywhere is an error and nothing worse.
#include "eval/read_coco.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cyto8 {
namespace {

StatusOr<TruthFile> Truth(std::string_view text,
                          TruthRules rules = TruthRules::kStrict) {
  return ParseCocoTruth(std::as_bytes(std::span(text)), Limits(), rules);
}

StatusOr<TruthFile> LenientTruth(std::string_view text) {
  return Truth(text, TruthRules::kPycocotools);
}

StatusOr<std::vector<FoundBox>> Results(std::string_view text) {
  return ParseCocoResults(std::as_bytes(std::span(text)), Limits());
}

constexpr std::string_view kTruth = R"({
  "info": {"images": [1, {"id": 2}], "x": [[[]]]}, "licenses": null,
  "annotations": [
    {"id": 5, "image_id": 7, "category_id": 2, "bbox": [1.5, 2, 30, 40.25],
     "area": 9, "iscrowd": 1, "segmentation": {"size": [1, 2], "id": 9}},
    {"id": 6, "image_id": 7, "category_id": 1, "bbox": [90, -1, 20, 2],
     "segmentation": [[1, 2, 3]]},
    {"id": 4, "image_id": 7.0, "category_id": 1, "bbox": [9, 9, 0, 2],
     "iscrowd": false}],
  "images": [
    {"id": 7, "file_name": "a/x.jpg", "width": 100, "height": 50},
    {"id": 3}],
  "categories": [{"id": 2, "name": "HSIL"}, {"id": 1, "name": "NILM"}]})";

TEST(CocoTruthTest, KeepsWhatItNeedsInFileOrder) {
  const TruthFile file = Truth(kTruth).value();
  const TruthSet& truth = file.truth;
  ASSERT_EQ(truth.images.size(), 2);
  EXPECT_EQ(truth.images[0].id, 7);
  EXPECT_EQ(truth.images[0].file_name, "a/x.jpg");
  EXPECT_EQ(truth.images[0].width_px, 100);
  EXPECT_EQ(truth.images[0].height_px, 50);
  EXPECT_EQ(truth.images[1].file_name, "");
  EXPECT_EQ(truth.images[1].width_px, 0);
  ASSERT_EQ(truth.classes.size(), 2);
  EXPECT_EQ(truth.classes[0].id, 2);
  EXPECT_EQ(truth.classes[0].name, "HSIL");
  ASSERT_EQ(truth.boxes.size(), 3);
  EXPECT_EQ(truth.boxes[0].id, 5);
  EXPECT_EQ(truth.boxes[0].class_id, 2);
  EXPECT_EQ(truth.boxes[0].box,
            (EvalBox{.x = 1.5, .y = 2, .width = 30, .height = 40.25}));
  EXPECT_EQ(truth.boxes[0].area, 9);
  EXPECT_TRUE(truth.boxes[0].is_crowd);
  EXPECT_EQ(truth.boxes[1].area, 40);  // not stated: width * height.
  EXPECT_FALSE(truth.boxes[1].is_crowd);
  EXPECT_EQ(truth.boxes[2].image_id, 7);
  EXPECT_EQ(file.partly_outside, 1);
  EXPECT_EQ(file.without_extent, 1);
}

TEST(CocoTruthTest, EmptyListsAreATruth) {
  const auto truth =
      Truth(R"({"images": [], "annotations": [], "categories": []})");
  ASSERT_TRUE(truth.ok());
  EXPECT_TRUE(truth->truth.images.empty());
}

TEST(CocoTruthTest, TheLastOfEqualKeysCounts) {
  const auto truth = Truth(R"({"images": [{"id": "x", "id": 2}],
    "annotations": [], "categories": []})");
  EXPECT_EQ(truth->truth.images[0].id, 2);
}

// The three lists, each with the given content.
std::string Document(const std::string& images, const std::string& categories,
                     const std::string& annotations) {
  return R"({"images": [)" + images + R"(], "categories": [)" + categories +
         R"(], "annotations": [)" + annotations + "]}";
}

const std::string kImage =
    R"({"id": 1, "file_name": "x.jpg", "width": 100, "height": 50})";
const std::string kClass = R"({"id": 1, "name": "c"})";

std::string Refusal(const std::string& images, const std::string& categories,
                    const std::string& annotations) {
  const auto truth = Truth(Document(images, categories, annotations));
  EXPECT_EQ(truth.status().code(), StatusCode::kInvalidArgument);
  return truth.status().message();
}

// The refusal of one annotation behind a good one.
std::string BoxRefusal(const std::string& annotation) {
  return Refusal(kImage, kClass,
                 R"({"id": 1, "image_id": 1, "category_id": 1,
                     "bbox": [0, 0, 1, 1]}, )" +
                     annotation);
}

std::string WithBox(const std::string& box) {
  return BoxRefusal(R"({"id": 2, "image_id": 1, "category_id": 1, "bbox": )" +
                    box + "}");
}

TEST(CocoTruthTest, DocumentsOfAnotherShapeAreRefused) {
  const auto refusal = [](std::string_view text) {
    return Truth(text).status().message();
  };
  EXPECT_EQ(refusal(""), "size in bytes = 0: must be in [1, 1073741824]");
  EXPECT_EQ(refusal("[]"), "must be a JSON object");
  EXPECT_EQ(refusal("3"), "must be a JSON object");
  EXPECT_EQ(refusal("{}"), "images: is missing");
  EXPECT_EQ(refusal(R"({"images": []})"), "categories: is missing");
  EXPECT_EQ(refusal(R"({"images": {}})"), "images: must be a list");
  EXPECT_EQ(refusal(R"({"images": 3})"), "images: must be a list");
  EXPECT_EQ(refusal(R"({"images": null})"), "images: must be a list");
  EXPECT_EQ(refusal(R"({"images": [], "images": []})"), "images: stands twice");
  EXPECT_EQ(refusal(R"({"images": [{"id": 1}, 3]})"),
            "images[1]: must be an object");
  EXPECT_EQ(refusal(R"({"images": [[{"id": 1}]]})"),
            "images[0]: must be an object");
  EXPECT_EQ(refusal("{\"images\": [],\n \"x\": nan}"),
            "line 2, column 8: is not valid JSON");
  EXPECT_EQ(refusal("{\"x\": 1e999}"), "line 1, column 11: is not valid JSON");
  EXPECT_EQ(refusal("{\"x\": \"\xff\"}"),
            "line 1, column 8: is not valid JSON");
}

TEST(CocoTruthTest, ImagesAndClassesMustMakeSense) {
  EXPECT_EQ(Refusal("{}", "", ""), "images[0].id: is missing");
  EXPECT_EQ(Refusal(R"({"id": 1.5})", "", ""),
            "images[0].id: must be a whole number");
  EXPECT_EQ(Refusal(R"({"id": "1"})", "", ""),
            "images[0].id: must be a whole number");
  EXPECT_EQ(Refusal(R"({"id": 18446744073709551615})", "", ""),
            "images[0].id: must be a whole number");
  EXPECT_EQ(Refusal(R"({"id": 1, "file_name": 3})", "", ""),
            "images[0].file_name: must be a text");
  EXPECT_EQ(Refusal(R"({"id": 1, "width": 0})", "", ""),
            "images[0].width = 0: must be in [1, 1000000000]");
  EXPECT_EQ(Refusal(R"({"id": 1, "height": [3]})", "", ""),
            "images[0].height: must be a whole number");
  EXPECT_EQ(Refusal(R"({"id": 1}, {"id": 2}, {"id": 1})", "", ""),
            "images[2].id = 1: stands twice");
  EXPECT_EQ(Refusal(kImage + R"(, {"id": 2, "file_name": "x.jpg"})", "", ""),
            "images[1].file_name = \"x.jpg\": stands twice");
  EXPECT_EQ(Refusal("", R"({"id": 1, "name": {}})", ""),
            "categories[0].name: must be a text");
  EXPECT_EQ(Refusal("", kClass + "," + kClass, ""),
            "categories[1].id = 1: stands twice");
  EXPECT_EQ(Refusal("", kClass + R"(, {"id": 2, "name": "c"})", ""),
            "categories[1].name = \"c\": stands twice");
}

TEST(CocoTruthTest, BoxesMustMakeSense) {
  EXPECT_EQ(BoxRefusal("{}"), "annotations[1].id: is missing");
  EXPECT_EQ(BoxRefusal(R"({"id": 2, "image_id": 9, "category_id": 1,
                           "bbox": [0, 0, 1, 1]})"),
            "annotations[1].image_id = 9: no such image");
  EXPECT_EQ(BoxRefusal(R"({"id": 2, "image_id": 1, "category_id": 7,
                           "bbox": [0, 0, 1, 1]})"),
            "annotations[1].category_id = 7: no such class");
  EXPECT_EQ(BoxRefusal(R"({"id": 1, "image_id": 1, "category_id": 1,
                           "bbox": [0, 0, 1, 1]})"),
            "annotations[1].id = 1: stands twice");
  EXPECT_EQ(BoxRefusal(R"({"id": 2, "image_id": 1, "category_id": 1,
                           "bbox": [0, 0, 1, 1], "iscrowd": "no"})"),
            "annotations[1].iscrowd: must be 0 or 1");
  EXPECT_EQ(BoxRefusal(R"({"id": 2, "image_id": 1, "category_id": 1,
                           "bbox": [0, 0, 1, 1], "area": null})"),
            "annotations[1].area: must be a number");
  EXPECT_EQ(BoxRefusal(R"({"id": 2, "image_id": 1, "category_id": 1,
                           "bbox": [0, 0, 1, 1], "area": -1})"),
            "annotations[1].area = -1: must be in [0, 1e+18]");
}

TEST(CocoTruthTest, BoundingBoxesMustBeFourNumbersOnTheImage) {
  const std::string four = "annotations[1].bbox: must be a list of 4 numbers";
  for (const char* box :
       {"null", "3", "\"1,2,3,4\"", "[]", "[1, 2, 3]", "[1, 2, 3, 4, 5]",
        "[1, 2, 3, null]", "[1, 2, 3, \"4\"]", "[[1, 2, 3, 4]]",
        "[1, 2, [3], 4, 5]", "{\"x\": 1}", "[1, {\"bbox\": [1, 2, 3, 4]}]"}) {
    EXPECT_EQ(WithBox(box), four) << box;
  }
  EXPECT_EQ(WithBox("[0, 0, -1, 1]"),
            "annotations[1].bbox: width = -1: must be in [0, 1e+09]");
  EXPECT_EQ(WithBox("[0, 0, 1, -0.5]"),
            "annotations[1].bbox: height = -0.5: must be in [0, 1e+09]");
  EXPECT_EQ(WithBox("[0, 1e300, 1, 1]"),
            "annotations[1].bbox: y = 1e+300: must be in [-1e+09, 1e+09]");
  const std::string outside =
      "annotations[1].bbox: lies outside of image \"x.jpg\" (100 x 50 px)";
  for (const char* box : {"[100, 0, 1, 1]", "[0, 50, 1, 1]", "[-2, 0, 2, 1]",
                          "[0, -2, 1, 2]", "[200, 200, 5, 5]"}) {
    EXPECT_EQ(WithBox(box), outside) << box;
  }
}

TEST(LenientCocoTruthTest, AcceptsWhatPycocotoolsAccepts) {
  const TruthFile file = LenientTruth(R"({
    "images": [{"id": 1, "file_name": 3, "width": "wide"}, {"id": 2},
               {"id": 1}],
    "categories": [{"id": 1, "name": null}, {"id": 1, "name": "again"}],
    "annotations": [
      {"id": 1, "image_id": 1, "category_id": 1, "bbox": [-5, 900, -1, 1]},
      {"id": 2, "image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1]},
      {"id": 3, "image_id": 1, "category_id": 9, "bbox": [0, 0, 1, 1]}]})")
                             .value();
  ASSERT_EQ(file.truth.images.size(), 2);
  EXPECT_EQ(file.truth.images[0].id, 2);
  ASSERT_EQ(file.truth.classes.size(), 1);
  EXPECT_EQ(file.truth.classes[0].name, "again");
  ASSERT_EQ(file.truth.boxes.size(), 1);
  EXPECT_EQ(file.truth.boxes[0].box.width, -1);
}

TEST(LenientCocoTruthTest, AnnotationsMayBeMissing) {
  EXPECT_TRUE(LenientTruth(R"({"images": [], "categories": []})").ok());
  EXPECT_EQ(LenientTruth(R"({"images": []})").status().message(),
            "categories: is missing");
}

// pycocotools looks boxes up by id, so the last stands in for both.
TEST(LenientCocoTruthTest, TheLastOfEqualBoxIdsStandsInForAll) {
  const TruthFile file = LenientTruth(R"({
    "images": [{"id": 1}], "categories": [{"id": 1}],
    "annotations": [
      {"id": 5, "image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]},
      {"id": 5, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2]}]})")
                             .value();
  ASSERT_EQ(file.truth.boxes.size(), 2);
  EXPECT_EQ(file.truth.boxes[0].box.width, 2);
  EXPECT_EQ(file.truth.boxes[1].box.width, 2);
}

TEST(CocoResultsTest, KeepsFileOrderAndEveryBit) {
  const auto boxes = Results(R"([
    {"image_id": 4503599627370495, "category_id": 99, "id": "x",
     "bbox": [0.1, -2e-3, 1e300, 5], "score": 0.30000000000000004,
     "segmentation": {"counts": "x"}, "area": null},
    {"score": 1, "bbox": [1, 2, 3, 4], "category_id": 1, "image_id": -3}])");
  ASSERT_TRUE(boxes.ok()) << boxes.status().message();
  ASSERT_EQ(boxes->size(), 2);
  EXPECT_EQ((*boxes)[0].image_id, 4503599627370495);
  EXPECT_EQ((*boxes)[0].class_id, 99);
  EXPECT_EQ((*boxes)[0].score, 0.30000000000000004);
  EXPECT_EQ((*boxes)[0].box,
            (EvalBox{.x = 0.1, .y = -2e-3, .width = 1e300, .height = 5}));
  EXPECT_EQ((*boxes)[1].image_id, -3);
  EXPECT_EQ((*boxes)[1].score, 1);
}

TEST(CocoResultsTest, AByteOrderMarkAndAnEmptyListAreFine) {
  EXPECT_EQ(Results("\xef\xbb\xbf[]")->size(), 0);
}

TEST(CocoResultsTest, BadResultsAreNamed) {
  const auto refusal = [](std::string_view text) {
    return Results(text).status().message();
  };
  const auto with = [&](const std::string& rest) {
    return refusal(R"([{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4],
                        "score": 0}, {)" +
                   rest + "}]");
  };
  EXPECT_EQ(refusal("{}"), "must be a list of objects");
  EXPECT_EQ(refusal("7"), "must be a list of objects");
  EXPECT_EQ(refusal("[[]]"), "[0]: must be an object");
  EXPECT_EQ(refusal("[{}]"), "[0].image_id: is missing");
  EXPECT_EQ(with(R"("image_id": "a")"), "[1].image_id: must be a whole number");
  EXPECT_EQ(with(R"("image_id": 1)"), "[1].category_id: is missing");
  EXPECT_EQ(with(R"("image_id": 1, "category_id": 1)"), "[1].bbox: is missing");
  EXPECT_EQ(with(R"("image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4])"),
            "[1].score: is missing");
  EXPECT_EQ(with(R"("image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4],
                    "score": "high")"),
            "[1].score: must be a number");
  EXPECT_EQ(refusal("[{\"score\": NaN}]"),
            "line 1, column 12: is not valid JSON");
  EXPECT_EQ(refusal("[] []"), "line 1, column 4: is not valid JSON");
}

TEST(CocoResultsTest, FilesBeyondTheLimitAreRefused) {
  const std::string_view text = "[]      ";
  EXPECT_EQ(
      ParseCocoResults(std::as_bytes(std::span(text)), {.max_truth_bytes = 4})
          .status()
          .message(),
      "size in bytes = 8: must be in [1, 4]");
}

TEST(CocoReadersTest, DeepNestingIsSkipped) {
  constexpr size_t kDepth = 200'000;
  const std::string deep =
      std::string(kDepth, '[') + "1" + std::string(kDepth, ']');
  EXPECT_TRUE(Results(R"([{"image_id": 1, "category_id": 1, "score": 1,
                           "bbox": [1, 2, 3, 4], "x": )" +
                      deep + "}]")
                  .ok());
  EXPECT_FALSE(Results(deep).ok());
}

TEST(CocoReadersTest, EveryCutIsAnError) {
  for (size_t size = 0; size < kTruth.size(); ++size) {
    EXPECT_FALSE(Truth(kTruth.substr(0, size)).ok()) << size;
    EXPECT_FALSE(LenientTruth(kTruth.substr(0, size)).ok()) << size;
  }
}

// One byte replaced by each of a few that mean something: an answer, never
// worse.
TEST(CocoReadersTest, EveryChangedByteGetsAnAnswer) {
  for (size_t i = 0; i < kTruth.size(); ++i) {
    for (const char c : {'{', '}', '[', ']', '"', ',', ':', '-', '0', 'e'}) {
      std::string text(kTruth);
      text[i] = c;
      const auto strict = Truth(text);
      const auto lenient = LenientTruth(text);
      EXPECT_TRUE(strict.ok() || !strict.status().message().empty());
      EXPECT_TRUE(lenient.ok() || !lenient.status().message().empty());
    }
  }
}

}  // namespace
}  // namespace cyto8
