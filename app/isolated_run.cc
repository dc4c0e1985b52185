// SPDX-License-Identifier: Apache-2.0
// See isolated_run.h.
#include "app/isolated_run.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <exception>
#include <string>

namespace cyto8 {
namespace {

constexpr int kDone = 0;
constexpr int kNotDone = 1;
constexpr int kPollMs = 100;

// What the child tells at its end: the status's code, then its message. One
// write of so many bytes needs nobody who reads it yet.
constexpr size_t kReportBytes = PIPE_BUF;

std::string HadMib(int64_t address_space_mib) {
  return ", which had " + std::to_string(address_space_mib) + " MiB";
}

IsolatedEnd Limited(int64_t address_space_mib,
                    const std::function<Status()>& work) {
  const auto bytes = static_cast<rlim_t>(address_space_mib) << 20;
  const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) {
    return {.status = ErrnoStatus(errno, "setrlimit")};
  }
  try {
    return {.finished = true, .status = work()};
  } catch (const std::exception& error) {
    return {.status = ResourceExhausted(std::string(error.what()) +
                                        " ended its process" +
                                        HadMib(address_space_mib))};
  }
}

std::string ReportOf(const IsolatedEnd& end) {
  std::string report = {end.finished ? '\1' : '\0',
                        static_cast<char>(end.status.code())};
  report += end.status.message();
  report.resize(std::min(report.size(), kReportBytes));
  return report;
}

IsolatedEnd EndOf(const std::string& report) {
  const auto code = static_cast<StatusCode>(report[1]);
  IsolatedEnd end = {.finished = report[0] != '\0'};
  if (code != StatusCode::kOk) end.status = Status(code, report.substr(2));
  return end;
}

[[noreturn]] void RunChild(pid_t parent, int report_pipe,
                           int64_t address_space_mib,
                           const std::function<Status()>& work) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNotDone);  // it is gone already.
  const std::string report = ReportOf(Limited(address_space_mib, work));
  const ssize_t told = write(report_pipe, report.data(), report.size());
  _exit(told == std::ssize(report) ? kDone : kNotDone);
}

// Until the child tells its end, or dies, which closes the pipe.
void WaitForReport(int report_pipe, pid_t child,
                   const std::function<bool()>& stopped) {
  pollfd pipe = {.fd = report_pipe, .events = POLLIN, .revents = 0};
  bool is_told = false;
  while (poll(&pipe, 1, kPollMs) <= 0) {
    if (is_told || !stopped()) continue;
    kill(child, SIGTERM);
    is_told = true;
  }
}

std::string ReadReport(int report_pipe) {
  std::array<char, kReportBytes> bytes;
  ssize_t count = 0;
  do {
    count = read(report_pipe, bytes.data(), bytes.size());
  } while (count < 0 && errno == EINTR);
  return {bytes.data(), count > 0 ? static_cast<size_t>(count) : 0};
}

IsolatedEnd Ended(int status, const std::string& report,
                  int64_t address_space_mib) {
  const std::string limit = HadMib(address_space_mib);
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return {.status = ResourceExhausted("signal " + std::to_string(signal) +
                                        " (" + strsignal(signal) +
                                        ") ended its process" + limit)};
  }
  if (WEXITSTATUS(status) == kDone && report.size() >= 2) return EndOf(report);
  return {.status =
              ResourceExhausted("its process ended with exit code " +
                                std::to_string(WEXITSTATUS(status)) + limit)};
}

IsolatedEnd WaitForEnd(int report_pipe, pid_t child, int64_t address_space_mib,
                       const std::function<bool()>& stopped) {
  WaitForReport(report_pipe, child, stopped);
  const std::string report = ReadReport(report_pipe);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return {.status = ErrnoStatus(errno, "waitpid")};
  }
  return Ended(status, report, address_space_mib);
}

}  // namespace

IsolatedEnd RunIsolated(int64_t address_space_mib,
                        const std::function<bool()>& stopped,
                        const std::function<Status()>& work) {
  std::array<int, 2> ends = {};  // to read, to write.
  if (pipe(ends.data()) != 0) return {.status = ErrnoStatus(errno, "pipe")};
  const pid_t parent = getpid();
  const pid_t child = fork();
  const int fork_error = errno;
  if (child == 0) {
    close(ends[0]);
    RunChild(parent, ends[1], address_space_mib, work);
  }
  close(ends[1]);
  IsolatedEnd end = {.status = ErrnoStatus(fork_error, "fork")};
  if (child > 0) end = WaitForEnd(ends[0], child, address_space_mib, stopped);
  close(ends[0]);
  return end;
}

}  // namespace cyto8
