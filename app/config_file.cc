// SPDX-License-Identifier: Apache-2.0
// From the entries of a YAML map to values of settings; see config_file.h.
#include "app/config_file.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/yaml_map.h"
#include "base/nearest_word.h"

namespace cyto8 {
namespace {

using Form = WrittenForm;

constexpr std::string_view kSchemaKey = "schema";

Form FormOf(YamlKind kind) {
  switch (kind) {
    case YamlKind::kNull:
      return Form::kNull;
    case YamlKind::kPlain:
      return Form::kPlain;
    case YamlKind::kQuoted:
      return Form::kQuoted;
    case YamlKind::kTagged:
      return Form::kTagged;
    case YamlKind::kList:
      return Form::kList;
    case YamlKind::kMap:
      return Form::kMap;
  }
  return Form::kNull;
}

bool IsWord(YamlKind kind) {
  return kind == YamlKind::kPlain || kind == YamlKind::kQuoted;
}

std::string At(YamlPlace place, std::string_view what) {
  return Describe(place) + ": " + std::string(what);
}

// Fills a ConfigFile; goes on after a mistake.
class ConfigReader {
 public:
  void ReadDocument(const YamlMap& root);
  void Problem(std::string text);
  ConfigFile Take() { return std::move(file_); }

 private:
  // The entries of a map that may be looked at: words as keys, each once.
  std::vector<std::pair<size_t, YamlEntry>> SoundEntries(
      const YamlMap& map, const std::string& prefix);
  bool ReadSchema(const YamlMap& root);
  void ReadGroup(const YamlMap& root, size_t index, const YamlEntry& entry);
  void ReadSetting(const YamlMap& group, size_t index, const YamlEntry& entry,
                   const std::string& full_key);
  WrittenValue Written(const YamlMap& map, size_t index, const YamlEntry& entry,
                       const std::string& full_key);

