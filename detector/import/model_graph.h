// SPDX-License-Identifier: Apache-2.0
// A graph as the two sections `graph` and `weights` of a .cy8 (docs/formats.md,
// section 8). Tested by tests/detector/import/model_file_test.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/shared_bytes.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

struct EncodedGraph {
  std::string graph;  // a ModelGraph message.
  std::vector<std::byte> weights;
};

// The same graph gives the same bytes. Constants that are one object are one.
// kInvalidArgument or kUnimplemented if the graph is not valid, has an operator
// outside the list, or a number outside of what the file may hold.
StatusOr<EncodedGraph> EncodeGraph(const Graph& graph, const Limits& limits);

// The constants borrow `weights`, but those in half precision, which are
// expanded into memory of their own. Only what EncodeGraph would have made is
// taken, so there are no second readings: kDataLoss if the message is damaged,
// kResourceExhausted if it would take too much memory, else kInvalidArgument.
// Types and shapes are inferred.
StatusOr<Graph> DecodeGraph(std::span<const std::byte> graph,
                            const SharedBytes& weights, const Limits& limits);

// How a constant of float32 is stored whose every value is exactly a half.
inline constexpr std::string_view kHalfStorage = "float16";

// Smaller ones would save next to nothing: they stay as they are, mapped.
inline constexpr int64_t kMinHalvedBytes = 1024;

// Whether EncodeGraph stores it in half precision. NaN and infinities may be.
// Most often the first value tells.
bool IsStoredAsHalf(const Tensor& tensor);

// The next multiple of kSharedAlignment.
constexpr int64_t AlignedEnd(int64_t end) {
  return (end + kSharedAlignment - 1) / kSharedAlignment * kSharedAlignment;
}

// kInvalidArgument unless the bytes between two pieces, [end, AlignedEnd(end))
// of `bytes`, are zero.
Status CheckGap(std::span<const std::byte> bytes, int64_t end);

}  // namespace cyto8
