// SPDX-License-Identifier: Apache-2.0
// The exit codes of the program: the only place with their numbers
// (docs/formats.md, section 2). Tested by tests/app/exit_code_test.cc.
#pragma once

#include "base/status.h"

namespace cyto8 {

enum class ExitCode {
  kWhole = 0,          // every image whole.
  kInternal = 1,       // a defect of the program.
  kRefused = 2,        // usage, configuration or model; nothing started.
  kNoInput = 3,        // no readable input, or um/px unknown for all.
  kPartial = 4,        // some images failed; all outcomes written.
  kGateFailed = 5,     // a demanded quality was not reached.
  kDegraded = 6,       // all finished, one below a limit.
  kTemporary = 75,     // held, disk full, out of memory: retry later.
  kInterrupted = 130,  // SIGINT.
  kTerminated = 143,   // SIGTERM.
};

// The one of the two that wins: the first of 130/143, 1, 2, 3, 75, 4, 6, 5.
ExitCode Worse(ExitCode a, ExitCode b);

// What a failure that stops the whole program means before any image is done.
ExitCode ExitCodeOf(const Status& status);

}  // namespace cyto8
