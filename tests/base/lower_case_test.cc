// SPDX-License-Identifier: Apache-2.0
// ASCII alone, and extensions of file names.
#include "base/lower_case.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(LowerCaseTest, TouchesAsciiLettersAlone) {
  EXPECT_EQ(LowerCase('A'), 'a');
  EXPECT_EQ(LowerCase('Z'), 'z');
  for (const char c : {'a', 'z', '@', '[', '0', '\0', '\xc4'}) {
    EXPECT_EQ(LowerCase(c), c);
  }
}

TEST(LowerCaseTest, AnExtensionIsOfTheFileName) {
  EXPECT_EQ(LowerCaseExtension("a/b.SVS"), ".svs");
  EXPECT_EQ(LowerCaseExtension("a.tar.Gz"), ".gz");
  EXPECT_EQ(LowerCaseExtension("a."), ".");
  for (const char* path : {"", "a", ".svs", "a.b/c", "a.svs/", ".", ".."}) {
    EXPECT_EQ(LowerCaseExtension(path), "") << path;
  }
}

}  // namespace
}  // namespace cyto8
