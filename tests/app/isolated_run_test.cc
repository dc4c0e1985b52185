// SPDX-License-Identifier: Apache-2.0
// However the child ends, this process knows and goes on.
#include "app/isolated_run.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

constexpr int64_t kMib = 1 << 14;

IsolatedEnd InChild(const std::function<Status()>& work) {
  return RunIsolated(
      kMib, [] { return false; }, work);
}

TEST(RunIsolatedTest, WhatIsDoneThereIsSeenOnDisk) {
  const TemporaryFolder folder;
  const IsolatedEnd end = InChild([&] {
    folder.Put("x", "done");
    return OkStatus();
  });
  EXPECT_TRUE(end.finished);
  EXPECT_TRUE(end.status.ok());
  EXPECT_EQ(folder.Get("x"), "done");
}

TEST(RunIsolatedTest, WhatTheWorkCameBackWithIsKnownHere) {
  const IsolatedEnd end = InChild([] { return DataLoss("x.svs: cut"); });
  EXPECT_TRUE(end.finished);
  EXPECT_EQ(end.status.ToString(), "DATA_LOSS: x.svs: cut");
  const IsolatedEnd longer =
      InChild([] { return NotFound(std::string(100'000, 'x')); });
  EXPECT_EQ(longer.status.code(), StatusCode::kNotFound);
  EXPECT_GT(longer.status.message().size(), 4000U);
}

TEST(RunIsolatedTest, ASignalIsNamed) {
  const IsolatedEnd end = InChild([] {
    raise(SIGKILL);
    return OkStatus();
  });
  EXPECT_FALSE(end.finished);
  EXPECT_EQ(end.status.message(),
            "signal 9 (Killed) ended its process, which had 16384 MiB");
}

TEST(RunIsolatedTest, AnExitAndAnExceptionAreNamed) {
  const IsolatedEnd exit = InChild([]() -> Status { _exit(7); });
  EXPECT_FALSE(exit.finished);
  EXPECT_EQ(exit.status.message(),
            "its process ended with exit code 7, which had 16384 MiB");
  EXPECT_FALSE(InChild([]() -> Status { _exit(0); }).finished);
  const IsolatedEnd thrown =
      InChild([]() -> Status { throw std::bad_alloc(); });
  EXPECT_FALSE(thrown.finished);
  EXPECT_EQ(thrown.status.ToString(),
            "RESOURCE_EXHAUSTED: std::bad_alloc ended its process, which had "
            "16384 MiB");
}

TEST(RunIsolatedTest, AStopComesToTheChildAsASignal) {
  const IsolatedEnd end = RunIsolated(
      kMib, [] { return true; },
      [] {
        sigset_t term;
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        sigprocmask(SIG_BLOCK, &term, nullptr);
        int signal = 0;
        sigwait(&term, &signal);
        return signal == SIGTERM ? NotFound("told") : OkStatus();
      });
  EXPECT_EQ(end.status.message(), "told");
}

TEST(RunIsolatedTest, AChildDoesNotOutliveItsParent) {
  const TemporaryFolder folder;
  const pid_t parent = fork();
  if (parent == 0) {
    InChild([&] {
      folder.Put("child", std::to_string(getpid()));
      pause();
      return OkStatus();
    });
    _exit(0);
  }
  std::string child;
  while (child.empty()) {
    if (std::filesystem::exists(folder.PathOf("child"))) {
      child = folder.Get("child");
    }
    usleep(1000);
  }
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  // Whoever inherits it may not have waited for it yet.
  const auto is_gone = [&] {
    std::ifstream stat("/proc/" + child + "/stat");
    std::string number, name, state;
    return !(stat >> number >> name >> state) || state == "Z";
  };
  for (int i = 0; i < 5000 && !is_gone(); ++i) usleep(1000);
  EXPECT_TRUE(is_gone());
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(RunIsolatedTest, MemoryIsLimited) {
  const TemporaryFolder folder;
  const auto try_bytes = [&](size_t bytes) {
    return InChild([&] {
             std::vector<char> memory(bytes);
             memory[bytes - 1] = 1;
             folder.Put("x", std::string(1, memory[bytes - 1]));
             return OkStatus();
           })
        .finished;
  };
  EXPECT_TRUE(try_bytes(size_t{1} << 20));
  EXPECT_FALSE(try_bytes(size_t{kMib} << 20));
}
#endif

}  // namespace
}  // namespace cyto8
