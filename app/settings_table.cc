// SPDX-License-Identifier: Apache-2.0
// The rows of the table; see settings_table.h.
#include "app/settings_table.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/nearest_word.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

constexpr double kMaxSide = 200'000;     // of overlap and edges, in pixels.
constexpr double kMaxTileSide = 16'384;  // of the network's input.
constexpr double kMaxThreads = 1024;
constexpr double kMaxFailures = 1'000'000;
constexpr double kLeastIsolateMib = 256;
constexpr double kMostIsolateMib = 1 << 20;
constexpr double kMaxBudget = 1'000'000;

// A member of the settings as a value; an enumerator becomes its word.
template <typename Member>
SettingValue ToValue(const SettingRule& rule, const Member& member) {
  if constexpr (std::is_enum_v<Member>) {
    return std::string(rule.words[static_cast<size_t>(member)]);
  } else {
    return member;
  }
}

template <typename Member>
SettingValue ToValue(const SettingRule&, const std::optional<Member>& member) {
  return member ? SettingValue(*member) : SettingValue();
}

template <typename Member>
void FromValue(const SettingRule& rule, const SettingValue& value,
               Member& member) {
  if constexpr (std::is_enum_v<Member>) {
    const auto word =
        std::ranges::find(rule.words, std::get<std::string>(value));
    member = static_cast<Member>(word - rule.words.begin());
  } else {
    member = std::get<Member>(value);
  }
}

template <typename Member>
void FromValue(const SettingRule&, const SettingValue& value,
               std::optional<Member>& member) {
  member.reset();
  if (const Member* set = std::get_if<Member>(&value)) member = *set;
}

// What a row says besides the member that it stands for.
struct Row {
  std::string_view group;
  std::string_view key;
  std::string_view flag;
  std::string_view short_flag = {};
  SettingRule rule;
  std::string_view help;
  std::string_view example = {};
};

// `member` is a generic lambda from settings to a reference.
template <typename MemberOf>
Setting Make(const Row& row, MemberOf member) {
  return {.group = row.group,
          .key = row.key,
          .flag = row.flag,
          .short_flag = row.short_flag,
          .rule = row.rule,
          .help = row.help,
          .example = row.example,
          .get =
              [rule = row.rule, member](const ScoreSettings& settings) {
                return ToValue(rule, member(settings));
              },
          .set =
              [rule = row.rule, member](const SettingValue& value,
                                        ScoreSettings& settings) {
                FromValue(rule, value, member(settings));
              }};
}

SettingRule Switch() { return {.kind = SettingKind::kBool}; }

SettingRule Path() { return {.kind = SettingKind::kPath}; }

SettingRule Whole(double low, double high) {
  return {.kind = SettingKind::kInt, .low = low, .high = high};
}

SettingRule OptionalNumber(double low, double high) {
  return {.kind = SettingKind::kNumber,
          .may_be_null = true,
          .low = low,
          .high = high};
}

// In the order of the enumerators, if there are some.
SettingRule Words(std::vector<std::string_view> words) {
  return {.kind = SettingKind::kChoice, .words = std::move(words)};
}

void AddInput(std::vector<Setting>& table) {
  table.push_back(Make(
      {.group = "input",
       .key = "model",
       .flag = "--model",
       .short_flag = "-m",
       .rule = Path(),
       .help = "model card (.yaml), or the model beside its "
               "card",
       .example = "model.yaml"},
      [](auto& s) -> auto& { return s.input.model; }));
  table.push_back(Make(
      {.group = "input",
       .key = "mpp",
       .flag = "--mpp",
       .rule = OptionalNumber(kMinMpp, kMaxMpp),
       .help = "um per pixel of all images",
       .example = "0.25"},
      [](auto& s) -> auto& { return s.input.mpp; }));
  table.push_back(Make(
      {.group = "input",
       .key = "mpp_from",
       .flag = "--mpp-from",
       .rule = Path(),
       .help = "COCO JSON with um_per_px per image, or CSV",
       .example = "images.json"},
      [](auto& s) -> auto& { return s.input.mpp_from; }));
}

