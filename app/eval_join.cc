// SPDX-License-Identifier: Apache-2.0
// Joining by name; see eval_join.h.
#include "app/eval_join.h"

#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

std::string Normal(const std::string& path) {
  return fs::path(path).lexically_normal().generic_string();
}

std::string Stem(const std::string& path) {
  return fs::path(path).stem().generic_string();
}

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

class NameIndex {
 public:
  static StatusOr<NameIndex> Create(std::span<const EvalImage> images) {
    NameIndex index;
    for (size_t i = 0; i < images.size(); ++i) {
      const std::string& name = images[i].file_name;
      if (name.empty()) {
        return InvalidArgument("images[" + std::to_string(i) +
                               "].file_name: is missing, so no result can be "
                               "joined by name");
      }
      const auto [other, is_new] = index.by_name_.emplace(Normal(name), i);
      if (!is_new) {
        return InvalidArgument("images " + Quoted(name) + " and " +
                               Quoted(images[other->second].file_name) +
                               " are the same path");
      }
      index.by_stem_[Stem(Normal(name))].push_back(i);
    }
    return index;
  }

  // By the longest name that the path ends with.
  std::optional<size_t> FindByName(std::string_view path) const {
    for (;;) {
      const auto found = by_name_.find(std::string(path));
      if (found != by_name_.end()) return found->second;
      const size_t slash = path.find('/');
      if (slash == std::string_view::npos) return std::nullopt;
      path.remove_prefix(slash + 1);
    }
  }

  // Images of the same stem.
  std::span<const size_t> FindByStem(const std::string& path) const {
    const auto found = by_stem_.find(Stem(path));
    if (found == by_stem_.end()) return {};
    return found->second;
  }

 private:
  std::unordered_map<std::string, size_t> by_name_;
  std::unordered_map<std::string, std::vector<size_t>> by_stem_;
};

StatusOr<std::optional<size_t>> FindImage(const std::string& path,
                                          const NameIndex& index,
                                          std::span<const EvalImage> images) {
  const std::string normal = Normal(path);
  const std::optional<size_t> by_name = index.FindByName(normal);
  if (by_name) return by_name;
  const std::span<const size_t> candidates = index.FindByStem(normal);
  if (candidates.empty()) return std::optional<size_t>();
  if (candidates.size() > 1) {
    return InvalidArgument(
        "image " + Quoted(path) +
        " is ambiguous: " + Quoted(images[candidates[0]].file_name) + " or " +
        Quoted(images[candidates[1]].file_name) + " of the truth");
  }
  return std::optional(candidates[0]);
}

}  // namespace

StatusOr<std::vector<std::optional<size_t>>> JoinByName(
    std::span<const std::string> paths, std::span<const EvalImage> images) {
  CYTO8_ASSIGN_OR_RETURN(const NameIndex index, NameIndex::Create(images));
  std::unordered_map<size_t, size_t> taken;  // truth image to path.
  std::vector<std::optional<size_t>> joined;
  for (size_t i = 0; i < paths.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const std::optional<size_t> image,
                           FindImage(paths[i], index, images));
    joined.push_back(image);
    if (!image) continue;
    const auto [other, is_new] = taken.emplace(*image, i);
    if (!is_new) {
      return InvalidArgument("images " + Quoted(paths[other->second]) +
                             " and " + Quoted(paths[i]) + " both match " +
                             Quoted(images[*image].file_name) +
                             " of the truth");
    }
  }
  return joined;
}

}  // namespace cyto8
