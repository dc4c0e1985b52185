// SPDX-License-Identifier: Apache-2.0
// Text of foreign bytes (file names, messages) as valid UTF-8 from which the
// bytes can be had back (docs/formats.md, section 1). Tested by
// tests/base/valid_utf8_test.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cyto8 {

// Bytes of the character that `text` begins with, by RFC 3629: no overlong
// forms, no surrogates, at most U+10FFFF. 0 if there is none.
size_t Utf8CharacterBytes(std::string_view text);

// Valid UTF-8 stays. Another byte becomes "\xHH", lower case; a backslash that
// stands before "xHH" becomes "\x5c", so that nothing else reads like that.
std::string ValidUtf8(std::string_view text);

}  // namespace cyto8
