// SPDX-License-Identifier: Apache-2.0
// `cyto8 score`: images in, result folder out. Tested by
// tests/app/score_command_test.cc.
#pragma once

#include "app/exit_code.h"
#include "app/score_request.h"
#include "base/file_system.h"

namespace cyto8 {

// The table goes to stdout, messages to stderr.
ExitCode RunScore(FileSystem& files, const ScoreRequest& request);

}  // namespace cyto8
