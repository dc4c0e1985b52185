// SPDX-License-Identifier: Apache-2.0
// See isolated_run.h.
#include "app/isolated_run.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <string>

#include "app/console.h"

namespace cyto8 {
namespace {

constexpr int kDone = 0;
constexpr int kNotDone = 1;

Status Limited(int64_t address_space_mib, const std::function<Status()>& work) {
  const auto bytes = static_cast<rlim_t>(address_space_mib) << 20;
  const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) {
    return ErrnoStatus(errno, "setrlimit");
  }
  try {
    return work();
  } catch (const std::exception& error) {
    return ResourceExhausted(error.what());
  }
}

[[noreturn]] void RunChild(int64_t address_space_mib,
                           const std::function<Status()>& work) {
  const Status status = Limited(address_space_mib, work);
  if (!status.ok()) PrintMessage(status.message());
  _exit(status.ok() ? kDone : kNotDone);
}

Status Ended(int status, int64_t address_space_mib) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == kDone) return OkStatus();
  const std::string limit =
      ", which had " + std::to_string(address_space_mib) + " MiB";
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return ResourceExhausted("signal " + std::to_string(signal) + " (" +
                             strsignal(signal) + ") ended its process" + limit);
  }
  return ResourceExhausted("its process ended with exit code " +
                           std::to_string(WEXITSTATUS(status)) + limit);
}

}  // namespace

Status RunIsolated(int64_t address_space_mib,
                   const std::function<Status()>& work) {
  const pid_t child = fork();
  if (child == 0) RunChild(address_space_mib, work);
  if (child < 0) return ErrnoStatus(errno, "fork");
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "waitpid");
  }
  return Ended(status, address_space_mib);
}

}  // namespace cyto8
