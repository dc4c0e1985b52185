// SPDX-License-Identifier: Apache-2.0
// Sources of um/px; see mpp_source.h.
#include "app/mpp_source.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

using Json = nlohmann::json;

constexpr double kMaxImageId = 9007199254740992;  // exact in a JSON number.
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view BaseName(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 is 0.
}

bool SameEntry(const SideEntry& a, const SideEntry& b) {
  return a.mpp == b.mpp && a.image_id == b.image_id;
}

// One CSV record: RFC 4180 quoting, no line breaks inside quotes.
StatusOr<std::vector<std::string>> SplitCsv(std::string_view line) {
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

std::optional<size_t> ColumnOf(const std::vector<std::string>& header,
                               std::string_view a, std::string_view b) {
  const auto found = std::find_if(
      header.begin(), header.end(),
      [&](const std::string& name) { return name == a || name == b; });
  if (found == header.end()) return std::nullopt;
  return static_cast<size_t>(found - header.begin());
}

StatusOr<SideEntry> CocoEntry(const Json& image) {
  SideEntry entry;
  if (const auto mpp = image.find("um_per_px"); mpp != image.end()) {
    if (!mpp->is_number())
      return InvalidArgument("um_per_px: must be a number");
    entry.mpp = mpp->get<double>();
  }
  if (const auto id = image.find("id"); id != image.end()) {
    if (!id->is_number_integer()) {
      return InvalidArgument("id: must be a whole number");
    }
    CYTO8_RETURN_IF_ERROR(
        CheckRange("id", id->get<double>(), -kMaxImageId, kMaxImageId));
    entry.image_id = id->get<int64_t>();
  }
  return entry;
}

}  // namespace

class SideFileBuilder {
 public:
  Status Add(const std::string& name, const SideEntry& entry) {
    if (name.empty()) return InvalidArgument("file name is empty");
    if (entry.mpp) {
      CYTO8_RETURN_IF_ERROR(
          CheckRange("um_per_px", *entry.mpp, kMinMpp, kMaxMpp));
    }
    file_.entries_.emplace(name, entry);
    file_.by_base_.emplace(BaseName(name), name);
    return OkStatus();
  }

  Status AddCoco(std::string_view text);
  Status AddCsv(std::string_view text);
  SideFile Take() { return std::move(file_); }

 private:
  SideFile file_;
};

Status SideFileBuilder::AddCoco(std::string_view text) {
  const Json document =
      Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    return InvalidArgument("is neither a COCO JSON object nor a CSV file");
  }
  const auto images = document.find("images");
  if (images == document.end() || !images->is_array()) {
    return InvalidArgument("images: must be a list");
  }
  for (size_t i = 0; i < images->size(); ++i) {
    const Json& image = (*images)[i];
    const std::string place = "images[" + std::to_string(i) + "]";
    const auto name = image.is_object() ? image.find("file_name") : image.end();
    if (!image.is_object() || name == image.end() || !name->is_string()) {
      return InvalidArgument(place + ".file_name: must be a text");
    }
    CYTO8_ASSIGN_OR_RETURN(const SideEntry entry,
                           Annotate(CocoEntry(image), place));
    CYTO8_RETURN_IF_ERROR(
        Annotate(Add(name->get<std::string>(), entry), place));
  }
  return OkStatus();
}

Status SideFileBuilder::AddCsv(std::string_view text) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::string> header,
                         Annotate(SplitCsv(TakeLine(text)), "line 1"));
  const auto name_column = ColumnOf(header, "file_name", "path");
  const auto mpp_column = ColumnOf(header, "um_per_px", "mpp");
  if (!name_column || !mpp_column) {
    return InvalidArgument(
        "line 1: must name the columns file_name (or path) and um_per_px (or "
        "mpp)");
  }
  for (int64_t number = 2; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    if (line.empty()) continue;
    const std::string place = "line " + std::to_string(number);
    CYTO8_ASSIGN_OR_RETURN(const std::vector<std::string> cells,
                           Annotate(SplitCsv(line), place));
    CYTO8_RETURN_IF_ERROR(CheckRange(place + ": cells",
                                     static_cast<int64_t>(cells.size()),
                                     static_cast<int64_t>(header.size()),
                                     static_cast<int64_t>(header.size())));
    CYTO8_ASSIGN_OR_RETURN(const double mpp,
                           Annotate(ParseDouble(cells[*mpp_column]), place));
    CYTO8_RETURN_IF_ERROR(Annotate(
        Add(cells[*name_column], {.mpp = mpp, .image_id = {}}), place));
  }
  return OkStatus();
}

StatusOr<SideFile> SideFile::Parse(std::span<const std::byte> bytes,
                                   const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("size in bytes",
                                   static_cast<int64_t>(bytes.size()), 1,
                                   limits.max_truth_bytes));
  std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                        bytes.size());
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(3);
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  SideFileBuilder builder;
  CYTO8_RETURN_IF_ERROR(json ? builder.AddCoco(text) : builder.AddCsv(text));
  return builder.Take();
}

StatusOr<SideEntry> SideFile::Find(std::string_view relative_path) const {
  auto [begin, end] = entries_.equal_range(relative_path);
  if (begin == end) {
    const auto [first, last] = by_base_.equal_range(BaseName(relative_path));
    if (first == last) return SideEntry{};
    for (auto other = first; other != last; ++other) {
      if (other->second != first->second) {
        return InvalidArgument("name \"" + std::string(relative_path) +
                               "\" is ambiguous: \"" + first->second +
                               "\" or \"" + other->second + "\"");
      }
    }
    std::tie(begin, end) = entries_.equal_range(first->second);
  }
  for (auto other = begin; other != end; ++other) {
    if (!SameEntry(begin->second, other->second)) {
      return InvalidArgument("name \"" + begin->first +
                             "\" stands twice with other values");
    }
  }
  return begin->second;
}

StatusOr<Mpp> ResolveMpp(std::optional<double> flag,
                         std::optional<double> side_file,
                         std::optional<double> image_file) {
  if (flag) return Mpp{.value = *flag, .source = "--mpp"};
  if (side_file) return Mpp{.value = *side_file, .source = "--mpp-from"};
  if (image_file) return Mpp{.value = *image_file, .source = "file"};
  return InvalidArgument(
      "um/px is unknown: give --mpp X, or --mpp-from FILE that lists the image "
      "(a dpi value in the file is not um/px)");
}

}  // namespace cyto8