void AddTiling(std::vector<Setting>& table) {
  table.push_back(Make(
      {.group = "tiling",
       .key = "mode",
       .flag = "--tiling",
       .rule = Words({"tiles", "resize"}),
       .help = "a sliding window, or the whole image resized "
               "into the network"},
      [](auto& s) -> auto& { return s.tiling.mode; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "tile_px",
       .flag = "--tile",
       .rule = {.kind = SettingKind::kSize,
                .may_be_null = true,
                .low = 1,
                .high = kMaxTileSide},
       .help = "size of a tile, 768 or 640x512 (width x height), instead of "
               "the card's",
       .example = "640x512"},
      [](auto& s) -> auto& { return s.tiling.tile_px; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "fit",
       .flag = "--fit",
       .rule = Switch(),
       .help = "run smaller tiles at the smallest size that "
               "holds them, instead of padding them"},
      [](auto& s) -> auto& { return s.tiling.fit; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "overlap_px",
       .flag = "--overlap",
       .rule = Whole(0, kMaxSide - 1),
       .help = "px that neighbouring tiles share, at the "
               "model's um/px"},
      [](auto& s) -> auto& { return s.tiling.overlap_px; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "edge",
       .flag = "--edge",
       .rule = {.kind = SettingKind::kEdge, .low = 1, .high = kMaxSide},
       .help = "last tiles: align (shifted back inside), pad, or drop<N "
               "(padded; left out below N px)"},
      [](auto& s) -> auto& { return s.tiling.edge; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "target_mpp",
       .flag = "--target-mpp",
       .rule = OptionalNumber(kMinMpp, kMaxMpp),
       .help = "um per pixel that images are brought to, "
               "instead of the card's",
       .example = "0.484"},
      [](auto& s) -> auto& { return s.tiling.target_mpp; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "roi",
       .flag = "--roi",
       .rule = Path(),
       .help = "file with the regions to look at per image",
       .example = "regions.json"},
      [](auto& s) -> auto& { return s.tiling.roi; }));
  table.push_back(Make(
      {.group = "tiling",
       .key = "skip_background",
       .flag = "--skip-background",
       .rule = Switch(),
       .help = "leave out tiles of a slide that show empty glass"},
      [](auto& s) -> auto& { return s.tiling.skip_background; }));
}

void AddPostprocess(std::vector<Setting>& table) {
  table.push_back(Make(
      {.group = "postprocess",
       .key = "min_score",
       .flag = "--min-score",
       .rule = OptionalNumber(0, 1),
       .help = "keep scores above it, instead of the card's threshold",
       .example = "0.3"},
      [](auto& s) -> auto& { return s.postprocess.min_score; }));
  table.push_back(Make(
      {.group = "postprocess",
       .key = "class_min_score",
       .flag = "--class-min-score",
       .rule = {.kind = SettingKind::kScores, .low = 0, .high = 1},
       .help = "the same for single classes: HSIL=0.1,LSIL=0.2",
       .example = "{HSIL: 0.1, LSIL: 0.2}"},
      [](auto& s) -> auto& { return s.postprocess.class_min_score; }));
  table.push_back(Make(
      {.group = "postprocess",
       .key = "class_agnostic",
       .flag = "--class-agnostic",
       .rule = Switch(),
       .help = "each box with its best class; classes suppress each "
               "other"},
      [](auto& s) -> auto& { return s.postprocess.class_agnostic; }));
  table.push_back(Make(
      {.group = "postprocess",
       .key = "merge",
       .flag = "--merge",
       .rule = Words({"nms", "voting", "wbf", "nmm", "greedynmm"}),
       .help = "what becomes of boxes that match"},
      [](auto& s) -> auto& { return s.postprocess.merge; }));
  table.push_back(Make(
      {.group = "postprocess",
       .key = "match_metric",
       .flag = "--match-metric",
       .rule = Words({"iou", "ios"}),
       .help = "intersection over union, or over the smaller box"},
      [](auto& s) -> auto& { return s.postprocess.match_metric; }));
  table.push_back(Make(
      {.group = "postprocess",
       .key = "match_threshold",
       .flag = "--match-threshold",
       .rule = OptionalNumber(0, 1),
       .help = "boxes match above it, instead of the card's",
       .example = "0.5"},
      [](auto& s) -> auto& { return s.postprocess.match_threshold; }));
}

