// SPDX-License-Identifier: Apache-2.0
// `cyto8 eval`: detections against truth, figures out. Tested by
// tests/app/eval_command_test.cc and eval_golden_test.cc.
#pragma once

#include <span>
#include <string>

#include "app/eval_settings.h"
#include "app/exit_code.h"
#include "base/file_system.h"

namespace cyto8 {

// Tables go to stdout, messages to stderr. 0; 2 what was read is refused; 3 a
// file cannot be read; 5 the gate failed, all else done; 75 disk full.
ExitCode RunEval(FileSystem& files, const EvalCommandOptions& options);

// kInvalidArgument if the report cannot go to `path`: it is there and no
// regular file (a rename would replace a device), or it is one of the inputs.
// An empty path is fine.
Status CheckReportFile(FileSystem& files, const std::string& path,
                       std::span<const std::string> inputs);

// The exit code of a file that could not be read, where `cyto8` needs it to do
// anything at all.
ExitCode ExitCodeOfInput(const Status& status);

}  // namespace cyto8
