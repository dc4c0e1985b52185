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

// U+009B is an escape sequence to some terminals, as is the byte 9b.
TEST(ConsoleTest, PrintableShowsNoC1ControlsAndNoOtherBytes) {
  EXPECT_EQ(Printable("a\xc2\x9b\xc2\xa0z"), "a?\xc2\xa0z");
  EXPECT_EQ(Printable("\x9b"
                      "1m"),
            "\\x9b1m");
}

}  // namespace
}  // namespace cyto8
