// SPDX-License-Identifier: Apache-2.0
// Which image of a run is which image of the truth, by name: relative path,
// else stem. Pure. Tested by tests/app/eval_join_test.cc.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "eval/dataset.h"

namespace cyto8 {

// For each path the index of its truth image, or none. A truth name matches a
// path that equals it or ends with "/" and it (the longest such name wins);
// where no name does, the one of the same stem (last part without its ending).
// Paths are compared as text after lexical normalisation ("a/../b" is "b").
// kInvalidArgument if several truth images match alike, if two paths match the
// same image, or if an image of the truth has no name.
StatusOr<std::vector<std::optional<size_t>>> JoinByName(
    std::span<const std::string> paths, std::span<const EvalImage> images);

}  // namespace cyto8
