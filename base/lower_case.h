// SPDX-License-Identifier: Apache-2.0
// Words without regard to case, in every locale alike. Tested by
// tests/base/lower_case_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace cyto8 {

// Of an ASCII letter; every other byte stays.
char LowerCase(char c);

// Of a path's file name: with its dot, in lower case. Empty if there is none:
// of "a", ".a" and "a.b/c".
std::string LowerCaseExtension(std::string_view path);

}  // namespace cyto8
