// SPDX-License-Identifier: Apache-2.0
// Strings as JSON, for writers that stream. Tested by
// tests/app/result_writer_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace cyto8 {

// Quoted and escaped; what is not UTF-8 as in base/valid_utf8.h.
std::string JsonText(std::string_view text);

}  // namespace cyto8
