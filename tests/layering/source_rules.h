// SPDX-License-Identifier: Apache-2.0
// Who may include whom, and what every source file must look like. Reads text
// only: no preprocessor, no raw strings. Tested by
// tests/layering/layering_test.cc, which applies it to the repository.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cyto8 {

// "detector/graph" for "detector/graph/graph.h", "base" for "base/status.h",
// "" for a path that lies in no room.
std::string RoomOf(std::string_view path);

// One message per broken rule, each "path:line: what"; empty if all is well.
// path is relative to the repository root.
std::vector<std::string> CheckArrows(std::string_view path,
                                     std::string_view text);
std::vector<std::string> CheckForm(std::string_view path,
                                   std::string_view text);
std::vector<std::string> CheckCalls(std::string_view path,
                                    std::string_view text);

// The text with comments and the insides of literals replaced by spaces; line
// numbers stay.
std::string BlankCommentsAndLiterals(std::string_view text);

}  // namespace cyto8
