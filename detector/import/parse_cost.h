// SPDX-License-Identifier: Apache-2.0
// What reading a GraphDef will cost in memory, found by walking its bytes
// before any message is built: a two-byte node becomes a 150-byte object, so
// the size of the file alone is no bound. Also finds where a binary file is
// damaged. Tested by tests/detector/import/parse_cost_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// An upper estimate of the bytes that the messages of a serialized GraphDef
// take beyond their own payload. kDataLoss if the bytes are not a whole
// sequence of fields of GraphDef; the message names the record at fault.
StatusOr<int64_t> BinaryParseCost(std::span<const std::byte> bytes);

// The same for the text format, from its brackets, strings and separators. Does
// not check the syntax.
int64_t TextParseCost(std::span<const std::byte> bytes);

}  // namespace cyto8
