// SPDX-License-Identifier: Apache-2.0
// Small CSV files with a header, one record at a time: side files of images.
// Knows no column's meaning. Tested by tests/base/csv_reader_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cyto8 {

// RFC 4180 quoting, but no line breaks inside quotes. Lines end in LF or CR LF;
// empty ones are skipped, a byte order mark is too. Every error starts with
// "line N: ".
class CsvReader {
 public:
  // Reads the header. `text` outlives the reader.
  static StatusOr<CsvReader> Create(std::string_view text);

  // The number of the first column with one of these names, if any.
  std::optional<size_t> ColumnOf(
      std::initializer_list<std::string_view> names) const;

  // To the next record; false at the end. kInvalidArgument for a quote that is
  // not closed or a record with more or fewer cells than the header.
  StatusOr<bool> Next();

  // Of the record in hand.
  const std::string& cell(size_t column) const { return cells_[column]; }
  int64_t line() const { return line_; }
  std::string place() const { return "line " + std::to_string(line_); }

 private:
  explicit CsvReader(std::string_view rest) : rest_(rest) {}

  std::string_view rest_;  // what is not read yet.
  std::vector<std::string> header_;
  std::vector<std::string> cells_;
  int64_t line_ = 0;
};

}  // namespace cyto8
