// SPDX-License-Identifier: Apache-2.0
// What is written about the table of settings: the JSON Schema of configuration
// files, the template of one, and resolved settings for people and programs.
// Tested by tests/app/config_text_test.cc.
#pragma once

#include <string>

#include "app/settings_layers.h"

namespace cyto8 {

// JSON Schema (draft 2020-12) of a configuration file. What it accepts is read,
// but for bounds inside texts such as "640x512" and "drop<64"; it knows choices
// in lower case only.
std::string ConfigSchemaText();

// A configuration file with every key, its meaning and its default; a key
// without a default stands there as a comment with an example.
std::string ConfigTemplate();

// A configuration file that gives these settings, each with its origin as a
// comment; without `all`, those only that are not defaults.
std::string SettingsYaml(const ResolvedSettings& resolved, bool all);

// {"schema", "files", "settings": [{"key", "value", "origin"}], "warnings"}.
std::string SettingsJson(const ResolvedSettings& resolved, bool all);

}  // namespace cyto8
