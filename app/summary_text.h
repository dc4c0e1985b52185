// SPDX-License-Identifier: Apache-2.0
// What `graph summarize` prints of a GraphDef: the file, the network in it, its
// layers, its post-processing. Pure. Tested by tests/app/summary_text_test.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

StatusOr<std::string> SummaryText(std::span<const std::byte> model,
                                  const Limits& limits = {});

}  // namespace cyto8
