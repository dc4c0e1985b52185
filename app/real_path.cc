// SPDX-License-Identifier: Apache-2.0
// See real_path.h.
#include "app/real_path.h"

#include <algorithm>
#include <system_error>

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

fs::path WithoutLastSlash(const fs::path& path) {
  return path.has_filename() ? path : path.parent_path();
}

fs::path FromRoot(const std::string& path) {
  std::error_code error;  // absolute() fails without a working folder.
  const fs::path absolute = fs::absolute(path, error);
  return error ? fs::path("/") / path : absolute;
}

}  // namespace

fs::path AbsolutePath(const std::string& path) {
  return WithoutLastSlash(FromRoot(path).lexically_normal());
}

// Behind a link ".." is the folder above its target, so links come first.
fs::path RealPath(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(FromRoot(path), error);
  return error ? AbsolutePath(path) : WithoutLastSlash(real);
}

bool LiesIn(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

}  // namespace cyto8
