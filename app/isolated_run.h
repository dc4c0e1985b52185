// SPDX-License-Identifier: Apache-2.0
// Work in a child process with a limit on its memory: whatever it does to
// itself, this process goes on. Tested by tests/app/isolated_run_test.cc.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"

namespace cyto8 {

// Forks; `work` runs in the child, which then ends without any clean-up but its
// own, with address_space_mib as the most that it may map. Called while this
// process has one thread. kOk if `work` came back with that, else
// kResourceExhausted with the signal, the exit code or why there was no child;
// what went wrong in `work` the child has printed.
Status RunIsolated(int64_t address_space_mib,
                   const std::function<Status()>& work);

}  // namespace cyto8
