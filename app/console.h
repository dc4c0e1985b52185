// SPDX-License-Identifier: Apache-2.0
// What the program says: data to stdout, messages to stderr. Tested by
// tests/app/console_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace cyto8 {

// To stdout, flushed. kResourceExhausted or another error if not all of it
// arrived, e.g. on a full disk behind a redirection.
Status PrintData(std::string_view text);

// "cyto8: message" to stderr, as Printable(). On a terminal a progress bar that
// stands in the line is wiped first. Whether it arrived cannot be told to
// anybody.
void PrintMessage(std::string_view message);

// To stderr as it is, in one piece.
void PrintToStderr(std::string_view text);

// Whether stderr is a terminal.
bool StderrIsTerminal();

// The width of that terminal, if it tells one.
std::optional<int64_t> StderrColumns();

// The text without control characters, which file names may hold: each is
// shown as '?'. What is not UTF-8 as in base/valid_utf8.h.
std::string Printable(std::string_view text);

}  // namespace cyto8
