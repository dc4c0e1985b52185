// SPDX-License-Identifier: Apache-2.0
// Output to the terminal or a pipe; see console.h.
#include "app/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/valid_utf8.h"

namespace cyto8 {
namespace {

// C0, DEL and C1 (U+0080 to U+009F), which some terminals obey.
bool IsControl(std::string_view character) {
  constexpr unsigned char kFirstPrintable = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < kFirstPrintable || first == kDelete;
  return first == 0xc2 && static_cast<unsigned char>(character[1]) < 0xa0;
}

}  // namespace

Status PrintData(std::string_view text) {
  const size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
  if (written == text.size() && std::fflush(stdout) == 0) return OkStatus();
  return ErrnoStatus(errno, "stdout");
}

void PrintMessage(std::string_view message) {
  // To the first column and erase what stands there.
  const std::string wipe = StderrIsTerminal() ? "\r\x1b[K" : "";
  PrintToStderr(wipe + "cyto8: " + Printable(message) + "\n");
}

void PrintToStderr(std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) == 1; }

std::optional<int64_t> StderrColumns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return std::nullopt;
  }
  return size.ws_col;
}

std::string Printable(std::string_view text) {
  const std::string valid = ValidUtf8(text);
  std::string_view rest = valid;
  std::string shown;
  while (!rest.empty()) {
    const std::string_view character = rest.substr(0, Utf8CharacterBytes(rest));
    shown += IsControl(character) ? "?" : character;
    rest.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace cyto8
