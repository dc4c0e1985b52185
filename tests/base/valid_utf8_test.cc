// SPDX-License-Identifier: Apache-2.0
// Tests of base/valid_utf8.h.
#include "base/valid_utf8.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace cyto8 {
namespace {

// Every code point that UTF-8 has, written here bit by bit.
std::string Encoded(uint32_t point) {
  const auto byte = [](uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80) return {byte(point)};
  const char last = byte(0x80 | (point & 0x3f));
  if (point < 0x800) return {byte(0xc0 | point >> 6), last};
  const char third = byte(0x80 | (point >> 6 & 0x3f));
  if (point < 0x10000) return {byte(0xe0 | point >> 12), third, last};
  return {byte(0xf0 | point >> 18), byte(0x80 | (point >> 12 & 0x3f)), third,
          last};
}

// The bytes that ValidUtf8 was given.
std::string Decoded(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escape = text.compare(i, 2, "\\x") == 0 && i + 3 < text.size() &&
                        std::isxdigit(text[i + 2]) != 0 &&
                        std::isxdigit(text[i + 3]) != 0;
    if (escape) {
      bytes += static_cast<char>(
          std::strtol(text.substr(i + 2, 2).c_str(), nullptr, 16));
      i += 3;
    } else {
      bytes += text[i];
    }
  }
  return bytes;
}

bool IsValid(std::string_view text) {
  while (!text.empty()) {
    const size_t bytes = Utf8CharacterBytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

TEST(Utf8CharacterBytesTest, TakesEveryCodePointAndNoSurrogate) {
  for (uint32_t point = 0; point <= 0x10ffff; ++point) {
    const std::string text = Encoded(point);
    const bool surrogate = point >= 0xd800 && point < 0xe000;
    ASSERT_EQ(Utf8CharacterBytes(text), surrogate ? 0 : text.size()) << point;
  }
  EXPECT_EQ(Utf8CharacterBytes(Encoded(0x110000)), 0);
}

TEST(Utf8CharacterBytesTest, RefusesWhatIsCutOverlongOrLoose) {
  for (const char* text :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x80\x80",
        "\xe0\x9f\xbf", "\xe2\x82", "\xe2\x82(", "\xf0\x8f\xbf\xbf",
        "\xf0\x9f\x98", "\xf5\x80\x80\x80", "\xff"}) {
    EXPECT_EQ(Utf8CharacterBytes(text), 0) << testing::PrintToString(text);
  }
  EXPECT_EQ(Utf8CharacterBytes(""), 0);
}

TEST(ValidUtf8Test, LeavesValidTextAlone) {
  for (const char* text : {"", "a b\n", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
                           "C:\\x.png", "\\", "\\x", "\\x4", "\\xg0"}) {
    EXPECT_EQ(ValidUtf8(text), text);
  }
}

TEST(ValidUtf8Test, EscapesOtherBytesAndWhatReadsLikeAnEscape) {
  EXPECT_EQ(ValidUtf8("a\xff.png"), "a\\xff.png");
  EXPECT_EQ(ValidUtf8("\xc3"), "\\xc3");
  EXPECT_EQ(ValidUtf8("a\\xff"), "a\\x5cxff");
  EXPECT_EQ(ValidUtf8("\\x5C"), "\\x5cx5C");
}

TEST(ValidUtf8Test, GivesTheExactBytesBack) {
  constexpr uint32_t kSeed = 7;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  // Pieces that are likely to meet badly.
  const std::string pieces[] = {"\\",       "x",       "5",    "c",
                                "F",        "\\x5c",   "\xff", "\xc3",
                                "\xc3\xa4", "\xe2\x82"};
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string bytes;
    for (uint32_t n = random() % 8; n > 0; --n) {
      bytes += pieces[random() % std::size(pieces)];
    }
    const std::string text = ValidUtf8(bytes);
    ASSERT_TRUE(IsValid(text)) << testing::PrintToString(bytes);
    ASSERT_EQ(Decoded(text), bytes) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace cyto8
