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

}  // namespace

fs::path AbsolutePath(const std::string& path) {
  std::error_code error;  // absolute() fails without a working folder.
  const fs::path absolute = fs::absolute(path, error);
  return WithoutLastSlash(
      (error ? fs::path("/") / path : absolute).lexically_normal());
}

fs::path RealPath(const std::string& path) {
  const fs::path absolute = AbsolutePath(path);
  std::error_code error;
  const fs::path real = fs::weakly_canonical(absolute, error);
  return error ? absolute : WithoutLastSlash(real);
}

bool LiesIn(const fs::path& path, const fs::path& folder) {
  return std::ranges::mismatch(folder, path).in1 == folder.end();
}

}  // namespace cyto8
