// SPDX-License-Identifier: Apache-2.0
// Output to the terminal or a pipe; see console.h.
#include "app/console.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace cyto8 {

Status PrintData(std::string_view text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return OkStatus();
  return ErrnoStatus(errno, "stdout");
}

void PrintMessage(std::string_view message) {
  const std::string line = "cyto8: " + Printable(message) + "\n";
  static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
}

std::string Printable(std::string_view text) {
  constexpr unsigned char kFirstPrintable = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  std::string shown(text);
  std::replace_if(
      shown.begin(), shown.end(),
      [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < kFirstPrintable || byte == kDelete;
      },
      '?');
  return shown;
}

}  // namespace cyto8
