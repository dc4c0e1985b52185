// SPDX-License-Identifier: Apache-2.0
// The flags of `cyto8 make-slide`. Tested by
// tests/app/make_slide_command_test.cc.
#pragma once

#include "app/command.h"

namespace CLI {
class App;
}

namespace cyto8 {

// When the command was given, leaves in `action`, which must outlive the parse,
// what to run.
void AddMakeSlideCommand(CLI::App& app, CommandAction& action);

}  // namespace cyto8
