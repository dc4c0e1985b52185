// SPDX-License-Identifier: Apache-2.0
// qc.json: how well an image was looked at, and what the verdict on its scan
// rests on (docs/formats.md, section 3). Tested by tests/app/qc_json_test.cc.
#pragma once

#include <string>

#include "app/score_result.h"

namespace cyto8 {

std::string QcJson(const SlideFacts& slide);

}  // namespace cyto8
