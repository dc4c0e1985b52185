// SPDX-License-Identifier: Apache-2.0
// The flags of `cyto8 score`, made from the table of settings. Tested by
// tests/app/command_line_test.cc.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"
#include "app/environment.h"

namespace CLI {
class App;
}  // namespace CLI

namespace cyto8 {

// `words` is the whole command line, for run.json. When the command was given,
// parsing leaves it in `action`, which must live as long as the parser.
void AddScoreCommand(CLI::App& app, const Environment& environment,
                     const std::vector<std::string>& words,
                     CommandAction& action);

}  // namespace cyto8
