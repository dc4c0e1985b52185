// SPDX-License-Identifier: Apache-2.0
// Tests of base/sha256.h with the examples that NIST publishes for FIPS 180-4.
#include "base/sha256.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace cyto8 {
namespace {

std::string HashOf(std::string_view text) {
  return ToHex(Sha256(std::as_bytes(std::span(text))).value());
}

TEST(Sha256Test, PublishedExamples) {
  EXPECT_EQ(HashOf(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HashOf("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(HashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(HashOf(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesOfAnySizeGiveTheHashOfTheWhole) {
  constexpr std::string_view text =
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomno";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    Sha256Hasher hasher;
    for (size_t at = 0; at < text.size(); at += piece) {
      ASSERT_TRUE(
          hasher.Append(std::as_bytes(std::span(text.substr(at, piece)))).ok());
    }
    EXPECT_EQ(ToHex(hasher.Finish().value()), HashOf(text));
    EXPECT_EQ(hasher.Finish().status().code(), StatusCode::kInternal);
  }
}

// P5: 100 flips, 100 noticed.
TEST(PromiseP5, EveryFlippedBitChangesTheHash) {
  const std::string original(125, 'x');
  for (size_t i = 0; i < 1000; i += 10) {
    std::string flipped = original;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    EXPECT_NE(HashOf(flipped), HashOf(original)) << "bit " << i;
  }
}

TEST(Sha256Test, HexIsLowerCaseAndKeepsZeros) {
  Sha256Digest digest = {};
  digest[0] = 0x0A;
  digest[31] = 0xF0;
  EXPECT_EQ(ToHex(digest), "0a" + std::string(60, '0') + "f0");
}

}  // namespace
}  // namespace cyto8
