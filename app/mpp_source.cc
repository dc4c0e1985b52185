// SPDX-License-Identifier: Apache-2.0
// Sources of um/px; see mpp_source.h.
#include "app/mpp_source.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/csv_reader.h"
#include "base/numbers.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

using Json = nlohmann::json;

constexpr double kMaxImageId = 9007199254740992;  // exact in a JSON number.
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool SameEntry(const SideEntry& a, const SideEntry& b) {
  return a.mpp == b.mpp && a.image_id == b.image_id;
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
    CYTO8_RETURN_IF_ERROR(file_.names_.Add(name));
    if (entry.mpp) {
      CYTO8_RETURN_IF_ERROR(
          CheckRange("um_per_px", *entry.mpp, kMinMpp, kMaxMpp));
    }
    file_.entries_.emplace(name, entry);
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
  CYTO8_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Create(text));
  const auto name_column = reader.ColumnOf({"file_name", "path"});
  const auto mpp_column = reader.ColumnOf({"um_per_px", "mpp"});
  if (!name_column || !mpp_column) {
    return InvalidArgument(
        "line 1: must name the columns file_name (or path) and um_per_px (or "
        "mpp)");
  }
  while (true) {
    CYTO8_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more) return OkStatus();
    CYTO8_ASSIGN_OR_RETURN(
        const double mpp,
        Annotate(ParseDouble(reader.cell(*mpp_column)), reader.place()));
    CYTO8_RETURN_IF_ERROR(
        Annotate(Add(reader.cell(*name_column), {.mpp = mpp, .image_id = {}}),
                 reader.place()));
  }
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
  CYTO8_ASSIGN_OR_RETURN(const std::string* name, names_.Find(relative_path));
  if (name == nullptr) return SideEntry{};
  const auto [begin, end] = entries_.equal_range(*name);
  for (auto other = begin; other != end; ++other) {
    if (!SameEntry(begin->second, other->second)) {
      return InvalidArgument("name \"" + *name +
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
