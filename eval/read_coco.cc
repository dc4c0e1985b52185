// SPDX-License-Identifier: Apache-2.0
// Typed fields and their rules; see read_coco.h. Records come from
// read_coco_records.h.
#include "eval/read_coco.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/checked_math.h"
#include "eval/read_coco_records.h"

namespace cyto8 {
namespace {

using Kind = CocoValue::Kind;

constexpr double kMaxCoordinatePx = 1e9;
constexpr double kMaxExactInteger = 9007199254740992;  // 2^53.
constexpr int64_t kMaxSidePx = 1'000'000'000;

Status Wrong(CocoKey key, const CocoValue& value, const char* kind) {
  if (value.kind == Kind::kMissing) {
    return InvalidArgument(std::string(CocoKeyName(key)) + ": is missing");
  }
  return InvalidArgument(std::string(CocoKeyName(key)) + ": must be " + kind);
}

// 7 and 7.0 are the same number in JSON.
std::optional<int64_t> WholeNumber(const CocoValue& value) {
  if (value.kind == Kind::kInteger) return value.integer;
  if (value.kind != Kind::kReal || value.real != std::trunc(value.real) ||
      std::abs(value.real) > kMaxExactInteger) {
    return std::nullopt;
  }
  return static_cast<int64_t>(value.real);
}

StatusOr<int64_t> Integer(const CocoRecord& record, CocoKey key) {
  const std::optional<int64_t> number = WholeNumber(record[key]);
  if (!number) return Wrong(key, record[key], "a whole number");
  return *number;
}

StatusOr<double> Real(const CocoRecord& record, CocoKey key) {
  if (!record[key].is_number()) return Wrong(key, record[key], "a number");
  return record[key].real;
}

StatusOr<EvalBox> BoxOf(const CocoRecord& record) {
  const CocoValue& value = record[CocoKey::kBbox];
  if (value.kind != Kind::kNumbers ||
      value.count != static_cast<int64_t>(value.numbers.size())) {
    return Wrong(CocoKey::kBbox, value, "a list of 4 numbers");
  }
  return EvalBox{.x = value.numbers[0],
                 .y = value.numbers[1],
                 .width = value.numbers[2],
                 .height = value.numbers[3]};
}

StatusOr<bool> IsCrowd(const CocoRecord& record) {
  const CocoValue& value = record[CocoKey::kIsCrowd];
  if (value.kind == Kind::kMissing) return false;
  if (value.is_number()) return value.real != 0;
  if (value.kind != Kind::kBool) {
    return Wrong(CocoKey::kIsCrowd, value, "0 or 1");
  }
  return value.integer != 0;
}

// An optional text; another type is an error where rules are strict.
StatusOr<std::string> Text(const CocoRecord& record, CocoKey key,
                           TruthRules rules) {
  const CocoValue& value = record[key];
  if (value.kind == Kind::kText) return value.text;
  if (value.kind == Kind::kMissing || rules == TruthRules::kPycocotools) {
    return std::string();
  }
  return Wrong(key, value, "a text");
}

// An optional side of an image.
StatusOr<int64_t> Side(const CocoRecord& record, CocoKey key) {
  if (record[key].kind == Kind::kMissing) return int64_t{0};
  CYTO8_ASSIGN_OR_RETURN(const int64_t side, Integer(record, key));
  CYTO8_RETURN_IF_ERROR(
      CheckRange(CocoKeyName(key), side, int64_t{1}, kMaxSidePx));
  return side;
}

StatusOr<EvalImage> ImageOf(const CocoRecord& record, TruthRules rules) {
  EvalImage image;
  CYTO8_ASSIGN_OR_RETURN(image.id, Integer(record, CocoKey::kId));
  CYTO8_ASSIGN_OR_RETURN(image.file_name,
                         Text(record, CocoKey::kFileName, rules));
  if (rules == TruthRules::kPycocotools) return image;
  CYTO8_ASSIGN_OR_RETURN(image.width_px, Side(record, CocoKey::kWidth));
  CYTO8_ASSIGN_OR_RETURN(image.height_px, Side(record, CocoKey::kHeight));
  return image;
}

StatusOr<EvalClass> ClassOf(const CocoRecord& record, TruthRules rules) {
  EvalClass entry;
  CYTO8_ASSIGN_OR_RETURN(entry.id, Integer(record, CocoKey::kId));
  CYTO8_ASSIGN_OR_RETURN(entry.name, Text(record, CocoKey::kName, rules));
  if (entry.name.empty()) entry.name = std::to_string(entry.id);
  return entry;
}

StatusOr<TruthBox> TruthOf(const CocoRecord& record) {
  TruthBox truth;
  CYTO8_ASSIGN_OR_RETURN(truth.id, Integer(record, CocoKey::kId));
  CYTO8_ASSIGN_OR_RETURN(truth.image_id, Integer(record, CocoKey::kImageId));
  CYTO8_ASSIGN_OR_RETURN(truth.class_id, Integer(record, CocoKey::kCategoryId));
  CYTO8_ASSIGN_OR_RETURN(truth.box, BoxOf(record));
  CYTO8_ASSIGN_OR_RETURN(truth.is_crowd, IsCrowd(record));
  truth.area = truth.box.width * truth.box.height;
  if (record[CocoKey::kArea].kind != Kind::kMissing) {
    CYTO8_ASSIGN_OR_RETURN(truth.area, Real(record, CocoKey::kArea));
  }
  return truth;
}

StatusOr<FoundBox> FoundOf(const CocoRecord& record) {
  FoundBox found;
  CYTO8_ASSIGN_OR_RETURN(found.image_id, Integer(record, CocoKey::kImageId));
  CYTO8_ASSIGN_OR_RETURN(found.class_id, Integer(record, CocoKey::kCategoryId));
  CYTO8_ASSIGN_OR_RETURN(found.box, BoxOf(record));
  CYTO8_ASSIGN_OR_RETURN(found.score, Real(record, CocoKey::kScore));
  return found;
}

constexpr std::string_view kImages = "images";
constexpr std::string_view kCategories = "categories";
constexpr std::string_view kAnnotations = "annotations";

Status AddRecord(std::string_view list, const CocoRecord& record,
                 TruthRules rules, TruthSet& truth) {
  if (list == kImages) {
    CYTO8_ASSIGN_OR_RETURN(EvalImage image, ImageOf(record, rules));
    truth.images.push_back(std::move(image));
  } else if (list == kCategories) {
    CYTO8_ASSIGN_OR_RETURN(EvalClass entry, ClassOf(record, rules));
    truth.classes.push_back(std::move(entry));
  } else {
    CYTO8_ASSIGN_OR_RETURN(const TruthBox box, TruthOf(record));
    truth.boxes.push_back(box);
  }
  return OkStatus();
}

using PlaceOfId = std::unordered_map<int64_t, size_t>;

template <typename T>
PlaceOfId LastPlaces(const std::vector<T>& list) {
  PlaceOfId places;
  for (size_t i = 0; i < list.size(); ++i) places[list[i].id] = i;
  return places;
}

template <typename T>
void KeepLastOfEqualIds(std::vector<T>& list) {
  const PlaceOfId last = LastPlaces(list);
  std::vector<T> kept;
  for (size_t i = 0; i < list.size(); ++i) {
    if (last.at(list[i].id) == i) kept.push_back(std::move(list[i]));
  }
  list = std::move(kept);
}

// pycocotools finds boxes by image and class, takes their ids, and looks the
// ids up: so of equal ids the last stands in for each.
void ForgiveLikePycocotools(TruthSet& truth) {
  KeepLastOfEqualIds(truth.images);
  KeepLastOfEqualIds(truth.classes);
  const PlaceOfId images = LastPlaces(truth.images);
  const PlaceOfId classes = LastPlaces(truth.classes);
  const PlaceOfId last = LastPlaces(truth.boxes);
  const auto is_known = [&](const TruthBox& box) {
    return images.contains(box.image_id) && classes.contains(box.class_id);
  };
  std::vector<TruthBox> kept;
  for (const TruthBox& box : truth.boxes) {
    const TruthBox& stand_in = truth.boxes[last.at(box.id)];
    if (is_known(box) && is_known(stand_in)) kept.push_back(stand_in);
  }
  truth.boxes = std::move(kept);
}

template <typename T>
Status CheckIdsUnique(std::string_view name, const std::vector<T>& list) {
  std::unordered_set<int64_t> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    if (seen.insert(list[i].id).second) continue;
    return InvalidArgument(CocoPlace(name, static_cast<int64_t>(i)) + ".id = " +
                           std::to_string(list[i].id) + ": stands twice");
  }
  return OkStatus();
}

template <typename T>
Status CheckNamesUnique(std::string_view list_name, std::string_view field,
                        const std::vector<T>& list, std::string T::*name) {
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string& text = list[i].*name;
    if (text.empty() || seen.insert(text).second) continue;
    return InvalidArgument(CocoPlace(list_name, static_cast<int64_t>(i)) + "." +
                           std::string(field) + " = \"" + text +
                           "\": stands twice");
  }
  return OkStatus();
}

