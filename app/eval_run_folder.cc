// SPDX-License-Identifier: Apache-2.0
// Reading run.json back; see eval_run_folder.h.
#include "app/eval_run_folder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

using Json = nlohmann::json;

constexpr int64_t kVersion = 1;

StatusOr<std::string> Text(const Json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end() || !value->is_string()) {
    return InvalidArgument(std::string(key) + ": must be a text");
  }
  return value->get<std::string>();
}

StatusOr<int64_t> Integer(const Json& object, const char* key) {
  const auto value = object.find(key);
  if (value == object.end() || !value->is_number_integer()) {
    return InvalidArgument(std::string(key) + ": must be a whole number");
  }
  return value->get<int64_t>();
}

std::string Place(const std::string& list, size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

StatusOr<RunImage> ImageOf(const Json& json) {
  if (!json.is_object()) return InvalidArgument("must be an object");
  RunImage image;
  CYTO8_ASSIGN_OR_RETURN(image.image_id, Integer(json, "image_id"));
  CYTO8_ASSIGN_OR_RETURN(image.path, Text(json, "path"));
  CYTO8_ASSIGN_OR_RETURN(image.status, Text(json, "status"));
  if (json.contains("sha256")) {
    CYTO8_ASSIGN_OR_RETURN(image.sha256, Text(json, "sha256"));
  }
  return image;
}

Status ReadImages(const Json& document, RunFolder& run) {
  const auto images = document.find("images");
  if (images == document.end() || !images->is_array()) {
    return InvalidArgument("images: must be a list");
  }
  std::set<int64_t> ids;
  for (size_t i = 0; i < images->size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(RunImage image,
                           Annotate(ImageOf((*images)[i]), Place("images", i)));
    if (!ids.insert(image.image_id).second) {
      return InvalidArgument(Place("images", i) + ".image_id = " +
                             std::to_string(image.image_id) + ": stands twice");
    }
    run.images.push_back(std::move(image));
  }
  return OkStatus();
}

Status ReadClasses(const Json& classes, RunFolder& run) {
  if (!classes.is_array()) {
    return InvalidArgument("model.classes: must be a list");
  }
  for (size_t i = 0; i < classes.size(); ++i) {
    const std::string place = Place("model.classes", i);
    if (!classes[i].is_object()) {
      return InvalidArgument(place + ": must be an object");
    }
    CYTO8_ASSIGN_OR_RETURN(const int64_t id,
                           Annotate(Integer(classes[i], "id"), place));
    CYTO8_ASSIGN_OR_RETURN(std::string name,
                           Annotate(Text(classes[i], "name"), place));
    if (!run.classes.emplace(id, std::move(name)).second) {
      return InvalidArgument(place + ".id = " + std::to_string(id) +
                             ": stands twice");
    }
  }
  return OkStatus();
}

Status ReadGroups(const Json& groups, RunFolder& run) {
  if (!groups.is_object()) {
    return InvalidArgument("model.groups: must be an object");
  }
  for (const auto& [name, members] : groups.items()) {
    std::vector<std::string>& names = run.groups[name];
    const bool all_texts = members.is_array() &&
                           std::ranges::all_of(members, [](const Json& text) {
                             return text.is_string();
                           });
    if (!all_texts) {
      return InvalidArgument("model.groups." + name +
                             ": must be a list of class names");
    }
    for (const Json& text : members) names.push_back(text.get<std::string>());
  }
  return OkStatus();
}

Status ReadCalibration(const Json& hashes, RunFolder& run) {
  constexpr const char* kPlace = "model.calibration_sha256";
  if (!hashes.is_array()) {
    return InvalidArgument(std::string(kPlace) + ": must be a list");
  }
  for (size_t i = 0; i < hashes.size(); ++i) {
    const std::string hash =
        hashes[i].is_string() ? hashes[i].get<std::string>() : hashes[i].dump();
    if (!hashes[i].is_string() || !IsSha256Text(hash)) {
      return InvalidArgument(Place(kPlace, i) + " = \"" + hash +
                             "\": must be 64 lower-case hex digits");
    }
    run.calibration_sha256.insert(hash);
  }
  return OkStatus();
}

Status ReadModel(const Json& model, RunFolder& run) {
  if (const auto classes = model.find("classes"); classes != model.end()) {
    CYTO8_RETURN_IF_ERROR(ReadClasses(*classes, run));
  }
  if (const auto groups = model.find("groups"); groups != model.end()) {
    CYTO8_RETURN_IF_ERROR(ReadGroups(*groups, run));
  }
  const auto hashes = model.find("calibration_sha256");
  return hashes == model.end() ? OkStatus() : ReadCalibration(*hashes, run);
}

Status CheckFormat(const Json& document) {
  constexpr const char* kFormat = "cyto8-run";
  if (!document.is_object()) return InvalidArgument("must be a JSON object");
  CYTO8_ASSIGN_OR_RETURN(const std::string format, Text(document, "format"));
  if (format != kFormat) {
    return InvalidArgument("format = \"" + format + "\": must be \"" + kFormat +
                           "\"");
  }
  CYTO8_ASSIGN_OR_RETURN(const int64_t version, Integer(document, "version"));
  return CheckRange("version", version, int64_t{1}, kVersion);
}

}  // namespace

bool IsSha256Text(std::string_view text) {
  constexpr size_t kDigits = 64;
  return text.size() == kDigits &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

StatusOr<RunFolder> ParseRunManifest(std::span<const std::byte> bytes,
                                     const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("size in bytes",
                                   static_cast<int64_t>(bytes.size()), 1,
                                   limits.max_truth_bytes));
  const char* text = reinterpret_cast<const char*>(bytes.data());
  const Json document = Json::parse(text, text + bytes.size(), /*cb=*/nullptr,
                                    /*allow_exceptions=*/false);
  CYTO8_RETURN_IF_ERROR(CheckFormat(document));
  RunFolder run;
  CYTO8_RETURN_IF_ERROR(ReadImages(document, run));
  const auto model = document.find("model");
  if (model == document.end() || !model->is_object()) return run;
  CYTO8_RETURN_IF_ERROR(ReadModel(*model, run));
  return run;
}

}  // namespace cyto8
