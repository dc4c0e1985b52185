// SPDX-License-Identifier: Apache-2.0
// Reading CSV; see csv_reader.h.
#include "base/csv_reader.h"

#include <algorithm>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

StatusOr<std::vector<std::string>> SplitRecord(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      cells.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  if (quoted) return InvalidArgument("quote is not closed");
  return cells;
}

// The next line without its end; advances `text`.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

StatusOr<CsvReader> CsvReader::Create(std::string_view text) {
  if (text.starts_with(kByteOrderMark)) {
    text.remove_prefix(kByteOrderMark.size());
  }
  CsvReader reader(text);
  reader.line_ = 1;
  CYTO8_ASSIGN_OR_RETURN(
      reader.header_,
      Annotate(SplitRecord(TakeLine(reader.rest_)), reader.place()));
  return reader;
}

std::optional<size_t> CsvReader::ColumnOf(
    std::initializer_list<std::string_view> names) const {
  for (size_t i = 0; i < header_.size(); ++i) {
    if (std::ranges::count(names, std::string_view(header_[i])) > 0) return i;
  }
  return std::nullopt;
}

StatusOr<bool> CsvReader::Next() {
  std::string_view line;
  while (line.empty()) {
    if (rest_.empty()) return false;
    line = TakeLine(rest_);
    ++line_;
  }
  CYTO8_ASSIGN_OR_RETURN(cells_, Annotate(SplitRecord(line), place()));
  const auto wanted = std::ssize(header_);
  CYTO8_RETURN_IF_ERROR(
      CheckRange(place() + ": cells", std::ssize(cells_), wanted, wanted));
  return true;
}

}  // namespace cyto8
