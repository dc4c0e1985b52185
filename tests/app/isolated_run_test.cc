// SPDX-License-Identifier: Apache-2.0
// However the child ends, this process knows and goes on.
#include "app/isolated_run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

constexpr int64_t kMib = 1 << 14;

TEST(RunIsolatedTest, WhatIsDoneThereIsSeenOnDisk) {
  const TemporaryFolder folder;
  EXPECT_TRUE(RunIsolated(kMib, [&] {
                folder.Put("x", "done");
                return OkStatus();
              }).ok());
  EXPECT_EQ(folder.Get("x"), "done");
}

TEST(RunIsolatedTest, ASignalIsNamed) {
  EXPECT_EQ(RunIsolated(kMib,
                        [] {
                          raise(SIGKILL);
                          return OkStatus();
                        })
                .message(),
            "signal 9 (Killed) ended its process, which had 16384 MiB");
}

TEST(RunIsolatedTest, AnExitAndAnExceptionAreNamed) {
  EXPECT_EQ(RunIsolated(kMib, []() -> Status { _exit(7); }).message(),
            "its process ended with exit code 7, which had 16384 MiB");
  EXPECT_FALSE(RunIsolated(kMib, [] { return DataLoss("cut"); }).ok());
  EXPECT_EQ(
      RunIsolated(kMib, []() -> Status { throw std::bad_alloc(); }).code(),
      StatusCode::kResourceExhausted);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(RunIsolatedTest, MemoryIsLimited) {
  const TemporaryFolder folder;
  const auto try_bytes = [&](size_t bytes) {
    return RunIsolated(kMib, [&] {
      std::vector<char> memory(bytes);
      memory[bytes - 1] = 1;
      folder.Put("x", std::string(1, memory[bytes - 1]));
      return OkStatus();
    });
  };
  EXPECT_TRUE(try_bytes(size_t{1} << 20).ok());
  EXPECT_FALSE(try_bytes(size_t{kMib} << 20).ok());
}
#endif

}  // namespace
}  // namespace cyto8
