// SPDX-License-Identifier: Apache-2.0
// See xml_text.h.
#include "app/xml_text.h"

#include "app/console.h"
#include "base/valid_utf8.h"

namespace cyto8 {
namespace {

// XML forbids U+FFFE and U+FFFF, however they are written.
bool IsForbidden(std::string_view letter) {
  return letter == "\xEF\xBF\xBE" || letter == "\xEF\xBF\xBF";
}

std::string Escaped(std::string_view letter) {
  if (letter == "&") return "&amp;";
  if (letter == "<") return "&lt;";
  if (letter == ">") return "&gt;";
  return IsForbidden(letter) ? "?" : std::string(letter);
}

}  // namespace

std::string XmlText(std::string_view text) {
  const std::string shown = Printable(text);
  std::string escaped;
  for (std::string_view rest = shown; !rest.empty();) {
    const std::string_view letter = rest.substr(0, Utf8CharacterBytes(rest));
    rest.remove_prefix(letter.size());
    escaped += Escaped(letter);
  }
  return escaped;
}

}  // namespace cyto8