Status NoSuch(std::string_view field, int64_t id, const char* what) {
  return InvalidArgument(std::string(field) + " = " + std::to_string(id) +
                         ": no such " + what);
}

bool IsPartlyOutside(const EvalBox& box, const EvalImage& image) {
  return box.x < 0 || box.y < 0 ||
         box.x + box.width > static_cast<double>(image.width_px) ||
         box.y + box.height > static_cast<double>(image.height_px);
}

Status CheckInside(const EvalBox& box, const EvalImage& image,
                   TruthFile& file) {
  if (image.width_px == 0 || image.height_px == 0) return OkStatus();
  if (IsWhollyOutside(box, image)) {
    return InvalidArgument("bbox: lies outside of image \"" + image.file_name +
                           "\" (" + std::to_string(image.width_px) + " x " +
                           std::to_string(image.height_px) + " px)");
  }
  if (IsPartlyOutside(box, image)) ++file.partly_outside;
  return OkStatus();
}

Status CheckTruthBox(const TruthBox& box, const PlaceOfId& images,
                     const PlaceOfId& classes, TruthFile& file) {
  const auto image = images.find(box.image_id);
  if (image == images.end()) return NoSuch("image_id", box.image_id, "image");
  if (!classes.contains(box.class_id)) {
    return NoSuch("category_id", box.class_id, "class");
  }
  CYTO8_RETURN_IF_ERROR(CheckEvalBox(box.box));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("area", box.area, 0.0, kMaxCoordinatePx * kMaxCoordinatePx));
  if (box.box.width == 0 || box.box.height == 0) ++file.without_extent;
  return CheckInside(box.box, file.truth.images[image->second], file);
}

