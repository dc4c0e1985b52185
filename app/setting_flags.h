// SPDX-License-Identifier: Apache-2.0
// The table of settings as flags of a command, with --config and --set. Tested
// by tests/app/command_line_test.cc.
#pragma once

#include <functional>

#include "app/settings_layers.h"

namespace CLI {
class App;
}  // namespace CLI

namespace cyto8 {

// Adds --config and --set. The result is asked after parsing, while the command
// lives.
std::function<SettingFlags()> AddLayerFlags(CLI::App& command);

// The same and one flag for each setting; a switch has its --no- opposite too.
std::function<SettingFlags()> AddSettingFlags(CLI::App& command);

}  // namespace cyto8
