// SPDX-License-Identifier: Apache-2.0
// Tests of app/console.h.
#include "app/console.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

TEST(ConsoleTest, DataGoesToStdoutUnchanged) {
  testing::internal::CaptureStdout();
  EXPECT_TRUE(PrintData("a\n\x1b b").ok());
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "a\n\x1b b");
}

TEST(ConsoleTest, MessagesAreOneLineWithoutControlCharacters) {
  testing::internal::CaptureStderr();
  PrintMessage("x\ny\x1b[2J.jpg: cut");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "cyto8: x?y?[2J.jpg: cut\n");
}

TEST(ConsoleTest, PrintableKeepsUtf8) {
  EXPECT_EQ(Printable("\xc3\xa4\x7f"), "\xc3\xa4?");
}

}  // namespace
}  // namespace cyto8
