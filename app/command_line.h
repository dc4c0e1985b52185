// SPDX-License-Identifier: Apache-2.0
// The flags of the program: which command runs with which options. Parse errors
// become one line and exit code 2. Tested by tests/app/command_line_test.cc.
#pragma once

#include "app/environment.h"
#include "app/exit_code.h"
#include "base/file_system.h"

namespace cyto8 {

// The whole program but for the process around it.
ExitCode RunCommandLine(FileSystem& files, const Environment& environment,
                        int argc, const char* const* argv);

}  // namespace cyto8
