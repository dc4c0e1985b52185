// SPDX-License-Identifier: Apache-2.0
// A configuration file (docs/formats.md, section 5): YAML to values of
// settings, with every mistake that it holds. Tested by
// tests/app/config_file_test.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings_table.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

struct ConfigValue {
  const Setting* setting = nullptr;  // a row of SettingsTable().
  SettingValue value = {};
  int64_t line = 1;
};

// What a file says, or what is wrong with it.
struct ConfigFile {
  std::vector<ConfigValue> values = {};  // each setting at most once.
  // "line 3, column 7: ..."; at most kMaxConfigProblems and a last line that
  // says so.
  std::vector<std::string> problems = {};
};

inline constexpr size_t kMaxConfigProblems = 100;

// Problems are: no UTF-8, no YAML, not one document, another schema, unknown
// and duplicate keys, wrong types and values. After a wrong schema nothing else
// is judged.
ConfigFile ParseConfig(std::string_view text);

// The file's content; paths in it become relative to the working folder. An
// error means that the file could not be read.
StatusOr<ConfigFile> ReadConfigFile(FileSystem& files, const std::string& path,
                                    const Limits& limits);

}  // namespace cyto8
