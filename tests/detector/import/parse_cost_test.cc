// SPDX-License-Identifier: Apache-2.0
// Tests of detector/import/parse_cost.h.
#include "detector/import/parse_cost.h"

#include <string>
#include <string_view>

#include "detector/import/graph_def.pb.h"
#include "gtest/gtest.h"
#include "tests/support/efficientdet_graph_def.h"

namespace cyto8 {
namespace {

std::span<const std::byte> Bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

StatusOr<int64_t> Cost(std::string_view text) {
  return BinaryParseCost(Bytes(text), *tf::GraphDef::descriptor());
}

TEST(ParseCostTest, EveryMessageCosts) {
  EXPECT_EQ(Cost("").value(), 160);
  EXPECT_EQ(Cost(std::string_view("\x0A\x00", 2)).value(), 160 + 160 + 16);
}

TEST(ParseCostTest, IsAnUpperBoundOfWhatProtobufUses) {
  const std::vector<std::byte> bytes = MiniEfficientDet().ToBytes();
  tf::GraphDef graph_def;
  ASSERT_TRUE(
      graph_def.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  const int64_t cost =
      BinaryParseCost(bytes, *tf::GraphDef::descriptor()).value();
  const auto used = static_cast<int64_t>(graph_def.SpaceUsedLong());
  EXPECT_GE(cost + static_cast<int64_t>(bytes.size()), used);
  EXPECT_LE(cost, 4 * used);
}

TEST(ParseCostTest, PackedNumbersCostTheirSizeInMemory) {
  // node { attr { value { list { i: packed of 100 bytes } } } }
  const std::string packed = std::string("\x1A\x64", 2) + std::string(100, 1);
  const std::string list = std::string("\x0A\x66", 2) + packed;
  const std::string entry = std::string("\x12\x68", 2) + list;
  const std::string attr = std::string("\x2A\x6A", 2) + entry;
  const std::string node = std::string("\x0A\x6C", 2) + attr;
  EXPECT_EQ(Cost(node).value(), 5 * 160 + 5 * 16 + 64 + 800);
}

TEST(ParseCostTest, UnknownFieldsAreSkipped) {
  EXPECT_TRUE(Cost(std::string_view("\xF8\x07\x01", 3)).ok());  // field 127.
}

TEST(ParseCostTest, DamageIsLocated) {
  // A whole node of four bytes, then one that claims more than there is.
  const std::string_view cut("\x0A\x02\x0A\x00\x0A\x7F\x0A", 7);
  const Status status = Cost(cut).status();
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_EQ(status.message(),
            "the record at byte 4 of 7 is damaged or cut: not a whole "
            "GraphDef");
}

TEST(ParseCostTest, InnerMessageMayNotLeaveTheOuter) {
  // A node of 2 bytes whose attribute claims 5.
  EXPECT_FALSE(Cost(std::string_view("\x0A\x02\x2A\x05\x0A\x00\x00", 7)).ok());
}

TEST(ParseCostTest, GroupsAreRefused) {
  EXPECT_FALSE(Cost(std::string_view("\x0B\x0C", 2)).ok());
}

TEST(ParseCostTest, DeepNestingIsRefused) {
  // node.experimental_type (field 7), then FullTypeDef.args (field 2) in
  // itself; lengths grow from the inside.
  std::string type;
  for (int depth = 0; depth < 120; ++depth) {
    std::string length(1, static_cast<char>(type.size() & 0x7F));
    if (type.size() >= 128) {
      length[0] = static_cast<char>(length[0] | '\x80');
      length += static_cast<char>(type.size() >> 7);
    }
    type = "\x12" + length + type;
  }
  std::string node =
      "\x3A" + std::string(1, static_cast<char>(0x80 | (type.size() & 0x7F))) +
      std::string(1, static_cast<char>(type.size() >> 7)) + type;
  const std::string file =
      "\x0A" + std::string(1, static_cast<char>(0x80 | (node.size() & 0x7F))) +
      std::string(1, static_cast<char>(node.size() >> 7)) + node;
  EXPECT_FALSE(Cost(file).ok());
}

TEST(ParseCostTest, TextCountsBracketsStringsAndSeparators) {
  EXPECT_EQ(TextParseCost(Bytes("")), 160);
  EXPECT_EQ(TextParseCost(Bytes("node { name: \"a\" }")), 160 + 160 + 16 + 64);
  EXPECT_EQ(TextParseCost(Bytes("node < b: [1, 2] >")), 160 + 160 + 32);
}

TEST(ParseCostTest, TextInStringsAndCommentsIsFree) {
  EXPECT_EQ(TextParseCost(Bytes("# { : , \"\n")), 160);
  EXPECT_EQ(TextParseCost(Bytes("'{:,\\'{'")), 160 + 64);
  EXPECT_EQ(TextParseCost(Bytes("\"cut { \\")), 160 + 64);
}

}  // namespace
}  // namespace cyto8
