// SPDX-License-Identifier: Apache-2.0
// What reading a message (a GraphDef, the graph of a .cy8) will cost in memory,
// found by walking its bytes before any message is built: a two-byte node
// becomes a 150-byte object, so the size of the file alone is no bound. Also
// finds where a binary file is damaged. Tested by
// tests/detector/import/parse_cost_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/limits.h"
#include "base/status.h"

namespace google::protobuf {
class Descriptor;
}

namespace cyto8 {

// An upper estimate of the bytes that the messages of a serialized message of
// that type take beyond their own payload. kDataLoss if the bytes are not a
// whole sequence of its fields; the message names the record at fault.
StatusOr<int64_t> BinaryParseCost(std::span<const std::byte> bytes,
                                  const google::protobuf::Descriptor& type);

// The same for the text format, from its brackets, strings and separators. Does
// not check the syntax.
int64_t TextParseCost(std::span<const std::byte> bytes);

// kResourceExhausted above 2 x file + 4 KiB x max_nodes.
Status CheckParseCost(int64_t cost, size_t file_bytes, const Limits& limits);

}  // namespace cyto8
