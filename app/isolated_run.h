// SPDX-License-Identifier: Apache-2.0
// Work in a child process with a limit on its memory: whatever it does to
// itself, this process goes on. Tested by tests/app/isolated_run_test.cc.
#pragma once

#include <cstdint>
#include <functional>

#include "base/status.h"

namespace cyto8 {

struct IsolatedEnd {
  // The child came to the end of its work.
  bool finished = false;
  // What the work came back with; of a child that did not finish, what ended
  // it: kResourceExhausted with the signal, the exit code or the exception, or
  // why there was no child.
  Status status = {};
};

// Forks; `work` runs in the child, which then ends without any clean-up but its
// own, with address_space_mib as the most that it may map. Called while this
// process has one thread. Once `stopped` returns true the child gets SIGTERM,
// whose handler it has from this process; it is in a process group of its own,
// so that a terminal's interrupt comes to it this way alone. It does not
// outlive this process.
IsolatedEnd RunIsolated(int64_t address_space_mib,
                        const std::function<bool()>& stopped,
                        const std::function<Status()>& work);

}  // namespace cyto8