Status CheckStrictly(TruthFile& file) {
  TruthSet& truth = file.truth;
  CYTO8_RETURN_IF_ERROR(CheckIdsUnique(kImages, truth.images));
  CYTO8_RETURN_IF_ERROR(CheckNamesUnique(kImages, "file_name", truth.images,
                                         &EvalImage::file_name));
  CYTO8_RETURN_IF_ERROR(CheckIdsUnique(kCategories, truth.classes));
  CYTO8_RETURN_IF_ERROR(
      CheckNamesUnique(kCategories, "name", truth.classes, &EvalClass::name));
  CYTO8_RETURN_IF_ERROR(CheckIdsUnique(kAnnotations, truth.boxes));
  const PlaceOfId images = LastPlaces(truth.images);
  const PlaceOfId classes = LastPlaces(truth.classes);
  for (size_t i = 0; i < truth.boxes.size(); ++i) {
    const Status status = CheckTruthBox(truth.boxes[i], images, classes, file);
    if (!status.ok()) {
      const auto place = CocoPlace(kAnnotations, static_cast<int64_t>(i));
      return InvalidArgument(place + "." + status.message());
    }
  }
  return OkStatus();
}

Status CheckSize(std::span<const std::byte> bytes, const Limits& limits) {
  return CheckRange("size in bytes", static_cast<int64_t>(bytes.size()), 1,
                    limits.max_truth_bytes);
}

// "list[3].field: ..." of a field's error.
Status AtPlace(const Status& status, std::string_view list, int64_t index) {
  if (status.ok()) return status;
  return InvalidArgument(CocoPlace(list, index) + "." + status.message());
}

}  // namespace

bool IsWhollyOutside(const EvalBox& box, const EvalImage& image) {
  return box.x >= static_cast<double>(image.width_px) ||
         box.y >= static_cast<double>(image.height_px) ||
         box.x + box.width <= 0 || box.y + box.height <= 0;
}

Status CheckEvalBox(const EvalBox& box) {
  const auto check = [](const char* name, double value, double low) {
    return CheckRange(name, value, low, kMaxCoordinatePx);
  };
  CYTO8_RETURN_IF_ERROR(check("bbox: x", box.x, -kMaxCoordinatePx));
  CYTO8_RETURN_IF_ERROR(check("bbox: y", box.y, -kMaxCoordinatePx));
  CYTO8_RETURN_IF_ERROR(check("bbox: width", box.width, 0));
  return check("bbox: height", box.height, 0);
}

StatusOr<TruthFile> ParseCocoTruth(std::span<const std::byte> bytes,
                                   const Limits& limits, TruthRules rules) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  const bool strict = rules == TruthRules::kStrict;
  const std::array lists = {CocoList{.name = kImages},
                            CocoList{.name = kCategories},
                            CocoList{.name = kAnnotations, .required = strict}};
  TruthFile file;
  const auto add = [&](std::string_view list, int64_t index,
                       const CocoRecord& record) {
    return AtPlace(AddRecord(list, record, rules, file.truth), list, index);
  };
  CYTO8_RETURN_IF_ERROR(ReadCocoLists(bytes, lists, add));
  if (strict) {
    CYTO8_RETURN_IF_ERROR(CheckStrictly(file));
  } else {
    ForgiveLikePycocotools(file.truth);
  }
  return file;
}

StatusOr<std::vector<FoundBox>> ParseCocoResults(
    std::span<const std::byte> bytes, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  std::vector<FoundBox> boxes;
  const auto add = [&](std::string_view list, int64_t index,
                       const CocoRecord& record) {
    const StatusOr<FoundBox> box = FoundOf(record);
    if (box.ok()) boxes.push_back(*box);
    return AtPlace(box.status(), list, index);
  };
  CYTO8_RETURN_IF_ERROR(ReadCocoList(bytes, add));
  return boxes;
}

}  // namespace cyto8
