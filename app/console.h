// SPDX-License-Identifier: Apache-2.0
// What the program says: data to stdout, messages to stderr. Tested by
// tests/app/console_test.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// To stdout, flushed. kResourceExhausted or another error if not all of it
// arrived, e.g. on a full disk behind a redirection.
Status PrintData(std::string_view text);

// "cyto8: message" to stderr; control characters, which file names may hold,
// are shown as '?'. Whether it arrived cannot be told to anybody.
void PrintMessage(std::string_view message);

// The text without control characters.
std::string Printable(std::string_view text);

}  // namespace cyto8
