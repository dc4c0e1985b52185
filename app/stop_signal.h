// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM as a question that work asks between two steps. The second
// signal ends the process at once; the next run repairs what is left. Tested by
// tests/app/stop_signal_test.cc.
#pragma once

#include "app/exit_code.h"

namespace cyto8 {

// While one exists, the signals are caught; then the former handlers are back.
// At most one at a time. The state behind it is the process's, as signals are.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Thread-safe.
  bool received() const;
  // kInterrupted or kTerminated; kWhole if no signal came.
  ExitCode exit_code() const;
};

}  // namespace cyto8
