// SPDX-License-Identifier: Apache-2.0
// Tests of base/atomic_file.h: whatever call fails, the final name holds the
// old content or the new one, whole.
#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using Names = std::vector<std::string>;

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class AtomicFileTest : public testing::Test {
 protected:
  AtomicFile Create() { return AtomicFile::Create(files_, path_).value(); }

  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("result");
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(AtomicFileTest, AppearsWholeAtCommit) {
  AtomicFile file = Create();
  EXPECT_TRUE(file.Append("one ").ok());
  EXPECT_TRUE(file.Append(std::string_view("two")).ok());
  EXPECT_EQ(std::ranges::count(folder_.Names(), "result"), 0);
  EXPECT_TRUE(file.Commit().ok());
  EXPECT_EQ(folder_.Names(), Names{"result"});
  EXPECT_EQ(folder_.Get("result"), "one two");
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(AtomicFileTest, ReplacesWhatWasThere) {
  folder_.Put("result", "old and longer than the new one");
  EXPECT_TRUE(WriteFileAtomically(files_, path_, "new").ok());
  EXPECT_EQ(folder_.Get("result"), "new");
  EXPECT_EQ(folder_.Names(), Names{"result"});
}

TEST_F(AtomicFileTest, MayBeForItsOwnerAlone) {
  namespace fs = std::filesystem;
  folder_.Put("result", "for all to read");
  AtomicFile file =
      AtomicFile::Create(files_, path_, FileReaders::kOwnerOnly).value();
  EXPECT_TRUE(file.Append("secret").ok());
  EXPECT_TRUE(file.Commit().ok());
  EXPECT_EQ(fs::status(path_).permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(folder_.Get("result"), "secret");
}

TEST_F(AtomicFileTest, MayBeEmptyAndMayBeBytes) {
  EXPECT_TRUE(WriteFileAtomically(files_, path_, "").ok());
  EXPECT_EQ(folder_.Get("result"), "");
  const std::vector<std::byte> bytes = {std::byte{0}, std::byte{255}};
  EXPECT_TRUE(WriteFileAtomically(files_, path_, bytes).ok());
  EXPECT_EQ(folder_.Get("result"), std::string("\0\xFF", 2));
}

TEST_F(AtomicFileTest, MoreThanTheBufferArrivesInOrder) {
  std::string expected;
  AtomicFile file = Create();
  for (int i = 0; i < 400; ++i) {
    const std::string part(7919, static_cast<char>('a' + i % 26));
    expected += part;
    ASSERT_TRUE(file.Append(part).ok());
  }
  EXPECT_TRUE(file.Commit().ok());
  EXPECT_EQ(folder_.Get("result"), expected);
}

// What is flushed already and what is still in the buffer.
TEST_F(AtomicFileTest, OverwritesWhatWasAppendedWhereverItIs) {
  files_.ShortenTransfers(3);
  AtomicFile file = Create();
  EXPECT_TRUE(file.Append("0123456789").ok());
  EXPECT_EQ(file.size_bytes(), 10);
  EXPECT_TRUE(file.Overwrite(2, AsBytes("abcd")).ok());
  EXPECT_TRUE(file.Append("XY").ok());
  EXPECT_TRUE(file.Overwrite(11, AsBytes("Z")).ok());
  EXPECT_EQ(file.size_bytes(), 12);
  EXPECT_TRUE(file.Commit().ok());
  EXPECT_EQ(folder_.Get("result"), "01abcd6789XZ");
}

TEST_F(AtomicFileTest, OverwritesNothingBeyondItsEnd) {
  AtomicFile file = Create();
  EXPECT_TRUE(file.Append("0123").ok());
  EXPECT_EQ(file.Overwrite(2, AsBytes("abc")).message(),
            "offset to overwrite = 2: must be in [0, 1]");
  EXPECT_EQ(file.Overwrite(-1, AsBytes("a")).message(),
            "offset to overwrite = -1: must be in [0, 3]");
  EXPECT_EQ(file.Overwrite(0, AsBytes("abcde")).message(),
            "bytes to overwrite = 5: must be in [0, 4]");
  EXPECT_TRUE(file.Commit().ok());
  EXPECT_EQ(folder_.Get("result"), "0123");
}

TEST_F(AtomicFileTest, AnErrorWhileOverwritingIsKeptForCommit) {
  folder_.Put("result", "old");
  {
    AtomicFile file = Create();
    EXPECT_TRUE(file.Append("0123").ok());
    files_.Arm({.kind = FileCall::kWriteAt, .error_number = EIO});
    EXPECT_EQ(file.Overwrite(0, AsBytes("a")).code(), StatusCode::kIoError);
    EXPECT_EQ(file.Commit().message(), path_ + ": Input/output error");
  }
  EXPECT_EQ(folder_.Names(), Names{"result"});
  EXPECT_EQ(folder_.Get("result"), "old");
}

TEST_F(AtomicFileTest, ShortWritesAreContinued) {
  for (int64_t max_bytes = 1; max_bytes <= 11; ++max_bytes) {
    files_.ShortenTransfers(max_bytes);
    EXPECT_TRUE(WriteFileAtomically(files_, path_, "0123456789").ok());
    EXPECT_EQ(folder_.Get("result"), "0123456789");
  }
}

TEST_F(AtomicFileTest, AbandonedItLeavesNothing) {
  folder_.Put("result", "old");
  {
    AtomicFile file = Create();
    EXPECT_TRUE(file.Append("new").ok());
  }
  EXPECT_EQ(folder_.Names(), Names{"result"});
  EXPECT_EQ(folder_.Get("result"), "old");
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(AtomicFileTest, MovedItIsStillOneFile) {
  AtomicFile first = Create();
  EXPECT_TRUE(first.Append("one ").ok());
  {
    AtomicFile second = std::move(first);
    EXPECT_TRUE(second.Append("two").ok());
    EXPECT_TRUE(second.Commit().ok());
  }
  EXPECT_EQ(folder_.Names(), Names{"result"});
  EXPECT_EQ(folder_.Get("result"), "one two");
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(AtomicFileTest, TwoWritersOfOneNameDoNotMix) {
  AtomicFile a = Create();
  AtomicFile b = Create();
  EXPECT_TRUE(a.Append("aaa").ok());
  EXPECT_TRUE(b.Append("bbb").ok());
  EXPECT_TRUE(a.Commit().ok());
  EXPECT_TRUE(b.Commit().ok());
  EXPECT_EQ(folder_.Get("result"), "bbb");
  EXPECT_EQ(folder_.Names(), Names{"result"});
}

// In a container every run may have the same process id, and a killed one
// leaves its temporaries behind.
TEST_F(AtomicFileTest, TemporariesOfAKilledProcessDoNotBlockTheNextOne) {
  for (int i = 0; i < 2000; ++i) {
    folder_.Put(
        "result.tmp-" + std::to_string(getpid()) + "-" + std::to_string(i),
        "torn");
  }
  EXPECT_TRUE(WriteFileAtomically(files_, path_, "new").ok());
  EXPECT_EQ(folder_.Get("result"), "new");
}

TEST_F(AtomicFileTest, AFolderThatIsMissingIsNamed) {
  const std::string path = folder_.PathOf("none/result");
  const Status status = WriteFileAtomically(files_, path, "new");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_TRUE(status.message().starts_with(path)) << status.message();
}

TEST_F(AtomicFileTest, AFolderInTheWayIsAnError) {
  ASSERT_TRUE(files_.MakeDirectory(path_).ok());
  EXPECT_EQ(WriteFileAtomically(files_, path_, "new").message(),
            path_ + ": Is a directory");
  EXPECT_EQ(folder_.Names(), Names{"result"});
}

TEST_F(AtomicFileTest, ARelativeNameLiesInTheWorkingFolder) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  EXPECT_TRUE(WriteFileAtomically(files_, "result", "new").ok());
  std::filesystem::current_path(before);
  EXPECT_EQ(folder_.Get("result"), "new");
}

TEST_F(AtomicFileTest, AnErrorWhileAppendingIsKeptForCommit) {
  folder_.Put("result", "old");
  {
    AtomicFile file = Create();
    files_.Arm({.kind = FileCall::kWrite, .index = 0, .error_number = ENOSPC});
    EXPECT_EQ(file.Append(std::string(2 << 20, 'x')).code(),
              StatusCode::kResourceExhausted);
    EXPECT_EQ(file.Append("y").code(), StatusCode::kResourceExhausted);
    EXPECT_EQ(file.Commit().code(), StatusCode::kResourceExhausted);
  }
  EXPECT_EQ(folder_.Names(), Names{"result"});
  EXPECT_EQ(folder_.Get("result"), "old");
}

// R6: content on disk, then the name, then the folder on disk.
TEST_F(AtomicFileTest, CallsComeInTheOrderThatSurvivesPowerLoss) {
  EXPECT_TRUE(WriteFileAtomically(files_, path_, "new").ok());
  EXPECT_EQ(files_.calls(),
            (std::vector<FileCall>{FileCall::kCreateNew, FileCall::kWrite,
                                   FileCall::kSync, FileCall::kClose,
                                   FileCall::kRename, FileCall::kOpenDirectory,
                                   FileCall::kSync, FileCall::kClose}));
}

const std::string kOld(3000, 'o');
const std::string kNew(5000, 'n');

// Writes with one call failing; true if the write said that it succeeded.
bool WriteWithFault(const TemporaryFolder& folder, FaultyFileSystem& files,
                    const Fault& fault) {
  folder.Put("result", kOld);
  files.Arm(fault);
  const Status status =
      WriteFileAtomically(files, folder.PathOf("result"), kNew);
  const bool folder_named = status.message().starts_with(folder.path());
  EXPECT_TRUE(status.ok() || folder_named) << status.message();
  EXPECT_EQ(files.open_files(), 0);
  const std::string content = folder.Get("result");
  EXPECT_TRUE(content == kOld || content == kNew);
  return status.ok();
}

TEST(PromiseP10, AnyFailingCallLeavesTheOldOrTheNewResultWhole) {
  for (const int error_number : {ENOSPC, EIO, EDQUOT}) {
    const TemporaryFolder folder;
    FaultyFileSystem files(RealFileSystem());
    files.ShortenTransfers(1000);
    int64_t index = 0;
    while (!WriteWithFault(folder, files,
                           {.index = index, .error_number = error_number})) {
      EXPECT_EQ(folder.Names(), Names{"result"});  // no temporary.
      // create, 5 writes, sync, close, rename: until then the old one stays.
      EXPECT_EQ(folder.Get("result"), index < 9 ? kOld : kNew);
      ++index;
    }
    EXPECT_EQ(index, 12);  // open, sync, close of the folder.
    EXPECT_EQ(folder.Get("result"), kNew);
  }
}

// A disk that stays broken: the temporary cannot be removed either.
TEST(PromiseP10, ADiskThatStaysBrokenLeavesTheOldOrTheNewResultWhole) {
  for (int64_t index = 0; index < 12; ++index) {
    const TemporaryFolder folder;
    FaultyFileSystem files(RealFileSystem());
    files.ShortenTransfers(1000);
    EXPECT_FALSE(WriteWithFault(
        folder, files, {.index = index, .error_number = EIO, .lasting = true}));
    files.Disarm();
    EXPECT_TRUE(WriteFileAtomically(files, folder.PathOf("result"), kNew).ok());
    EXPECT_EQ(folder.Get("result"), kNew);
  }
}

TEST(PromiseP10, AFailingRemoveLeavesAtMostTheTemporary) {
  const TemporaryFolder folder;
  folder.Put("result", kOld);
  FaultyFileSystem files(RealFileSystem());
  files.Arm({.kind = FileCall::kRemove, .index = 0, .error_number = EIO});
  {
    AtomicFile file =
        AtomicFile::Create(files, folder.PathOf("result")).value();
    EXPECT_TRUE(file.Append("new").ok());
  }
  const Names names = folder.Names();
  ASSERT_EQ(names.size(), 2u);
  EXPECT_EQ(names[0], "result");
  EXPECT_TRUE(names[1].starts_with("result.tmp-"));
  EXPECT_EQ(folder.Get("result"), kOld);
}

}  // namespace
}  // namespace cyto8
