// SPDX-License-Identifier: Apache-2.0
// `cyto8 config init|show|check|schema`. Tested by
// tests/app/config_command_test.cc.
#pragma once

#include "app/command.h"
#include "app/environment.h"

namespace CLI {
class App;
}  // namespace CLI

namespace cyto8 {

// When one of the commands was given, parsing leaves it in `action`, which must
// live as long as the parser.
void AddConfigCommand(CLI::App& app, const Environment& environment,
                      CommandAction& action);

}  // namespace cyto8
