// SPDX-License-Identifier: Apache-2.0
// Matching names; see name_index.h.
#include "base/name_index.h"

namespace cyto8 {

std::string_view BaseName(std::string_view path) {
  return path.substr(path.find_last_of('/') + 1);  // npos + 1 is 0.
}

Status NameIndex::Add(std::string_view name) {
  if (name.empty()) return InvalidArgument("file name is empty");
  names_.emplace(name);
  by_base_[std::string(BaseName(name))].emplace(name);
  return OkStatus();
}

StatusOr<const std::string*> NameIndex::Find(
    std::string_view relative_path) const {
  const std::string* none = nullptr;
  const auto same = names_.find(relative_path);
  if (same != names_.end()) return &*same;
  const auto base = by_base_.find(BaseName(relative_path));
  if (base == by_base_.end()) return none;
  const std::set<std::string>& names = base->second;
  if (names.size() == 1) return &*names.begin();
  return InvalidArgument("name \"" + std::string(relative_path) +
                         "\" is ambiguous: \"" + *names.begin() + "\" or \"" +
                         *std::next(names.begin()) + "\"");
}

}  // namespace cyto8
