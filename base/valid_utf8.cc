// SPDX-License-Identifier: Apache-2.0
// Foreign bytes as UTF-8; see valid_utf8.h.
#include "base/valid_utf8.h"

#include <algorithm>
#include <cstdint>

namespace cyto8 {
namespace {

// By the first byte: how many there are, and where the second one may lie
// (RFC 3629, section 4); the others lie in [0x80, 0xbf].
struct Form {
  uint8_t first_low;
  uint8_t first_high;
  size_t bytes;
  uint8_t second_low;
  uint8_t second_high;
};
constexpr Form kForms[] = {
    {0x00, 0x7f, 1, 0x00, 0xff}, {0xc2, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f}};

bool IsIn(char c, uint8_t low, uint8_t high) {
  const auto byte = static_cast<uint8_t>(c);
  return byte >= low && byte <= high;
}

bool IsHexDigit(char c) {
  return IsIn(c, '0', '9') || IsIn(c, 'a', 'f') || IsIn(c, 'A', 'F');
}

// "\xHH" as ValidUtf8 writes it, or as a name may hold it.
bool LooksEscaped(std::string_view text) {
  return text.size() >= 4 && text.starts_with("\\x") && IsHexDigit(text[2]) &&
         IsHexDigit(text[3]);
}

// That stand for themselves, as nearly all do: ASCII but for the backslash.
size_t PlainBytes(std::string_view text) {
  const auto is_plain = [](char c) { return IsIn(c, 0x00, 0x7f) && c != '\\'; };
  return static_cast<size_t>(std::ranges::find_if_not(text, is_plain) -
                             text.begin());
}

void AppendEscaped(char c, std::string& text) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<uint8_t>(c);
  text += "\\x";
  text += kDigits[byte >> 4];
  text += kDigits[byte & 15];
}

}  // namespace

size_t Utf8CharacterBytes(std::string_view text) {
  for (const Form& form : kForms) {
    if (text.size() < form.bytes ||
        !IsIn(text[0], form.first_low, form.first_high)) {
      continue;
    }
    if (form.bytes == 1) return 1;
    if (!IsIn(text[1], form.second_low, form.second_high)) return 0;
    for (size_t i = 2; i < form.bytes; ++i) {
      if (!IsIn(text[i], 0x80, 0xbf)) return 0;
    }
    return form.bytes;
  }
  return 0;
}

std::string ValidUtf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  while (!text.empty()) {
    const size_t plain = PlainBytes(text);
    valid += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const size_t bytes = Utf8CharacterBytes(text);
    if (bytes == 0 || LooksEscaped(text)) {
      AppendEscaped(text[0], valid);
      text.remove_prefix(1);
    } else {
      valid += text.substr(0, bytes);
      text.remove_prefix(bytes);
    }
  }
  return valid;
}

}  // namespace cyto8
