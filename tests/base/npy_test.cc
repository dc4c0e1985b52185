// SPDX-License-Identifier: Apache-2.0
// Tests of base/npy.h: what NumPy writes is read, what is written is what NumPy
// writes, every damage is an error.
#include "base/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace cyto8 {
namespace {

std::vector<std::byte> Bytes(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// A version 1 file around a header literal.
std::vector<std::byte> FileOf(std::string header, std::string_view data) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  file += header;
  file += data;
  return Bytes(file);
}

constexpr std::string_view kSixBytes = "abcdef";
constexpr char kGoodHeader[] =
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n";

Status ErrorOf(std::string header, std::string_view data = kSixBytes) {
  return ParseNpy(FileOf(std::move(header), data)).status();
}

TEST(NpyTest, ReadsVersionOne) {
  const auto array = ParseNpy(FileOf(kGoodHeader, kSixBytes));
  ASSERT_TRUE(array.ok()) << array.status().ToString();
  EXPECT_EQ(array->type, NpyType::kUint8);
  EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(array->bytes, Bytes(kSixBytes));
}

TEST(NpyTest, ReadsVersionTwo) {
  std::string file("\x93NUMPY\x02\x00", 8);
  file += static_cast<char>(sizeof(kGoodHeader) - 1);
  file += std::string(3, '\0') + kGoodHeader + "abcdef";
  const auto array = ParseNpy(Bytes(file));
  ASSERT_TRUE(array.ok()) << array.status().ToString();
  EXPECT_EQ(array->bytes, Bytes(kSixBytes));
}

TEST(NpyTest, AcceptsKeysInAnyOrderWithoutTrailingComma) {
  const auto array = ParseNpy(
      FileOf("{'shape':(6,),'descr':'|u1','fortran_order':False}", kSixBytes));
  ASSERT_TRUE(array.ok()) << array.status().ToString();
  EXPECT_EQ(array->shape, std::vector<int64_t>{6});
}

TEST(NpyTest, WritesTheBytesThatNumPyWrites) {
  const int32_t values[] = {1, -2};
  const auto file = SerializeNpy(NpyType::kInt32, std::vector<int64_t>{1, 2},
                                 std::as_bytes(std::span(values)));
  ASSERT_TRUE(file.ok());
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }";
  expected += std::string(58, ' ') + "\n";
  expected += std::string("\x01\x00\x00\x00\xfe\xff\xff\xff", 8);
  EXPECT_EQ(*file, Bytes(expected));
}

TEST(NpyTest, EveryTypeAndRankComesBack) {
  const std::vector<std::vector<int64_t>> shapes = {
      {}, {0}, {3}, {2, 3}, {1, 2, 3, 4}};
  for (const NpyType type :
       {NpyType::kFloat32, NpyType::kUint8, NpyType::kInt32, NpyType::kInt64}) {
    for (const std::vector<int64_t>& shape : shapes) {
      int64_t count = 1;
      for (const int64_t side : shape) count *= side;
      std::vector<std::byte> data(
          static_cast<size_t>(count * NpyElementBytes(type)), std::byte{7});
      const auto file = SerializeNpy(type, shape, data);
      ASSERT_TRUE(file.ok());
      const auto array = ParseNpy(*file);
      ASSERT_TRUE(array.ok()) << array.status().ToString();
      EXPECT_EQ(array->type, type);
      EXPECT_EQ(array->shape, shape);
      EXPECT_EQ(array->bytes, data);
    }
  }
}

TEST(NpyTest, EveryTruncationIsAnError) {
  const std::vector<std::byte> file = FileOf(kGoodHeader, kSixBytes);
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(ParseNpy(std::span(file).first(size)).ok()) << size;
  }
  EXPECT_EQ(ParseNpy(std::span(file).first(11)).status().message(),
            "the header is cut");
  EXPECT_EQ(ParseNpy(std::span(file).first(40)).status().message(),
            "the header is cut");
}

TEST(NpyTest, RefusesOtherFiles) {
  EXPECT_EQ(ParseNpy(Bytes("PK\x03\x04 a zip archive")).status().ToString(),
            "DATA_LOSS: magic number: must be \\x93NUMPY");
}

TEST(NpyTest, RefusesAnotherVersion) {
  std::vector<std::byte> file = FileOf(kGoodHeader, kSixBytes);
  file[6] = std::byte{3};
  EXPECT_EQ(ParseNpy(file).status().message(),
            "format version = 3: must be in [1, 2]");
}

TEST(NpyTest, RefusesAnotherElementType) {
  EXPECT_EQ(
      ErrorOf("{'descr': '>f8', 'fortran_order': False, 'shape': (6,), }")
          .ToString(),
      "UNIMPLEMENTED: descr = '>f8': must be '<f4', '|u1', '<i4' or '<i8'");
}

TEST(NpyTest, RefusesFortranOrder) {
  EXPECT_EQ(ErrorOf("{'descr': '|u1', 'fortran_order': True, 'shape': (6,), }")
                .message(),
            "fortran_order = True: must be False");
}

TEST(NpyTest, RefusesDamagedHeaders) {
  for (const char* header :
       {"[]", "{}", "{'descr': '|u1', 'shape': (6,)}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': Maybe, 'shape': (6,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6 6)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': "
        "(99999999999999999999,)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (6,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,)} x",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (6,), 'more': 1}",
        "{'descr': '|u1"}) {
    EXPECT_EQ(ErrorOf(header).message(),
              "header: must be a dictionary of 'descr', 'fortran_order' and "
              "'shape'")
        << header;
  }
}

TEST(NpyTest, RefusesShapesThatDoNotFitTheData) {
  const std::string start =
      "{'descr': '|u1', 'fortran_order': False, 'shape': ";
  EXPECT_EQ(ErrorOf(start + "(7,), }").message(), "data bytes = 6: must be 7");
  EXPECT_EQ(ErrorOf(start + "(5,), }").message(), "data bytes = 6: must be 5");
  EXPECT_EQ(ErrorOf(start + "(1,1,1,1,1,1,1,1,6), }").message(),
            "rank = 9: must be in [0, 8]");
  EXPECT_EQ(ErrorOf(start + "(3000000000,), }").message(),
            "array bytes = 3000000000: must be in [0, 2147483648]");
  EXPECT_FALSE(ErrorOf(start + "(-6,), }").ok());
  EXPECT_FALSE(ErrorOf(start + "(4294967296, 4294967296), }").ok());
}

TEST(NpyTest, WriterRefusesAWrongByteCount) {
  EXPECT_EQ(
      SerializeNpy(NpyType::kFloat32, std::vector<int64_t>{2}, Bytes("1234"))
          .status()
          .message(),
      "data bytes = 4: must be in [8, 8]");
}

}  // namespace
}  // namespace cyto8
