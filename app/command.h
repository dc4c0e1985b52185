// SPDX-License-Identifier: Apache-2.0
// How a command joins the program: its Add...() function registers the flags
// and, when the command was given, leaves here what to run. Tested by
// tests/app/command_line_test.cc.
#pragma once

#include <functional>

#include "app/exit_code.h"
#include "base/file_system.h"

namespace cyto8 {

// Empty until a command was parsed. Called once, after all flags were checked.
using CommandAction = std::function<ExitCode(FileSystem&)>;

}  // namespace cyto8
