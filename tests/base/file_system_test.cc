// SPDX-License-Identifier: Apache-2.0
// Tests of base/file_system.h on a real folder and with failing calls.
#include "base/file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

std::string AsString(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class FileSystemTest : public testing::Test {
 protected:
  std::string Refusal(const std::string& path, int64_t max_bytes = 100) {
    return ReadWholeFile(files_, path, max_bytes).status().ToString();
  }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(FileSystemTest, ReadsEveryByteOfAFile) {
  const std::string content("a\0b\n\xFF", 5);
  folder_.Put("a", content);
  const auto bytes = ReadWholeFile(files_, folder_.PathOf("a"), 5);
  ASSERT_TRUE(bytes.ok()) << bytes.status().ToString();
  EXPECT_EQ(AsString(*bytes), content);
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(FileSystemTest, ReadsAnEmptyFile) {
  folder_.Put("a", "");
  EXPECT_TRUE(ReadWholeFile(files_, folder_.PathOf("a"), 0).value().empty());
}

TEST_F(FileSystemTest, ShortReadsAreContinued) {
  folder_.Put("a", "0123456789");
  for (int64_t max_bytes = 1; max_bytes <= 11; ++max_bytes) {
    files_.ShortenTransfers(max_bytes);
    EXPECT_EQ(AsString(ReadWholeFile(files_, folder_.PathOf("a"), 10).value()),
              "0123456789");
  }
}

TEST_F(FileSystemTest, RefusesFilesAboveTheLimitBeforeReading) {
  folder_.Put("a", "0123456789");
  const std::string path = folder_.PathOf("a");
  EXPECT_EQ(Refusal(path, 9), "INVALID_ARGUMENT: " + path +
                                  ": size = 10 bytes: must be in [0, 9]");
  for (const FileCall call : files_.calls()) EXPECT_NE(call, FileCall::kRead);
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(FileSystemTest, NamesWhatIsMissingOrNoFile) {
  const std::string missing = folder_.PathOf("none");
  EXPECT_EQ(Refusal(missing),
            "NOT_FOUND: " + missing + ": No such file or directory");
  EXPECT_EQ(Refusal(folder_.path()),
            "INVALID_ARGUMENT: " + folder_.path() + ": is not a regular file");
  folder_.Put("a", "");
  const std::string below = folder_.PathOf("a/b");
  EXPECT_EQ(Refusal(below), "NOT_FOUND: " + below + ": Not a directory");
}

// P19: opening a pipe that nobody writes to would wait for ever.
TEST_F(FileSystemTest, APipeIsRefusedAndNotWaitedFor) {
  const std::string path = folder_.PathOf("pipe");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(Refusal(path),
            "INVALID_ARGUMENT: " + path + ": is not a regular file");
}

TEST_F(FileSystemTest, AnyFailingCallWhileReadingIsAnErrorAndLeaksNoFile) {
  folder_.Put("a", "0123456789");
  files_.ShortenTransfers(4);
  const std::string path = folder_.PathOf("a");
  ASSERT_TRUE(ReadWholeFile(files_, path, 100).ok());
  const auto calls = static_cast<int64_t>(files_.calls().size());
  EXPECT_EQ(calls, 6);  // open, stat, read three times, close.
  for (int64_t i = 0; i < calls; ++i) {
    files_.Arm({.index = i, .error_number = EIO});
    EXPECT_EQ(Refusal(path), "IO_ERROR: " + path + ": Input/output error");
    EXPECT_EQ(files_.open_files(), 0);
  }
}

// Reports one byte more than there is, as if the file had shrunk since.
class ShrinkingFileSystem final : public FileSystem {
 public:
  StatusOr<FileInfo> Stat(int file, const std::string& path) override {
    CYTO8_ASSIGN_OR_RETURN(FileInfo info, files_.Stat(file, path));
    ++info.size_bytes;
    return info;
  }
  StatusOr<int> OpenForReading(const std::string& path) override {
    return files_.OpenForReading(path);
  }
  StatusOr<int> CreateNew(const std::string& path) override {
    return files_.CreateNew(path);
  }
  StatusOr<int> CreatePrivate(const std::string& path) override {
    return files_.CreatePrivate(path);
  }
  StatusOr<int> OpenDirectory(const std::string& path) override {
    return files_.OpenDirectory(path);
  }
  StatusOr<int> OpenLock(const std::string& path) override {
    return files_.OpenLock(path);
  }
  StatusOr<bool> TryLock(int file, const std::string& path) override {
    return files_.TryLock(file, path);
  }
  StatusOr<int64_t> Read(int file, std::span<std::byte> bytes,
                         const std::string& path) override {
    return files_.Read(file, bytes, path);
  }
  StatusOr<int64_t> ReadAt(int file, int64_t offset, std::span<std::byte> bytes,
                           const std::string& path) override {
    return files_.ReadAt(file, offset, bytes, path);
  }
  StatusOr<SharedBytes> Map(int file, int64_t bytes,
                            const std::string& path) override {
    return files_.Map(file, bytes, path);
  }
  StatusOr<int64_t> Write(int file, std::span<const std::byte> bytes,
                          const std::string& path) override {
    return files_.Write(file, bytes, path);
  }
  StatusOr<int64_t> WriteAt(int file, int64_t offset,
                            std::span<const std::byte> bytes,
                            const std::string& path) override {
    return files_.WriteAt(file, offset, bytes, path);
  }
  Status Sync(int file, const std::string& path) override {
    return files_.Sync(file, path);
  }
  Status Close(int file, const std::string& path) override {
    return files_.Close(file, path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    return files_.Rename(from, to);
  }
  Status Remove(const std::string& path) override {
    return files_.Remove(path);
  }
  Status MakeDirectory(const std::string& path) override {
    return files_.MakeDirectory(path);
  }
  StatusOr<std::vector<DirectoryEntry>> ListDirectory(
      const std::string& path) override {
    return files_.ListDirectory(path);
  }

 private:
  FileSystem& files_ = RealFileSystem();
};

TEST_F(FileSystemTest, AFileThatShrinksWhileReadIsAnError) {
  folder_.Put("a", "0123456789");
  const std::string path = folder_.PathOf("a");
  ShrinkingFileSystem files;
  EXPECT_EQ(ReadWholeFile(files, path, 100).status().ToString(),
            "DATA_LOSS: " + path + ": became shorter while read");
}

TEST_F(FileSystemTest, ReadAtLeavesThePositionWhereItIs) {
  folder_.Put("a", "0123456789");
  const std::string path = folder_.PathOf("a");
  const int file = files_.OpenForReading(path).value();
  std::vector<std::byte> bytes(4);
  EXPECT_EQ(files_.ReadAt(file, 6, bytes, path).value(), 4);
  EXPECT_EQ(AsString(bytes), "6789");
  EXPECT_EQ(files_.Read(file, bytes, path).value(), 4);
  EXPECT_EQ(AsString(bytes), "0123");
  EXPECT_EQ(files_.ReadAt(file, 8, bytes, path).value(), 2);
  EXPECT_EQ(files_.ReadAt(file, 10, bytes, path).value(), 0);
  EXPECT_EQ(files_.ReadAt(file, int64_t{1} << 40, bytes, path).value(), 0);
  EXPECT_EQ(files_.ReadAt(file, -1, bytes, path).status().message(),
            path + ": Invalid argument");
  EXPECT_TRUE(files_.Close(file, path).ok());
}

TEST_F(FileSystemTest, AMappedFileStaysWhenItIsClosedAndReplaced) {
  folder_.Put("a", "0123456789");
  folder_.Put("b", "other");
  const std::string path = folder_.PathOf("a");
  const auto mapped = MapWholeFile(files_, path, 10);
  ASSERT_TRUE(mapped.ok()) << mapped.status().ToString();
  EXPECT_EQ(files_.open_files(), 0);
  ASSERT_TRUE(files_.Rename(folder_.PathOf("b"), path).ok());
  EXPECT_EQ(AsString({mapped->bytes.begin(), mapped->bytes.end()}),
            "0123456789");
}

TEST_F(FileSystemTest, AnEmptyFileMapsToNothing) {
  folder_.Put("a", "");
  EXPECT_TRUE(
      MapWholeFile(files_, folder_.PathOf("a"), 0).value().bytes.empty());
}

TEST_F(FileSystemTest, RefusesToMapWhatItRefusesToRead) {
  folder_.Put("a", "0123456789");
  const std::string path = folder_.PathOf("a");
  EXPECT_EQ(MapWholeFile(files_, path, 9).status().message(),
            path + ": size = 10 bytes: must be in [0, 9]");
  EXPECT_EQ(MapWholeFile(files_, folder_.path(), 9).status().message(),
            folder_.path() + ": is not a regular file");
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(FileSystemTest, EveryCallOfAMappingMayFail) {
  folder_.Put("a", "0123456789");
  const std::string path = folder_.PathOf("a");
  for (int64_t i = 0; i < 4; ++i) {  // open, stat, map, close.
    files_.Arm({.index = i, .error_number = EIO});
    EXPECT_EQ(MapWholeFile(files_, path, 100).status().ToString(),
              "IO_ERROR: " + path + ": Input/output error");
    EXPECT_EQ(files_.open_files(), 0);
  }
}

using Entries = std::vector<DirectoryEntry>;

TEST_F(FileSystemTest, ListDirectoryTellsNamesAndKindsAsTheyAre) {
  folder_.Put("file", "x");
  folder_.Put("new\nline", "");
  folder_.Put("\xFF", "");
  folder_.Put(std::string(255, 'n'), "");
  ASSERT_TRUE(files_.MakeDirectory(folder_.PathOf("folder")).ok());
  ASSERT_EQ(symlink("file", folder_.PathOf("link").c_str()), 0);
  ASSERT_EQ(symlink("loop", folder_.PathOf("loop").c_str()), 0);
  ASSERT_EQ(mkfifo(folder_.PathOf("pipe").c_str(), 0600), 0);
  Entries entries = files_.ListDirectory(folder_.path()).value();
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  const Entries expected = {
      {.name = "file", .kind = EntryKind::kRegular},
      {.name = "folder", .kind = EntryKind::kDirectory},
      {.name = "link", .kind = EntryKind::kSymlink},
      {.name = "loop", .kind = EntryKind::kSymlink},
      {.name = "new\nline", .kind = EntryKind::kRegular},
      {.name = std::string(255, 'n'), .kind = EntryKind::kRegular},
      {.name = "pipe", .kind = EntryKind::kOther},
      {.name = "\xFF", .kind = EntryKind::kRegular},
  };
  EXPECT_EQ(entries, expected);
}

TEST_F(FileSystemTest, ListDirectoryNamesWhatIsNoFolder) {
  folder_.Put("a", "");
  EXPECT_EQ(
      files_.ListDirectory(folder_.PathOf("none")).status().ToString(),
      "NOT_FOUND: " + folder_.PathOf("none") + ": No such file or directory");
  EXPECT_EQ(files_.ListDirectory(folder_.PathOf("a")).status().message(),
            folder_.PathOf("a") + ": Not a directory");
  ASSERT_TRUE(files_.MakeDirectory(folder_.PathOf("empty")).ok());
  EXPECT_EQ(files_.ListDirectory(folder_.PathOf("empty")).value(), Entries{});
}

TEST_F(FileSystemTest, CreateNewRefusesWhatExists) {
  const std::string path = folder_.PathOf("a");
  const StatusOr<int> file = files_.CreateNew(path);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(files_.Write(*file, AsBytes("abc"), path).value(), 3);
  EXPECT_TRUE(files_.Sync(*file, path).ok());
  EXPECT_TRUE(files_.Close(*file, path).ok());
  EXPECT_EQ(folder_.Get("a"), "abc");
  EXPECT_EQ(files_.CreateNew(path).status().message(), path + ": File exists");
  EXPECT_EQ(folder_.Get("a"), "abc");
}

TEST_F(FileSystemTest, RenameReplacesAndRemoveRemoves) {
  folder_.Put("a", "new");
  folder_.Put("b", "old");
  EXPECT_TRUE(files_.Rename(folder_.PathOf("a"), folder_.PathOf("b")).ok());
  EXPECT_EQ(folder_.Names(), std::vector<std::string>{"b"});
  EXPECT_EQ(folder_.Get("b"), "new");
  EXPECT_TRUE(files_.Remove(folder_.PathOf("b")).ok());
  EXPECT_TRUE(folder_.Names().empty());
  EXPECT_EQ(files_.Remove(folder_.PathOf("b")).code(), StatusCode::kNotFound);
  EXPECT_EQ(files_.Rename(folder_.PathOf("a"), folder_.PathOf("b")).message(),
            folder_.PathOf("b") + ": No such file or directory");
}

TEST_F(FileSystemTest, StatTellsFilesFromFolders) {
  folder_.Put("a", "abc");
  const std::string path = folder_.PathOf("a");
  const int file = files_.OpenForReading(path).value();
  const FileInfo info = files_.Stat(file, path).value();
  EXPECT_EQ(info.size_bytes, 3);
  EXPECT_TRUE(info.is_regular);
  EXPECT_FALSE(info.is_directory);
  EXPECT_TRUE(files_.Close(file, path).ok());

  const int folder = files_.OpenDirectory(folder_.path()).value();
  EXPECT_TRUE(files_.Stat(folder, folder_.path()).value().is_directory);
  EXPECT_TRUE(files_.Close(folder, folder_.path()).ok());
  EXPECT_EQ(files_.OpenDirectory(path).status().message(),
            path + ": Not a directory");
}

TEST_F(FileSystemTest, CallsOnAClosedFileFail) {
  std::byte byte = {};
  EXPECT_EQ(files_.Read(-1, {&byte, 1}, "x").status().ToString(),
            "IO_ERROR: x: Bad file descriptor");
  EXPECT_EQ(files_.ReadAt(-1, 0, {&byte, 1}, "x").status().ToString(),
            "IO_ERROR: x: Bad file descriptor");
  EXPECT_FALSE(files_.Write(-1, {&byte, 1}, "x").ok());
  EXPECT_FALSE(files_.WriteAt(-1, 0, {&byte, 1}, "x").ok());
  EXPECT_FALSE(files_.Stat(-1, "x").ok());
  EXPECT_FALSE(files_.Sync(-1, "x").ok());
  EXPECT_FALSE(files_.Close(-1, "x").ok());
}

// E6: the always-full device takes nothing.
TEST_F(FileSystemTest, AFullDeviceIsAnError) {
  const int file = open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_GE(file, 0);
  EXPECT_EQ(files_.Write(file, AsBytes("abc"), "full").status().ToString(),
            "RESOURCE_EXHAUSTED: full: No space left on device");
  EXPECT_TRUE(files_.Close(file, "full").ok());
}

TEST_F(FileSystemTest, MakesDirectoriesWithTheirParents) {
  for (const char* name : {"a/b/c", "a/b/c", "a", "a//d/", "e/"}) {
    EXPECT_TRUE(MakeDirectories(files_, folder_.PathOf(name)).ok()) << name;
  }
  folder_.Put("a/b/c/file", "x");
  folder_.Put("a/d/file", "x");
  EXPECT_EQ(folder_.Names(), (std::vector<std::string>{"a", "e"}));
}

TEST_F(FileSystemTest, MakeDirectoriesNamesThePartThatFails) {
  folder_.Put("a", "");
  EXPECT_EQ(MakeDirectories(files_, folder_.PathOf("a")).message(),
            folder_.PathOf("a") + ": Not a directory");
  EXPECT_EQ(MakeDirectories(files_, folder_.PathOf("a/b")).message(),
            folder_.PathOf("a") + ": Not a directory");
  files_.Arm({.kind = FileCall::kMakeDirectory,
              .index = 0,
              .error_number = ENOSPC,
              .lasting = true});
  EXPECT_EQ(MakeDirectories(files_, folder_.PathOf("n")).code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace cyto8
