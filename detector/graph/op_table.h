// SPDX-License-Identifier: Apache-2.0
// What every operator of the closed list looks like: its name, how many inputs
// and outputs it has, which attributes. The one table behind OpName() and
// ValidateGraph(). Tested by tests/detector/graph/graph_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detector/graph/graph.h"

namespace cyto8 {

inline constexpr int64_t kAnyNumber = -1;

struct OpInfo {
  Op op;
  std::string_view name;
  int64_t min_inputs;
  int64_t max_inputs;      // kAnyNumber: no upper bound.
  size_t attribute_index;  // in the variant Attributes.
  bool many_outputs = false;
};

const OpInfo& InfoOf(Op op);

}  // namespace cyto8