void AddQuality(std::vector<Setting>& table) {
  table.push_back(Make(
      {.group = "quality",
       .key = "min_coverage",
       .flag = "--min-coverage",
       .rule = {.kind = SettingKind::kNumber, .low = 0, .high = 1},
       .help = "share of the tiles to be scored; below it an image is to be "
               "reviewed and the exit code is 6"},
      [](auto& s) -> auto& { return s.quality.min_coverage; }));
}

void AddOutput(std::vector<Setting>& table) {
  table.push_back(Make(
      {.group = "output",
       .key = "output",
       .flag = "--output",
       .short_flag = "-o",
       .rule = Path(),
       .help = "folder for the results",
       .example = "out"},
      [](auto& s) -> auto& { return s.output.output; }));
  table.push_back(Make(
      {.group = "output",
       .key = "overlays",
       .flag = "--overlays",
       .rule = Switch(),
       .help = "write overlay.jpg"},
      [](auto& s) -> auto& { return s.output.overlays; }));
  table.push_back(Make(
      {.group = "output",
       .key = "heatmaps",
       .flag = "--heatmaps",
       .rule = Switch(),
       .help = "write heatmap.png"},
      [](auto& s) -> auto& { return s.output.heatmaps; }));
  table.push_back(Make(
      {.group = "output",
       .key = "thumbnails",
       .flag = "--thumbnails",
       .rule = Switch(),
       .help = "write thumbnail.jpg of slides"},
      [](auto& s) -> auto& { return s.output.thumbnails; }));
  table.push_back(Make(
      {.group = "output",
       .key = "anonymize",
       .flag = "--anonymize",
       .rule = Path(),
       .help = "name slides by salted hashes; this key file, made if it is "
               "missing, tells which is which",
       .example = "key.json"},
      [](auto& s) -> auto& { return s.output.anonymize; }));
}

