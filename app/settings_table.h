// SPDX-License-Identifier: Apache-2.0
// The one table of the settings of `cyto8 score`: flags, configuration files,
// variables, the JSON Schema and `cyto8 config` are derived from it. Tested by
// tests/app/settings_table_test.cc.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings_value.h"

namespace cyto8 {

// Of configuration files (docs/formats.md, section 5).
inline constexpr int64_t kConfigSchema = 1;

struct Setting {
  std::string_view group;  // "tiling".
  std::string_view key;    // "overlap_px".
  // "--overlap"; of a kBool the one that says true, whose opposite is
  // OppositeFlag().
  std::string_view flag;
  std::string_view short_flag;  // "-o", or empty.
  SettingRule rule;
  std::string_view help;
  std::string_view example;  // as in a file, where the default says nothing.
  std::function<SettingValue(const ScoreSettings&)> get;
  // The value is one that the rule allows.
  std::function<void(const SettingValue&, ScoreSettings&)> set;
};

// In the order of files and listings: groups together.
const std::vector<Setting>& SettingsTable();

// "tiling.overlap_px".
std::string FullKey(const Setting& setting);
// "CYTO8_TILING_OVERLAP_PX".
std::string VariableName(const Setting& setting);
// "--no-overlays" of "--overlays".
std::string OppositeFlag(const Setting& setting);

// Null if there is none of this full key.
const Setting* FindSetting(std::string_view full_key);

// "; did you mean \"tiling.overlap_px\"?", or nothing. Also finds a key whose
// group is missing or wrong.
std::string NearestSetting(std::string_view full_key);

// "tiling", "run" and so on, each once, in table order.
std::vector<std::string_view> SettingGroups();

}  // namespace cyto8
