// SPDX-License-Identifier: Apache-2.0
// `cyto8 compare A B`: two results on the same images, and whether they differ
// by more than the choice of images explains. Tested by
// tests/app/compare_command_test.cc.
#pragma once

#include "app/eval_settings.h"
#include "app/exit_code.h"
#include "base/file_system.h"

namespace cyto8 {

// Paired bootstrap: both results are resampled by the same images. The tables
// go to stdout, messages to stderr. Without a truth only the agreement of B
// with A. Exit codes as of RunEval.
ExitCode RunCompare(FileSystem& files, const CompareCommandOptions& options);

}  // namespace cyto8
