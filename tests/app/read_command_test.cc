// SPDX-License-Identifier: Apache-2.0
// Tests of app/read_command.h: the pixels are those of the file.
#include "app/read_command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "tests/app/app_fixture.h"
#include "tests/support/faulty_file_system.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

class ReadCommandTest : public testing::Test {
 protected:
  ReadCommandTest() {
    PutPng(folder_, "a.png", full_.view());
    const auto level = [](const Image& image) {
      return TiffSource{.width_px = image.width_px(),
                        .height_px = image.height_px(),
                        .tile_px = 64,
                        .values = ValuesOf(image.view())};
    };
    folder_.Put("slide.tif", TextOf(EncodeTiff({level(full_), level(half_)})));
  }

  Outcome Read(const std::string& name, int64_t level,
               const std::vector<int64_t>& rect) {
    const ReadOptions options = {.slide = folder_.PathOf(name),
                                 .level = level,
                                 .rect = rect,
                                 .output = folder_.PathOf("out.png")};
    return Caught([&] { return RunRead(RealFileSystem(), options); });
  }

  void ExpectPixels(const ImageView& wanted) {
    const Image found =
        DecodeImage(ReadBytes(folder_.PathOf("out.png")), Limits()).value();
    ASSERT_EQ(found.width_px(), wanted.width_px);
    ASSERT_EQ(found.height_px(), wanted.height_px);
    for (int64_t y = 0; y < wanted.height_px; ++y) {
      for (int64_t x = 0; x < wanted.width_px; ++x) {
        ASSERT_EQ(found.view().At(x, y), wanted.At(x, y)) << x << ", " << y;
      }
    }
  }

  const Image full_ = MakeTestImage(150, 90);
  const Image half_ = MakeTestImage(75, 45);
  TemporaryFolder folder_;
};

TEST_F(ReadCommandTest, GivesThePixelsOfEachLevelAsTheyAre) {
  EXPECT_EQ(Read("slide.tif", 0, {60, 30, 80, 50}).code, ExitCode::kWhole);
  ExpectPixels(full_.view().Crop(60, 30, 80, 50));
  EXPECT_EQ(Read("slide.tif", 1, {0, 0, 75, 45}).code, ExitCode::kWhole);
  ExpectPixels(half_.view());
  EXPECT_EQ(Read("slide.tif", 1, {74, 44, 1, 1}).code, ExitCode::kWhole);
  ExpectPixels(half_.view().Crop(74, 44, 1, 1));
}

TEST_F(ReadCommandTest, AnImageHasOneLevel) {
  EXPECT_EQ(Read("a.png", 0, {10, 20, 30, 40}).code, ExitCode::kWhole);
  ExpectPixels(full_.view().Crop(10, 20, 30, 40));
}

TEST_F(ReadCommandTest, WhatIsNotThereIsRefusedAndNothingWritten) {
  struct Case {
    std::string name;
    int64_t level;
    std::vector<int64_t> rect;
    std::string message;
  };
  const std::vector<Case> cases = {
      {"slide.tif", 2, {0, 0, 1, 1}, "--level = 2: must be in [0, 1]"},
      {"slide.tif", -1, {0, 0, 1, 1}, "--level = -1: must be in [0, 1]"},
      {"a.png", 1, {0, 0, 1, 1}, "--level = 1: must be in [0, 0]"},
      {"slide.tif", 1, {0, 0, 76, 1}, "--rect width = 76: must be in [1, 75]"},
      {"slide.tif", 1, {0, 0, 1, 0}, "--rect height = 0: must be in [1, 45]"},
      {"slide.tif", 1, {75, 0, 1, 1}, "--rect x = 75: must be in [0, 74]"},
      {"slide.tif", 1, {-1, 0, 1, 1}, "--rect x = -1: must be in [0, 74]"},
      {"a.png", 0, {0, 80, 1, 11}, "--rect y = 80: must be in [0, 79]"}};
  for (const Case& c : cases) {
    const Outcome outcome = Read(c.name, c.level, c.rect);
    EXPECT_EQ(outcome.code, ExitCode::kRefused);
    EXPECT_EQ(outcome.err,
              "cyto8: " + folder_.PathOf(c.name) + ": " + c.message + "\n");
  }
  EXPECT_EQ(folder_.Names(), (std::vector<std::string>{"a.png", "slide.tif"}));
}

TEST_F(ReadCommandTest, DamageIsAnErrorOfTheRectanglesThatShowIt) {
  std::string bytes = folder_.Get("a.png");
  folder_.Put("cut.png", bytes.substr(0, bytes.size() / 2));
  const Outcome outcome = Read("cut.png", 0, {0, 0, 10, 10});
  EXPECT_EQ(outcome.code, ExitCode::kNoInput);
  EXPECT_TRUE(outcome.err.starts_with("cyto8: " + folder_.PathOf("cut.png") +
                                      ": damaged PNG: "))
      << outcome.err;
  EXPECT_EQ(
      Read("none.svs", 0, {0, 0, 1, 1}).err,
      "cyto8: " + folder_.PathOf("none.svs") + ": No such file or directory\n");
}

// The file may be whole, so a script may try again.
TEST_F(ReadCommandTest, AFailingDiskIsTemporary) {
  for (const std::string name : {"a.png", "slide.tif"}) {
    const ReadOptions options = {.slide = folder_.PathOf(name),
                                 .rect = {0, 0, 10, 10},
                                 .output = folder_.PathOf("out.png")};
    FaultyFileSystem files(RealFileSystem());
    const auto run = [&] { return RunRead(files, options); };
    ASSERT_EQ(Caught(run).code, ExitCode::kWhole);
    const std::vector<FileCall> calls = files.calls();
    const auto reads = std::ranges::count(calls, FileCall::kReadAt);
    ASSERT_GT(reads, 0);
    for (int64_t i = 0; i < reads; ++i) {
      files.Arm({.kind = FileCall::kReadAt, .index = i, .error_number = EIO});
      const Outcome outcome = Caught(run);
      EXPECT_EQ(outcome.code, ExitCode::kTemporary) << name << ", " << i;
      EXPECT_TRUE(outcome.err.starts_with("cyto8: " + options.slide + ": "))
          << outcome.err;
      EXPECT_TRUE(outcome.err.ends_with(": Input/output error\n"))
          << outcome.err;
    }
    files.Arm({.kind = FileCall::kOpenForReading, .error_number = EACCES});
    EXPECT_EQ(Caught(run).code, ExitCode::kNoInput);
  }
}

}  // namespace
}  // namespace cyto8
