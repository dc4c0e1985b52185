// SPDX-License-Identifier: Apache-2.0
// From the bytes of a model file to a GraphDef message, binary or text. Looks
// at size and syntax only. Tested by
// tests/detector/import/graph_def_parse_test.cc.
#pragma once

#include <cstddef>
#include <span>

#include "base/limits.h"
#include "base/status.h"
#include "detector/import/graph_def.pb.h"

namespace cyto8 {

enum class GraphDefFormat { kBinary, kText };

// By content: text if the first bytes are printable. A binary GraphDef starts
// with a field tag and a length, of which one at least is not.
GraphDefFormat DetectGraphDefFormat(std::span<const std::byte> bytes);

// kResourceExhausted if the file, or the memory that its messages would take
// (checked before they are built), exceeds the limits: 2 x file + 4 KiB x
// max_nodes. kDataLoss for damaged bytes; text errors carry line and column.
StatusOr<tf::GraphDef> ParseGraphDef(std::span<const std::byte> bytes,
                                     const Limits& limits);

}  // namespace cyto8
