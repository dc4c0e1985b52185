// SPDX-License-Identifier: Apache-2.0
// Reading the model card; see model_card.h.
#include "app/model_card.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "app/yaml_map.h"
#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

constexpr int64_t kSchema = 1;
constexpr NumberRange kLevel = {0, 255};

StatusOr<Rgb> ReadColour(YamlMap& map, std::string_view key) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<double> values,
                         map.Numbers(key, 3, kLevel));
  for (const double value : values) {
    if (value == std::floor(value)) continue;
    return InvalidArgument(std::string(key) + " = " + FormatShortest(value) +
                           ": must be a whole number");
  }
  const auto level = [&](size_t i) { return static_cast<uint8_t>(values[i]); };
  return Rgb{.red = level(0), .green = level(1), .blue = level(2)};
}

StatusOr<std::array<float, 3>> ReadTriple(YamlMap& map, std::string_view key,
                                          NumberRange range) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<double> values,
                         map.Numbers(key, 3, range));
  return std::array<float, 3>{static_cast<float>(values[0]),
                              static_cast<float>(values[1]),
                              static_cast<float>(values[2])};
}

bool IsPlainName(std::string_view name) {
  constexpr size_t kMaxName = 64;
  constexpr std::string_view kAllowed =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  return !name.empty() && name.size() <= kMaxName &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

Status ReadIdentity(YamlMap& root, ModelCard& card) {
  CYTO8_RETURN_IF_ERROR(root.Int("schema", kSchema, kSchema).status());
  CYTO8_ASSIGN_OR_RETURN(card.name, root.Text("name"));
  if (!IsPlainName(card.name)) {
    return InvalidArgument("name = \"" + card.name +
                           "\": must be 1 to 64 of [A-Za-z0-9._-]");
  }
  CYTO8_ASSIGN_OR_RETURN(card.model_file, root.Text("model"));
  if (card.model_file.empty() || card.model_file.starts_with('.') ||
      card.model_file.find('/') != std::string::npos) {
    return InvalidArgument("model = \"" + card.model_file +
                           "\": must be a file name without folder");
  }
  CYTO8_ASSIGN_OR_RETURN(card.sha256, root.Text("sha256"));
  const bool digits =
      card.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (card.sha256.size() != 64 || !digits) {
    return InvalidArgument("sha256 = \"" + card.sha256 +
                           "\": must be 64 lower-case hex digits");
  }
  CYTO8_ASSIGN_OR_RETURN(card.licence, root.Text("licence"));
  CYTO8_ASSIGN_OR_RETURN(card.description, root.Text("description"));
  return OkStatus();
}

Status ReadInput(YamlMap& root, ModelCard& card) {
  constexpr int64_t kMaxSide = 8192;
  CYTO8_ASSIGN_OR_RETURN(YamlMap input, root.Map("input"));
  CYTO8_ASSIGN_OR_RETURN(card.width_px, input.Int("width_px", 1, kMaxSide));
  CYTO8_ASSIGN_OR_RETURN(card.height_px, input.Int("height_px", 1, kMaxSide));
  CYTO8_ASSIGN_OR_RETURN(card.mpp, input.Number("mpp", {kMinMpp, kMaxMpp}));
  CYTO8_RETURN_IF_ERROR(input.Choice("resample", {"area"}).status());
  CYTO8_ASSIGN_OR_RETURN(card.pad, ReadColour(input, "pad_rgb"));
  CYTO8_ASSIGN_OR_RETURN(card.mean, ReadTriple(input, "mean_rgb", kLevel));
  CYTO8_ASSIGN_OR_RETURN(card.deviation,
                         ReadTriple(input, "stddev_rgb", {1e-3, 1e6}));
  return input.CheckNoOtherKeys();
}

// One number is a ratio; a pair gives the factors themselves.
StatusOr<std::vector<AspectFactors>> ReadAspects(YamlMap& anchors) {
  CYTO8_ASSIGN_OR_RETURN(const auto lists,
                         anchors.NumberLists("aspect_ratios", {0.01, 100}));
  std::vector<AspectFactors> aspects;
  for (const std::vector<double>& entry : lists) {
    CYTO8_RETURN_IF_ERROR(CheckRange("numbers in an entry of aspect_ratios",
                                     static_cast<int64_t>(entry.size()), 1, 2));
    aspects.push_back(entry.size() == 1
                          ? SqrtAspect(entry[0])
                          : AspectFactors{.x = entry[0], .y = entry[1]});
  }
  return aspects;
}

// The old convention knows three fixed factors for the ratios 1, 2 and 0.5.
StatusOr<std::vector<AspectFactors>> ReadLegacyAspects(YamlMap& anchors) {
  CYTO8_ASSIGN_OR_RETURN(const auto lists,
                         anchors.NumberLists("aspect_ratios", {0.01, 100}));
  if (lists != std::vector<std::vector<double>>{{1}, {2}, {0.5}}) {
    return InvalidArgument(
        "aspect_ratios: must be [1, 2, 0.5] with ratio_convention legacy");
  }
  return LegacyAspects();
}

Status ReadAnchors(YamlMap& root, ModelCard& card) {
  constexpr int64_t kMaxScales = 16;
  CYTO8_ASSIGN_OR_RETURN(YamlMap map, root.Map("anchors"));
  AnchorGeneratorOptions& anchors = card.anchors;
  CYTO8_ASSIGN_OR_RETURN(anchors.min_level,
                         map.Int("min_level", 0, kMaxAnchorLevel));
  CYTO8_ASSIGN_OR_RETURN(
      anchors.max_level,
      map.Int("max_level", anchors.min_level, kMaxAnchorLevel));
  CYTO8_ASSIGN_OR_RETURN(anchors.num_scales,
                         map.Int("num_scales", 1, kMaxScales));
  CYTO8_ASSIGN_OR_RETURN(const size_t convention,
                         map.Choice("ratio_convention", {"sqrt", "legacy"}));
  CYTO8_ASSIGN_OR_RETURN(anchors.aspects, convention == 0
                                              ? ReadAspects(map)
                                              : ReadLegacyAspects(map));
  const auto levels =
      static_cast<size_t>(anchors.max_level - anchors.min_level + 1);
  CYTO8_ASSIGN_OR_RETURN(
      anchors.anchor_scales,
      map.NumberOrNumbers("anchor_scale", levels, {0.01, 1000}));
  anchors.image_width_px = card.width_px;
  anchors.image_height_px = card.height_px;
  return map.CheckNoOtherKeys();
}

Status ReadClasses(YamlMap& root, const Limits& limits, ModelCard& card) {
  CYTO8_ASSIGN_OR_RETURN(std::vector<YamlMap> maps, root.Maps("classes"));
  const auto count = static_cast<int64_t>(maps.size());
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number of classes", count, 1, limits.max_labels));
  std::set<std::string> names;
  for (int64_t i = 0; i < count; ++i) {
    YamlMap& map = maps[static_cast<size_t>(i)];
    CardClass entry;
    CYTO8_ASSIGN_OR_RETURN(const int64_t id, map.Int("id", i + 1, i + 1));
    entry.id = static_cast<int>(id);
    CYTO8_ASSIGN_OR_RETURN(entry.name, map.Text("name"));
    if (!names.insert(entry.name).second || entry.name.empty()) {
      return InvalidArgument("classes: name \"" + entry.name +
                             "\" is empty or stands twice");
    }
    CYTO8_ASSIGN_OR_RETURN(entry.color, ReadColour(map, "color"));
    CYTO8_RETURN_IF_ERROR(map.CheckNoOtherKeys());
    card.classes.push_back(std::move(entry));
  }
  return OkStatus();
}

StatusOr<int> ClassIdOf(const ModelCard& card, const YamlScalar& name) {
  const auto found = std::find_if(
      card.classes.begin(), card.classes.end(),
      [&](const CardClass& entry) { return entry.name == name.text; });
  if (found != card.classes.end()) return found->id;
  return InvalidArgument(name.place + ": class \"" + name.text +
                         "\" is not in classes");
}

Status ReadGroups(YamlMap& root, ModelCard& card) {
  if (!root.Has("groups")) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(YamlMap groups, root.Map("groups"));
  for (const std::string& name : groups.Keys()) {
    CYTO8_ASSIGN_OR_RETURN(const std::vector<YamlScalar> members,
                           groups.Scalars(name));
    for (const YamlScalar& member : members) {
      CYTO8_ASSIGN_OR_RETURN(const int id, ClassIdOf(card, member));
      card.groups[name].push_back(id);
    }
  }
  return OkStatus();
}

Status ReadPostprocess(YamlMap& root, ModelCard& card) {
  constexpr int64_t kMaxCount = 10'000'000;
  CYTO8_ASSIGN_OR_RETURN(YamlMap map, root.Map("postprocess"));
  PostprocessOptions& options = card.postprocess;
  CYTO8_ASSIGN_OR_RETURN(const size_t scope,
                         map.Choice("scope", {"per_class", "global"}));
  options.scope =
      scope == 0 ? SuppressionScope::kPerClass : SuppressionScope::kGlobal;
  options.classes =
      scope == 0 ? ClassChoice::kEveryClass : ClassChoice::kBestPerAnchor;
  CYTO8_ASSIGN_OR_RETURN(const size_t method,
                         map.Choice("method", {"hard", "gaussian"}));
  options.method =
      method == 0 ? SuppressionMethod::kHard : SuppressionMethod::kGaussian;
  CYTO8_ASSIGN_OR_RETURN(const double iou, map.Number("iou_threshold", {0, 1}));
  CYTO8_ASSIGN_OR_RETURN(const double score,
                         map.Number("score_threshold", {0, 1}));
  options.iou_threshold = static_cast<float>(iou);
  options.score_threshold = static_cast<float>(score);
  if (map.Has("sigma") || options.method == SuppressionMethod::kGaussian) {
    CYTO8_ASSIGN_OR_RETURN(const double sigma,
                           map.Number("sigma", {1e-6, 100}));
    options.sigma = static_cast<float>(sigma);
  }
  CYTO8_ASSIGN_OR_RETURN(options.max_candidates,
                         map.Int("max_candidates", 0, kMaxCount));
  CYTO8_ASSIGN_OR_RETURN(options.max_detections,
                         map.Int("max_detections", 0, kMaxCount));
  return map.CheckNoOtherKeys();
}

}  // namespace

StatusOr<ModelCard> ParseModelCard(std::span<const std::byte> bytes,
                                   const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("size in bytes",
                                   static_cast<int64_t>(bytes.size()), 1,
                                   limits.max_config_bytes));
  CYTO8_ASSIGN_OR_RETURN(
      YamlMap root, YamlMap::Parse({reinterpret_cast<const char*>(bytes.data()),
                                    bytes.size()}));
  ModelCard card;
  CYTO8_RETURN_IF_ERROR(ReadIdentity(root, card));
  CYTO8_RETURN_IF_ERROR(ReadInput(root, card));
  CYTO8_RETURN_IF_ERROR(ReadAnchors(root, card));
  CYTO8_RETURN_IF_ERROR(ReadClasses(root, limits, card));
  CYTO8_RETURN_IF_ERROR(ReadGroups(root, card));
  CYTO8_RETURN_IF_ERROR(ReadPostprocess(root, card));
  CYTO8_RETURN_IF_ERROR(root.CheckNoOtherKeys());
  return card;
}

}  // namespace cyto8
