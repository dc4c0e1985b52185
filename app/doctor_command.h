// SPDX-License-Identifier: Apache-2.0
// `cyto8 doctor`. Tested by tests/app/doctor_test.cc.
#pragma once

#include "app/command.h"
#include "app/environment.h"

namespace CLI {
class App;
}  // namespace CLI

namespace cyto8 {

// When the command was given, parsing leaves it in `action`, which must live as
// long as the parser.
void AddDoctorCommand(CLI::App& app, const Environment& environment,
                      CommandAction& action);

}  // namespace cyto8
