// SPDX-License-Identifier: Apache-2.0
// Names of images in results; see slide_id.h.
#include "app/slide_id.h"

#include <algorithm>
#include <filesystem>

#include "app/real_path.h"
#include "base/sha256.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

StatusOr<Sha256Digest> HashOf(std::string_view text) {
  return Sha256(std::as_bytes(std::span(text)));
}

// Parts of the path before the file name.
std::vector<fs::path> FolderParts(const fs::path& path) {
  const fs::path folder = path.parent_path();
  return {folder.begin(), folder.end()};
}

}  // namespace

std::vector<std::string> RelativeToCommonFolder(
    std::span<const std::string> paths) {
  std::vector<fs::path> full;
  for (const std::string& path : paths) {
    full.push_back(AbsolutePath(path));
  }
  if (full.empty()) return {};
  std::vector<fs::path> common = FolderParts(full[0]);
  for (const fs::path& path : full) {
    const std::vector<fs::path> parts = FolderParts(path);
    const auto stop =
        std::mismatch(common.begin(), common.end(), parts.begin(), parts.end());
    common.erase(stop.first, common.end());
  }
  fs::path folder;
  for (const fs::path& part : common) folder /= part;
  std::vector<std::string> relative;
  for (const fs::path& path : full) {
    relative.push_back(path.lexically_relative(folder).generic_string());
  }
  return relative;
}

StatusOr<std::string> SlideId(std::string_view relative_path) {
  constexpr size_t kMaxStem = 80;
  constexpr size_t kHashDigits = 8;
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, HashOf(relative_path));
  std::string stem = fs::path(relative_path).stem().string();
  std::replace_if(
      stem.begin(), stem.end(), [](char c) { return !IsPlain(c); }, '_');
  return stem.substr(0, kMaxStem) + "-" + ToHex(digest).substr(0, kHashDigits);
}

StatusOr<int64_t> HashedImageId(std::string_view relative_path) {
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, HashOf(relative_path));
  return ImageIdOf(digest);
}

int64_t ImageIdOf(const Sha256Digest& digest) {
  constexpr size_t kBytes = 8;
  constexpr int kDroppedBits = 12;
  uint64_t value = 0;
  for (size_t i = 0; i < kBytes; ++i) value = value << 8 | digest[i];
  return static_cast<int64_t>(value >> kDroppedBits);
}

}  // namespace cyto8
