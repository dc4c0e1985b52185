// SPDX-License-Identifier: Apache-2.0
// Locks inside a process, between processes, and after one was killed.
#include "base/file_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

class FileLockTest : public testing::Test {
 protected:
  std::optional<FileLock> Acquire() {
    StatusOr<std::optional<FileLock>> lock =
        FileLock::TryAcquire(files_, path_);
    EXPECT_TRUE(lock.ok()) << lock.status().ToString();
    return std::move(*lock);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("a.lock");
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(FileLockTest, ExcludesUntilItGoes) {
  {
    const std::optional<FileLock> first = Acquire();
    EXPECT_TRUE(first.has_value());
    EXPECT_FALSE(Acquire().has_value());
    EXPECT_EQ(files_.open_files(), 1);
  }
  EXPECT_EQ(files_.open_files(), 0);
  EXPECT_TRUE(Acquire().has_value());
}

TEST_F(FileLockTest, MovesWithoutBeingFreed) {
  std::optional<FileLock> first = Acquire();
  const FileLock second = std::move(*first);
  first.reset();
  EXPECT_FALSE(Acquire().has_value());
}

TEST_F(FileLockTest, LeavesTheFileAndItsContentAlone) {
  folder_.Put("a.lock", "somebody's words");
  EXPECT_TRUE(Acquire().has_value());
  EXPECT_EQ(folder_.Get("a.lock"), "somebody's words");
}

TEST_F(FileLockTest, IsFreeWhenItsProcessIsKilled) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = FileLock::TryAcquire(RealFileSystem(), path_);
    const char taken = lock.ok() && lock->has_value() ? 'y' : 'n';
    if (write(ready[1], &taken, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char taken = '?';
  ASSERT_EQ(read(ready[0], &taken, 1), 1);
  EXPECT_EQ(taken, 'y');
  EXPECT_FALSE(Acquire().has_value());
  ASSERT_EQ(kill(child, SIGKILL), 0);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(Acquire().has_value());
  close(ready[0]);
  close(ready[1]);
}

TEST_F(FileLockTest, AFailingCallIsNamedAndNothingStaysOpen) {
  for (const FileCall kind : {FileCall::kOpenLock, FileCall::kTryLock}) {
    files_.Arm({.kind = kind, .error_number = ENOLCK});
    EXPECT_EQ(FileLock::TryAcquire(files_, path_).status().message(),
              path_ + ": No locks available");
    EXPECT_EQ(files_.open_files(), 0);
  }
}

TEST_F(FileLockTest, FollowsNoLink) {
  folder_.Put("elsewhere", "");
  ASSERT_EQ(symlink(folder_.PathOf("elsewhere").c_str(), path_.c_str()), 0);
  EXPECT_EQ(FileLock::TryAcquire(files_, path_).status().message(),
            path_ + ": Too many levels of symbolic links");
}

TEST_F(FileLockTest, CheckLockingTellsWhereLocksExcludeNobody) {
  files_.PretendToLock();
  EXPECT_EQ(CheckLocking(files_, path_).ToString(),
            "UNAVAILABLE: " + path_ +
                ": two locks were granted at once: this file system does not "
                "lock; use one process, or a local folder");
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(FileLockTest, CheckLockingPassesWhereLocksExclude) {
  EXPECT_TRUE(CheckLocking(files_, path_).ok());
  EXPECT_EQ(files_.open_files(), 0);
  const std::optional<FileLock> held = Acquire();
  EXPECT_TRUE(CheckLocking(files_, path_).ok());
}

}  // namespace
}  // namespace cyto8
