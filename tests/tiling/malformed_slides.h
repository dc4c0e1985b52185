// SPDX-License-Identifier: Apache-2.0
// Slides that lie about one thing each, and what has to be said of them. Test
// code.
#pragma once

#include <string>
#include <vector>

#include "tests/support/image_encoding.h"

namespace cyto8 {

struct MalformedSlide {
  std::string name;
  Bytes bytes;
  // The code and the whole message behind the path; see error_pattern.h.
  std::string error;
};

std::vector<MalformedSlide> MalformedTiffs();
std::vector<MalformedSlide> MalformedKfbs();

}  // namespace cyto8
