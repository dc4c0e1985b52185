// SPDX-License-Identifier: Apache-2.0
// See slide_hash.h.
#include "app/slide_hash.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/lower_case.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> kIndexes = {".mrxs", ".vms", ".vmu"};

// Names of the regular files of a folder that begin so, each behind `prefix`;
// none if there is no such folder.
Status AddNames(FileSystem& files, const std::string& folder,
                const std::string& begin, const std::string& prefix,
                std::vector<std::string>& names) {
  const StatusOr<std::vector<DirectoryEntry>> entries =
      files.ListDirectory(folder);
  if (entries.status().code() == StatusCode::kNotFound) return OkStatus();
  CYTO8_RETURN_IF_ERROR(entries.status());
  for (const DirectoryEntry& entry : *entries) {
    if (entry.kind != EntryKind::kRegular) continue;
    if (entry.name.starts_with(begin)) names.push_back(prefix + entry.name);
  }
  return OkStatus();
}

}  // namespace

bool IsSlideIndex(const std::string& path) {
  return std::ranges::find(kIndexes, LowerCaseExtension(path)) !=
         kIndexes.end();
}

StatusOr<Sha256Digest> HashOfSlide(FileSystem& files, const std::string& path,
                                   const std::stop_token& stop) {
  if (!IsSlideIndex(path)) return Sha256OfFile(files, path, stop);
  const fs::path index = path;
  const std::string parent = index.parent_path().string();
  const std::string folder = parent.empty() ? "." : parent;
  const std::string stem = index.stem().string();
  std::vector<std::string> names = {index.filename().string()};
  CYTO8_RETURN_IF_ERROR(AddNames(files, folder, stem, "", names));
  CYTO8_RETURN_IF_ERROR(
      AddNames(files, folder + "/" + stem, "", stem + "/", names));
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  std::string lines;
  for (const std::string& name : names) {
    CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                           Sha256OfFile(files, folder + "/" + name, stop));
    lines += ToHex(digest) + "  " + name + "\n";
  }
  return Sha256(std::as_bytes(std::span(lines)));
}

}  // namespace cyto8
