// SPDX-License-Identifier: Apache-2.0
// Tests of base/input_file.h: bytes of files and memory at any offset, and in
// blocks.
#include "base/input_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string AsString(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string Part(ByteSource& source, int64_t offset, size_t size) {
  std::vector<std::byte> bytes(size);
  const Status status = source.ReadAt(offset, bytes);
  return status.ok() ? AsString(bytes) : status.ToString();
}

class InputFileTest : public testing::Test {
 protected:
  InputFileTest() { folder_.Put("a", "0123456789"); }

  TemporaryFolder folder_;
  std::string path_ = folder_.PathOf("a");
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(InputFileTest, EveryPartOfAFileIsRead) {
  const std::string content = "0123456789";
  for (int64_t shortened = 1; shortened <= 10; ++shortened) {
    files_.ShortenTransfers(shortened);
    const auto file = InputFile::Open(files_, path_).value();
    EXPECT_EQ(file->size_bytes(), 10);
    for (size_t begin = 0; begin <= 10; ++begin) {
      for (size_t size = 0; begin + size <= 10; ++size) {
        ASSERT_EQ(Part(*file, static_cast<int64_t>(begin), size),
                  content.substr(begin, size));
      }
    }
  }
}

TEST_F(InputFileTest, EveryPartOfMemoryIsRead) {
  MemoryBytes source(AsBytes("01234"));
  EXPECT_EQ(source.size_bytes(), 5);
  EXPECT_EQ(Part(source, 0, 5), "01234");
  EXPECT_EQ(Part(source, 3, 2), "34");
  EXPECT_EQ(Part(source, 5, 0), "");
  EXPECT_TRUE(source.failure().ok());
  EXPECT_TRUE(source.Close().ok());
}

TEST_F(InputFileTest, RefusesWhatIsMissingOrNoFile) {
  const std::string none = folder_.PathOf("none");
  EXPECT_EQ(InputFile::Open(files_, none).status().ToString(),
            "NOT_FOUND: " + none + ": No such file or directory");
  EXPECT_EQ(InputFile::Open(files_, folder_.path()).status().ToString(),
            "INVALID_ARGUMENT: " + folder_.path() + ": is not a regular file");
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(InputFileTest, AnyFailingCallIsAnErrorAndLeaksNoFile) {
  for (const FileCall call : {FileCall::kOpenForReading, FileCall::kStat,
                              FileCall::kReadAt, FileCall::kClose}) {
    files_.Arm({.kind = call, .error_number = EIO});
    const auto use = [&]() -> Status {
      CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file,
                             InputFile::Open(files_, path_));
      std::byte byte = {};
      CYTO8_RETURN_IF_ERROR(file->ReadAt(0, {&byte, 1}));
      return file->Close();
    };
    EXPECT_EQ(use().ToString(), "IO_ERROR: " + path_ + ": Input/output error");
    EXPECT_EQ(files_.open_files(), 0);
  }
}

TEST_F(InputFileTest, TheFirstFailureStays) {
  const auto file = InputFile::Open(files_, path_).value();
  files_.Arm({.kind = FileCall::kReadAt, .error_number = EIO});
  const std::string error = "IO_ERROR: " + path_ + ": Input/output error";
  EXPECT_EQ(Part(*file, 0, 1), error);
  EXPECT_EQ(Part(*file, 0, 1), error);
  EXPECT_EQ(file->failure().ToString(), error);
}

TEST_F(InputFileTest, AFileThatShrinksIsAnError) {
  const auto file = InputFile::Open(files_, path_).value();
  folder_.Put("a", "0123");
  EXPECT_EQ(Part(*file, 0, 4), "0123");
  EXPECT_EQ(Part(*file, 2, 8),
            "DATA_LOSS: " + path_ + ": became shorter while read");
}

TEST_F(InputFileTest, ClosingTwiceClosesOnce) {
  const auto file = InputFile::Open(files_, path_).value();
  files_.Disarm();
  EXPECT_TRUE(file->Close().ok());
  EXPECT_TRUE(file->Close().ok());
  EXPECT_EQ(files_.calls(), std::vector{FileCall::kClose});
}

// Sizes around the block; every way of reading gives the same bytes.
TEST(BlockReaderTest, BlocksReadsAndSkipsFollowEachOther) {
  constexpr int64_t kBlock = BlockReader::kBlockBytes;
  for (const int64_t size :
       {int64_t{0}, int64_t{1}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock}) {
    std::string text(static_cast<size_t>(size) + 3, '?');
    for (size_t i = 0; i < text.size(); ++i) {
      text[i] = static_cast<char>('a' + i * 7 % 26);
    }
    MemoryBytes source(AsBytes(text));
    const std::string part = text.substr(1, static_cast<size_t>(size));

    BlockReader blocks(source, 1, 1 + size);
    std::string all;
    for (auto block = blocks.Next(); !block.empty(); block = blocks.Next()) {
      all += AsString(block);
    }
    EXPECT_TRUE(all == part) << size;

    BlockReader reads(source, 1, 1 + size);
    std::vector<std::byte> bytes(part.size());
    EXPECT_TRUE(reads.Read(bytes));
    EXPECT_TRUE(AsString(bytes) == part) << size;
    std::byte more = {};
    EXPECT_FALSE(reads.Read({&more, 1}));
  }
}

TEST(BlockReaderTest, WhatIsSkippedDoesNotCome) {
  std::string text(static_cast<size_t>(BlockReader::kBlockBytes) + 9, 'x');
  text += "0123456789";
  MemoryBytes source(AsBytes(text));
  const auto size = static_cast<int64_t>(text.size());
  BlockReader blocks(source, 0, size);
  std::byte head[5] = {};
  EXPECT_TRUE(blocks.Read(head));
  blocks.Skip(size - 5 - 10);
  std::byte tail[3] = {};
  EXPECT_TRUE(blocks.Read(tail));
  EXPECT_EQ(AsString(tail), "012");
  blocks.Skip(2);
  EXPECT_EQ(AsString(blocks.Next()), "56789");
  blocks.Skip(1000);
  EXPECT_TRUE(blocks.Next().empty());
}

}  // namespace
}  // namespace cyto8
