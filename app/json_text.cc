// SPDX-License-Identifier: Apache-2.0
// JSON strings; see json_text.h.
#include "app/json_text.h"

#include <fmt/format.h>

#include "base/valid_utf8.h"

namespace cyto8 {

std::string JsonText(std::string_view text) {
  constexpr unsigned char kFirstPrintable = 0x20;
  std::string json = "\"";
  for (const char c : ValidUtf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (c == '\n') {
      json += "\\n";
    } else if (byte < kFirstPrintable) {
      json += fmt::format("\\u{:04x}", byte);
    } else {
      json += c;
    }
  }
  return json + "\"";
}

}  // namespace cyto8
