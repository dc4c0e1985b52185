// SPDX-License-Identifier: Apache-2.0
// Tests of tests/support/faulty_file_system.h: what the fault tests rely on.
#include "tests/support/faulty_file_system.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

class FaultyFileSystemTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(FaultyFileSystemTest, PassesEveryCallOnAndNotesIt) {
  folder_.Put("a", "content");
  EXPECT_TRUE(ReadWholeFile(files_, folder_.PathOf("a"), 100).ok());
  EXPECT_EQ(files_.calls(),
            (std::vector<FileCall>{FileCall::kOpenForReading, FileCall::kStat,
                                   FileCall::kRead, FileCall::kClose}));
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(FaultyFileSystemTest, FailsTheCallWithTheIndexOnly) {
  const std::string path = folder_.PathOf("d");
  files_.Arm({.index = 1, .error_number = ENOSPC});
  EXPECT_TRUE(files_.MakeDirectory(path).ok());
  EXPECT_EQ(files_.MakeDirectory(path).message(),
            path + ": No space left on device");
  EXPECT_TRUE(files_.MakeDirectory(path).ok());
}

TEST_F(FaultyFileSystemTest, ALastingFaultFailsAllLaterCalls) {
  const std::string path = folder_.PathOf("d");
  files_.Arm({.index = 1, .error_number = EIO, .lasting = true});
  EXPECT_TRUE(files_.MakeDirectory(path).ok());
  EXPECT_FALSE(files_.MakeDirectory(path).ok());
  EXPECT_FALSE(files_.MakeDirectory(path).ok());
  files_.Disarm();
  EXPECT_TRUE(files_.MakeDirectory(path).ok());
}

TEST_F(FaultyFileSystemTest, CountsCallsOfTheKindOnly) {
  files_.Arm({.kind = FileCall::kRemove, .index = 0, .error_number = EIO});
  EXPECT_TRUE(files_.MakeDirectory(folder_.PathOf("d")).ok());
  folder_.Put("a", "");
  EXPECT_FALSE(files_.Remove(folder_.PathOf("a")).ok());
  EXPECT_TRUE(files_.Remove(folder_.PathOf("a")).ok());
}

TEST_F(FaultyFileSystemTest, EveryKindOfCallCanFail) {
  folder_.Put("a", "content");
  const std::string a = folder_.PathOf("a");
  const int file = files_.OpenForReading(a).value();
  files_.Arm({.index = 0, .error_number = EIO, .lasting = true});
  std::byte bytes[4] = {};
  EXPECT_FALSE(files_.OpenForReading(a).ok());
  EXPECT_FALSE(files_.CreateNew(folder_.PathOf("b")).ok());
  EXPECT_FALSE(files_.OpenDirectory(folder_.path()).ok());
  EXPECT_FALSE(files_.Stat(file, a).ok());
  EXPECT_FALSE(files_.Read(file, bytes, a).ok());
  EXPECT_FALSE(files_.ReadAt(file, 0, bytes, a).ok());
  EXPECT_FALSE(files_.Map(file, 1, a).ok());
  EXPECT_FALSE(files_.Write(file, bytes, a).ok());
  EXPECT_FALSE(files_.WriteAt(file, 0, bytes, a).ok());
  EXPECT_FALSE(files_.Sync(file, a).ok());
  EXPECT_FALSE(files_.Rename(a, folder_.PathOf("b")).ok());
  EXPECT_FALSE(files_.Remove(a).ok());
  EXPECT_FALSE(files_.MakeDirectory(folder_.PathOf("d")).ok());
  EXPECT_FALSE(files_.ListDirectory(folder_.path()).ok());
  EXPECT_EQ(files_.open_files(), 1);
  EXPECT_FALSE(files_.Close(file, a).ok());
  EXPECT_EQ(files_.open_files(), 0);
  EXPECT_EQ(folder_.Names(), std::vector<std::string>{"a"});
}

TEST_F(FaultyFileSystemTest, TransfersCanBeShortened) {
  files_.ShortenTransfers(3);
  const std::string path = folder_.PathOf("a");
  const int file = files_.CreateNew(path).value();
  const std::byte bytes[10] = {};
  EXPECT_EQ(files_.Write(file, bytes, path).value(), 3);
  EXPECT_EQ(files_.WriteAt(file, 2, bytes, path).value(), 3);
  EXPECT_TRUE(files_.Close(file, path).ok());
  EXPECT_EQ(folder_.Get("a").size(), 5u);
  folder_.Put("b", "0123456789");
  const int readable = files_.OpenForReading(folder_.PathOf("b")).value();
  std::byte read[10] = {};
  EXPECT_EQ(files_.Read(readable, read, path).value(), 3);
  EXPECT_EQ(files_.ReadAt(readable, 1, read, path).value(), 3);
  EXPECT_TRUE(files_.Close(readable, path).ok());
}

}  // namespace
}  // namespace cyto8