  ConfigFile file_;
};

void ConfigReader::Problem(std::string text) {
  constexpr size_t kMaxLength = 500;
  if (text.size() > kMaxLength) text = text.substr(0, kMaxLength) + "...";
  if (file_.problems.size() < kMaxConfigProblems) {
    file_.problems.push_back(std::move(text));
  } else if (file_.problems.size() == kMaxConfigProblems) {
    file_.problems.push_back("more than " + std::to_string(kMaxConfigProblems) +
                             " mistakes; the rest is not listed");
  }
}

std::vector<std::pair<size_t, YamlEntry>> ConfigReader::SoundEntries(
    const YamlMap& map, const std::string& prefix) {
  std::map<std::string, YamlPlace> seen;
  std::vector<std::pair<size_t, YamlEntry>> sound;
  std::vector<YamlEntry> entries = map.Entries();
  for (size_t i = 0; i < entries.size(); ++i) {
    YamlEntry& entry = entries[i];
    if (!IsWord(entry.key_kind)) {
      Problem(At(entry.key_place, "a key: must be a word"));
      continue;
    }
    const auto [first, is_new] = seen.emplace(entry.key, entry.key_place);
    if (!is_new) {
      Problem(At(entry.key_place, prefix + entry.key) +
              ": key is given twice, first in line " +
              std::to_string(first->second.line));
      continue;
    }
    sound.emplace_back(i, std::move(entry));
  }
  return sound;
}

// False if the file is for another program than this one.
bool ConfigReader::ReadSchema(const YamlMap& root) {
  const std::string wanted = std::to_string(kConfigSchema);
  for (const YamlEntry& entry : root.Entries()) {
    if (entry.key != kSchemaKey || !IsWord(entry.key_kind)) continue;
    if (entry.kind == YamlKind::kPlain && entry.text == wanted) return true;
    const bool is_quoted = entry.kind == YamlKind::kQuoted;
    Problem(At(entry.place, "schema") +
            (IsWord(entry.kind) ? " = \"" + entry.text + "\"" : "") +
            ": must be " + wanted + (is_quoted ? ", without quotes" : ""));
    return false;
  }
  Problem(At({}, "key \"schema\" is missing: must be " + wanted));
  return false;
}

void ConfigReader::ReadDocument(const YamlMap& root) {
  if (!ReadSchema(root)) return;
  for (const auto& [index, entry] : SoundEntries(root, "")) {
    if (entry.key != kSchemaKey) ReadGroup(root, index, entry);
  }
}

// The nearest group, else the nearest setting: keys are forgotten to indent.
std::string NearestTopKey(const std::string& key) {
  std::vector<std::string_view> known = SettingGroups();
  known.push_back(kSchemaKey);
  const std::string nearest = DidYouMean(key, known);
  return nearest.empty() ? NearestSetting(key) : nearest;
}

void ConfigReader::ReadGroup(const YamlMap& root, size_t index,
                             const YamlEntry& entry) {
  const std::vector<std::string_view> groups = SettingGroups();
  if (std::ranges::find(groups, entry.key) == groups.end()) {
    return Problem(At(entry.key_place, entry.key) + ": unknown key" +
                   NearestTopKey(entry.key));
  }
  if (entry.kind == YamlKind::kNull) return;  // all keys commented out.
  if (entry.kind != YamlKind::kMap) {
    return Problem(At(entry.place, entry.key) + ": must be a map of settings");
  }
  const YamlMap group = root.MapAt(index);
  const std::string prefix = entry.key + ".";
  for (const auto& [i, setting] : SoundEntries(group, prefix)) {
    ReadSetting(group, i, setting, prefix + setting.key);
  }
}

void ConfigReader::ReadSetting(const YamlMap& group, size_t index,
                               const YamlEntry& entry,
                               const std::string& full_key) {
  const Setting* setting = FindSetting(full_key);
  if (setting == nullptr) {
    return Problem(At(entry.key_place, full_key) + ": unknown key" +
                   NearestSetting(full_key));
  }
  const size_t problems = file_.problems.size();
  const WrittenValue written = Written(group, index, entry, full_key);
  StatusOr<SettingValue> value =
      ParseSettingValue(setting->rule, At(entry.place, full_key), written);
  if (!value.ok()) return Problem(value.status().message());
  if (file_.problems.size() > problems) return;
  file_.values.push_back({setting, *std::move(value), entry.key_place.line});
}

WrittenValue ConfigReader::Written(const YamlMap& map, size_t index,
                                   const YamlEntry& entry,
                                   const std::string& full_key) {
  WrittenValue written{.form = FormOf(entry.kind), .text = entry.text};
  if (entry.kind != YamlKind::kMap) return written;
  const std::string prefix = full_key + ".";
  for (auto& [i, inner] : SoundEntries(map.MapAt(index), prefix)) {
    written.entries.push_back({.name = At(inner.place, prefix + inner.key),
                               .key = inner.key,
                               .form = FormOf(inner.kind),
                               .text = inner.text});
  }
  return written;
}

// "models/x.yaml" of "etc/cyto8.yaml" is "etc/models/x.yaml".
void MakeRelativeTo(const std::string& file, SettingValue& value) {
  auto* path = std::get_if<std::string>(&value);
  const size_t slash = file.rfind('/');
  if (path == nullptr || path->empty() || slash == std::string::npos) return;
  if (!path->starts_with('/')) *path = file.substr(0, slash + 1) + *path;
}

}  // namespace

ConfigFile ParseConfig(std::string_view text) {
  ConfigReader reader;
  const StatusOr<YamlMap> root = YamlMap::ParseWithDuplicates(text);
  if (root.ok()) {
    reader.ReadDocument(*root);
  } else {
    reader.Problem(root.status().message());
  }
  return reader.Take();
}

StatusOr<ConfigFile> ReadConfigFile(FileSystem& files, const std::string& path,
                                    const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_config_bytes));
  ConfigFile file =
      ParseConfig({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (ConfigValue& value : file.values) {
    if (value.setting->rule.kind != SettingKind::kPath) continue;
    MakeRelativeTo(path, value.value);
  }
  return file;
}

}  // namespace cyto8
