// SPDX-License-Identifier: Apache-2.0
// The text that names passes and their arguments, as TensorFlow's
// transform_graph takes it. Knows the grammar, not the passes. Tested by
// tests/detector/passes/transform_list_test.cc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cyto8 {

struct TransformArgument {
  std::string key;
  std::string value;
  friend bool operator==(const TransformArgument&,
                         const TransformArgument&) = default;
};

struct Transform {
  std::string name;
  std::vector<TransformArgument> arguments;  // a key may repeat.
  friend bool operator==(const Transform&, const Transform&) = default;
};

// list     := transform*, between them white space or nothing
// transform := name [ "(" [ argument ("," argument)* ] ")" ]
// argument := name "=" value
// name     := letters, digits and _
// value    := '"' anything but '"' '"', or anything but white space, '"', ",",
//             ")"
// kInvalidArgument says what was expected and where (characters from 1).
StatusOr<std::vector<Transform>> ParseTransforms(std::string_view text);

}  // namespace cyto8
