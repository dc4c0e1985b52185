// SPDX-License-Identifier: Apache-2.0
// How side files name images: by relative path, else by base name
// (docs/formats.md, section 6). Tested by tests/base/name_index_test.cc.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// What stands behind the last '/'.
std::string_view BaseName(std::string_view path);

// The names of a side file.
class NameIndex {
 public:
  // kInvalidArgument if the name is empty. Adding one twice is harmless.
  Status Add(std::string_view name);

  // The name in the file that means this image, or null: the relative path
  // itself, else the only name with the same base name. kInvalidArgument names
  // two of several.
  StatusOr<const std::string*> Find(std::string_view relative_path) const;

  const std::set<std::string, std::less<>>& names() const { return names_; }

 private:
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::set<std::string>, std::less<>> by_base_;
};

}  // namespace cyto8