void AddRun(std::vector<Setting>& table) {
  table.push_back(Make(
      {.group = "run",
       .key = "threads",
       .flag = "--threads",
       .rule = Whole(0, kMaxThreads),
       .help = "threads; 0: as many as the process may use"},
      [](auto& s) -> auto& { return s.run.threads; }));
  table.push_back(Make(
      {.group = "run",
       .key = "schedule",
       .flag = "--mode",
       .rule = {.kind = SettingKind::kChoice,
                .words = {"auto", "throughput", "latency"},
                .moved_words = {"tiles", "resize"},
                .moved_to = "--tiling, or tiling.mode"},
       .help = "a tile per thread, or one tile over all threads; auto: the "
               "second for an INT8 model with fewer tiles than threads"},
      [](auto& s) -> auto& { return s.run.schedule; }));
  table.push_back(Make(
      {.group = "run",
       .key = "isa",
       .flag = "--isa",
       .rule = Words({"auto", "plain", "avx2", "avx512", "avx512vnni",
                      "avx512vbmi", "amxint8"}),
       .help = "instructions of our own kernels; auto: the best that this CPU "
               "has"},
      [](auto& s) -> auto& { return s.run.isa; }));
  table.push_back(Make(
      {.group = "run",
       .key = "engine",
       .flag = "--engine",
       .rule = Words({"naive", "onednn"}),
       .help = "naive is the plain-loop reference"},
      [](auto& s) -> auto& { return s.run.engine; }));
  table.push_back(Make(
      {.group = "run",
       .key = "on_error",
       .flag = "--on-error",
       .rule = Words({"continue", "stop"}),
       .help = "whether images are begun after one has failed"},
      [](auto& s) -> auto& { return s.run.on_error; }));
  table.push_back(Make(
      {.group = "run",
       .key = "max_failures",
       .flag = "--max-failures",
       .rule = Whole(0, kMaxFailures),
       .help = "begin no image after so many have failed; 0: any number"},
      [](auto& s) -> auto& { return s.run.max_failures; }));
  table.push_back(Make(
      {.group = "run",
       .key = "isolate",
       .flag = "--isolate",
       .rule = Switch(),
       .help = "a process of its own for each image"},
      [](auto& s) -> auto& { return s.run.isolate; }));
  table.push_back(Make(
      {.group = "run",
       .key = "isolate_mib",
       .flag = "--isolate-mib",
       .rule = Whole(kLeastIsolateMib, kMostIsolateMib),
       .help = "memory that such a process may use, MiB of address space"},
      [](auto& s) -> auto& { return s.run.isolate_mib; }));
  table.push_back(Make(
      {.group = "run",
       .key = "budget_s",
       .flag = "--budget-s",
       .rule = OptionalNumber(0, kMaxBudget),
       .help = "seconds for each slide: its most suspicious tiles first, "
               "then no more",
       .example = "60"},
      [](auto& s) -> auto& { return s.run.budget_s; }));
  table.push_back(Make(
      {.group = "run",
       .key = "quiet",
       .flag = "--quiet",
       .short_flag = "-q",
       .rule = Switch(),
       .help = "print no table"},
      [](auto& s) -> auto& { return s.run.quiet; }));
  table.push_back(Make(
      {.group = "run",
       .key = "log_json",
       .flag = "--log-json",
       .rule = Path(),
       .help = "file for a log in JSON, one line an event",
       .example = "log.jsonl"},
      [](auto& s) -> auto& { return s.run.log_json; }));
}

std::vector<Setting> MakeTable() {
  std::vector<Setting> table;
  AddInput(table);
  AddTiling(table);
  AddPostprocess(table);
  AddQuality(table);
  AddOutput(table);
  AddRun(table);
  return table;
}

char Upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

const std::vector<Setting>& SettingsTable() {
  static const std::vector<Setting> table = MakeTable();
  return table;
}

std::string FullKey(const Setting& setting) {
  return std::string(setting.group) + "." + std::string(setting.key);
}

std::string VariableName(const Setting& setting) {
  std::string name =
      std::string(setting.group) + "_" + std::string(setting.key);
  std::ranges::transform(name, name.begin(), Upper);
  return "CYTO8_" + name;
}

std::string OppositeFlag(const Setting& setting) {
  return "--no-" + std::string(setting.flag.substr(2));
}

const Setting* FindSetting(std::string_view full_key) {
  const auto found = std::ranges::find(SettingsTable(), full_key, FullKey);
  return found == SettingsTable().end() ? nullptr : &*found;
}

std::string NearestSetting(std::string_view full_key) {
  const std::string_view key = full_key.substr(full_key.rfind('.') + 1);
  std::vector<std::string> words;
  for (const Setting& setting : SettingsTable()) {
    if (setting.key == key) {
      return "; did you mean \"" + FullKey(setting) + "\"?";
    }
    words.push_back(FullKey(setting));
  }
  const std::vector<std::string_view> known(words.begin(), words.end());
  return DidYouMean(full_key, known);
}

std::vector<std::string_view> SettingGroups() {
  std::vector<std::string_view> groups;
  for (const Setting& setting : SettingsTable()) {
    if (groups.empty() || groups.back() != setting.group) {
      groups.push_back(setting.group);
    }
  }
  return groups;
}

}  // namespace cyto8
