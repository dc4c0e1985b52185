// SPDX-License-Identifier: Apache-2.0
// The closed list of TensorFlow operators: which of ours each one is, and how
// its attributes are read. Tested by
// tests/detector/import/node_conversion_test.cc.
#pragma once

#include <string_view>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/import/conversion.h"

namespace cyto8 {

// Says what the node is; node().inputs are those of the file.
using Converter = Status (*)(Conversion&);

struct Rule {
  std::string_view name;
  Op op;
  Converter convert = nullptr;  // null: no attributes.
  // False if the number of inputs in the file is not that of `op`.
  bool same_inputs = true;
};

// Null for an operator outside the list.
const Rule* FindRule(std::string_view op);

}  // namespace cyto8
