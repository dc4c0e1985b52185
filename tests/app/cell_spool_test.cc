// SPDX-License-Identifier: Apache-2.0
// What was put in comes out, from memory or disk, and a disk that fails is
// named.
#include "app/cell_spool.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "tests/support/faulty_file_system.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

class CellSpoolTest : public testing::Test {
 protected:
  CellSpoolOptions Options(int64_t held) {
    return {.files = &files_, .path = folder_.PathOf("cells"), .held = held};
  }

  static std::vector<Detection> Cells(int64_t first, int64_t end) {
    std::vector<Detection> cells;
    for (int64_t i = first; i < end; ++i) {
      cells.push_back({.box = {.x_min = 0.1 * static_cast<double>(i),
                               .y_min = 1,
                               .x_max = 1e9,
                               .y_max = 2},
                       .score = 0.25F,
                       .class_id = 3,
                       .tile = i});
    }
    return cells;
  }

  bool IsEmpty() const { return std::filesystem::is_empty(folder_.path()); }

  TemporaryFolder folder_;
  FaultyFileSystem files_{RealFileSystem()};
};

TEST_F(CellSpoolTest, AllComeBackInTheirOrder) {
  files_.ShortenTransfers(100);
  for (const int64_t held : {0, 1, 7, 20, 1000}) {
    CellSpool spool(Options(held));
    for (int64_t i = 0; i < 100; i += 10) {
      ASSERT_TRUE(spool.Append(Cells(i, i + 10)).ok());
      EXPECT_EQ(spool.size(), i + 10);
      EXPECT_TRUE(IsEmpty());  // the file has no name.
    }
    EXPECT_EQ(spool.TakeAll().value(), Cells(0, 100)) << held;
    EXPECT_EQ(spool.size(), 0);
    EXPECT_EQ(spool.TakeAll().value(), Cells(0, 0));
    ASSERT_TRUE(spool.Append(Cells(3, 40)).ok());
    EXPECT_EQ(spool.TakeAll().value(), Cells(3, 40)) << held;
  }
  EXPECT_EQ(files_.open_files(), 0);
}

TEST_F(CellSpoolTest, WithoutAPathNothingIsWritten) {
  CellSpool spool({.held = 1});
  ASSERT_TRUE(spool.Append(Cells(0, 50)).ok());
  EXPECT_EQ(spool.TakeAll().value(), Cells(0, 50));
}

TEST_F(CellSpoolTest, EachFailingCallIsNamedAndLeavesNothing) {
  for (int64_t i = 0; i < 5; ++i) {
    files_.Arm({.index = i, .error_number = ENOSPC});
    {
      CellSpool spool(Options(2));
      Status status = spool.Append(Cells(0, 3));
      if (status.ok()) status = spool.TakeAll().status();
      EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << i;
      EXPECT_TRUE(status.message().starts_with(folder_.PathOf("cells"))) << i;
    }
    files_.Disarm();
    EXPECT_EQ(files_.open_files(), 0);
    std::filesystem::remove(folder_.PathOf("cells"));
  }
}

}  // namespace
}  // namespace cyto8
