// SPDX-License-Identifier: Apache-2.0
// Paths as they are compared; links are made in a folder of the test.
#include "app/real_path.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

TEST(RealPathTest, AnAbsolutePathHasNoDotsAndNoLastSlash) {
  const fs::path here = fs::current_path();
  EXPECT_EQ(AbsolutePath("a"), here / "a");
  EXPECT_EQ(AbsolutePath("./b/../a/"), here / "a");
  EXPECT_EQ(AbsolutePath("/a//b/."), "/a/b");
  EXPECT_EQ(AbsolutePath("/"), "/");
}

TEST(RealPathTest, FollowsLinksOfWhatIsThere) {
  const TemporaryFolder folder;
  fs::create_directory(folder.PathOf("real"));
  fs::create_directory_symlink("real", folder.PathOf("link"));
  const fs::path real = RealPath(folder.PathOf("real"));
  EXPECT_EQ(RealPath(folder.PathOf("link/")), real);
  EXPECT_EQ(RealPath(folder.PathOf("link/new/file")), real / "new/file");
  EXPECT_EQ(AbsolutePath(folder.PathOf("link")), folder.PathOf("link"));
  fs::create_directory(folder.PathOf("real/below"));
  fs::create_directory_symlink("real/below", folder.PathOf("deep"));
  EXPECT_EQ(RealPath(folder.PathOf("deep/../x")), real / "x");
}

TEST(RealPathTest, APathThatCannotBeLookedUpStaysAsItIsWritten) {
  const TemporaryFolder folder;
  fs::create_symlink("loop", folder.PathOf("loop"));
  EXPECT_EQ(RealPath(folder.PathOf("loop/a")), folder.PathOf("loop/a"));
}

TEST(RealPathTest, AFolderHoldsItselfAndWhatIsBelow) {
  EXPECT_TRUE(LiesIn("/a/b", "/a/b"));
  EXPECT_TRUE(LiesIn("/a/b/c", "/a/b"));
  EXPECT_TRUE(LiesIn("/a", "/"));
  EXPECT_FALSE(LiesIn("/a/bc", "/a/b"));
  EXPECT_FALSE(LiesIn("/a", "/a/b"));
}

}  // namespace
}  // namespace cyto8
