// SPDX-License-Identifier: Apache-2.0
// Tests of base/csv_reader.h.
#include "base/csv_reader.h"

#include <gtest/gtest.h>

namespace cyto8 {
namespace {

// All cells, '|' behind each, ';' behind each record; or the error.
std::string Cells(std::string_view text) {
  auto reader = CsvReader::Create(text);
  if (!reader.ok()) return reader.status().message();
  std::string result;
  while (true) {
    const auto more = reader->Next();
    if (!more.ok()) return more.status().message();
    if (!*more) return result;
    result += std::to_string(reader->line()) + ":";
    for (size_t i = 0; i < 2; ++i) result += reader->cell(i) + "|";
    result += ";";
  }
}

TEST(CsvReaderTest, RecordsWithTheirLines) {
  EXPECT_EQ(Cells("a,b\n1,2\n3,4"), "2:1|2|;3:3|4|;");
  EXPECT_EQ(Cells("a,b\r\n\r\n1,\r\n\n"), "3:1||;");
  EXPECT_EQ(Cells("a,b\n"), "");
  EXPECT_EQ(Cells("a,b"), "");
}

TEST(CsvReaderTest, Quotes) {
  EXPECT_EQ(Cells("a,b\n\"x,y\",\"say \"\"z\"\"\"\n"), "2:x,y|say \"z\"|;");
  EXPECT_EQ(Cells("a,b\n\"x,1\n"), "line 2: quote is not closed");
  EXPECT_EQ(Cells("\"a,b\n1,2\n"), "line 1: quote is not closed");
}

TEST(CsvReaderTest, EveryRecordHasTheHeadersCells) {
  EXPECT_EQ(Cells("a,b\n1,2\n\n1\n"), "line 4: cells = 1: must be in [2, 2]");
  EXPECT_EQ(Cells("a,b\n1,2,3\n"), "line 2: cells = 3: must be in [2, 2]");
}

TEST(CsvReaderTest, ColumnsByAnyOfTheirNames) {
  const auto reader = CsvReader::Create("\xef\xbb\xbfpath,x,mpp\n").value();
  EXPECT_EQ(reader.ColumnOf({"file_name", "path"}), 0);
  EXPECT_EQ(reader.ColumnOf({"mpp"}), 2);
  EXPECT_EQ(reader.ColumnOf({"y"}), std::nullopt);
}

}  // namespace
}  // namespace cyto8
