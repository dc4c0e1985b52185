// SPDX-License-Identifier: Apache-2.0
// Foreign text for the pictures (SVG). Tested by
// tests/app/pr_curve_text_test.cc.
#pragma once

#include <string>
#include <string_view>

namespace cyto8 {

// As Printable(), with &, < and > escaped; what XML forbids is shown as '?'.
// For text between tags, not for attributes.
std::string XmlText(std::string_view text);

}  // namespace cyto8
