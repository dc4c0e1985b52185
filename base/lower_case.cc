// SPDX-License-Identifier: Apache-2.0
// See lower_case.h.
#include "base/lower_case.h"

#include <algorithm>
#include <filesystem>

namespace cyto8 {

char LowerCase(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string LowerCaseExtension(std::string_view path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::ranges::transform(extension, extension.begin(), LowerCase);
  return extension;
}

}  // namespace cyto8
