// SPDX-License-Identifier: Apache-2.0
// Where the settings of `cyto8 score` come from: flags over environment over
// project file over user file over what is built in (docs/formats.md, section
// 5). Every value keeps its origin. Tested by
// tests/app/settings_layers_test.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/environment.h"
#include "app/score_settings.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// A direct flag as it was given.
struct SettingFlag {
  std::string key;   // "tiling.overlap_px".
  std::string flag;  // "--overlap", as in messages.
  std::string text;  // "true" or "false" of a switch.
};

struct SettingFlags {
  std::vector<SettingFlag> given = {};
  std::vector<std::string> sets = {};  // of --set: "tiling.overlap_px=64".
  // --config: the project file, instead of CYTO8_CONFIG or ./cyto8.yaml.
  std::optional<std::string> config_file = std::nullopt;
};

struct SettingEntry {
  std::string key;    // "tiling.overlap_px".
  std::string value;  // as JSON text: "192", "null", "\"tiles\"".
  // "default", "cyto8.yaml:5", "environment CYTO8_THREADS", "flag --overlap".
  std::string origin;
};

struct ResolvedSettings {
  ScoreSettings settings = {};
  std::vector<SettingEntry> entries = {};      // every key, in table order.
  std::vector<std::string> config_files = {};  // those read, the weakest first.
  std::vector<std::string> warnings = {};      // for the user to see.
};

// The user file: $XDG_CONFIG_HOME/cyto8/config.yaml, without that variable (or
// when it is no absolute path) $HOME/.config/cyto8/config.yaml; empty without
// both.
std::string UserConfigPath(const Environment& environment);

// The project file: --config, else CYTO8_CONFIG, else "cyto8.yaml", which need
// not exist; `must_exist` says whether it must.
struct ProjectConfig {
  std::string path = {};
  bool must_exist = false;
};
ProjectConfig ProjectConfigPath(const Environment& environment,
                                const SettingFlags& flags);

// The settings with all layers applied. A wrong value is an error even where a
// higher layer overrules it; so is a setting that two flags give differently.
// Messages start with the flag, the variable, or file, line and column. A path
// in a file is relative to the file's folder, any other to the working folder.
// Does not ask that a model or an output is given: RequireModelAndOutput().
StatusOr<ResolvedSettings> ResolveSettings(FileSystem& files,
                                           const Environment& environment,
                                           const SettingFlags& flags,
                                           const Limits& limits = {});

// kInvalidArgument with flag and key of the first that is missing.
Status RequireModelAndOutput(const ScoreSettings& settings);

}  // namespace cyto8
