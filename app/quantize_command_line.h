// SPDX-License-Identifier: Apache-2.0
// The flags of `cyto8 quantize`. Tested by tests/app/quantize_command_test.cc.
#pragma once

#include "app/command.h"
#include "app/environment.h"

namespace CLI {
class App;
}

namespace cyto8 {

// When the command was given, leaves in `action`, which must outlive the parse,
// what to run.
void AddQuantizeCommand(CLI::App& app, const Environment& environment,
                        CommandAction& action);

}  // namespace cyto8
