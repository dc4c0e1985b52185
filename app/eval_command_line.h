// SPDX-License-Identifier: Apache-2.0
// The flags of `cyto8 eval` and `cyto8 compare`. Tested by
// tests/app/eval_command_line_test.cc.
#pragma once

#include "app/command.h"

namespace CLI {
class App;
}

namespace cyto8 {

// When one of the two was given, leaves in `action`, which must outlive the
// parse, what to run: the command, or a refusal of its flags.
void AddEvalCommands(CLI::App& app, CommandAction& action);

}  // namespace cyto8
