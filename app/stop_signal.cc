// SPDX-License-Identifier: Apache-2.0
// Signal handlers; see stop_signal.h.
#include "app/stop_signal.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace cyto8 {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM};

// What a handler may touch: nothing but a lock-free flag of the process.
std::atomic<int> received_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

std::array<struct sigaction, kSignals.size()> former_actions;

extern "C" void OnSignal(int signal) {
  if (received_signal.exchange(signal) != 0) _exit(128 + signal);
}

}  // namespace

StopSignal::StopSignal() {
  received_signal = 0;
  struct sigaction action = {};
  action.sa_handler = &OnSignal;
  // Calls that the signal cuts short go on: FileSystem would repeat them.
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &former_actions[i]);
    // Whoever started us without an interrupt, as `&` does, wants none.
    if (former_actions[i].sa_handler == SIG_IGN) continue;
    sigaction(kSignals[i], &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], &former_actions[i], nullptr);
  }
}

bool StopSignal::received() const { return received_signal != 0; }

ExitCode StopSignal::exit_code() const {
  switch (received_signal) {
    case SIGINT:
      return ExitCode::kInterrupted;
    case SIGTERM:
      return ExitCode::kTerminated;
    default:
      return ExitCode::kWhole;
  }
}

}  // namespace cyto8
