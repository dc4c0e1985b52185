// SPDX-License-Identifier: Apache-2.0
// INT8 networks made here and now from what the repository holds, and the
// SHA-256 of all that one gives on real tiles: by this, two ways of running it
// are seen to give the same bits. For int8_digest.cc and
// int8_same_answer_test.cc. Test code.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/image_view.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/runtime/compiled_model.h"
#include "quant/quantize_graph.h"

namespace cyto8 {

// What the first `tiles` tiles need of the four images of data/fields.
StatusOr<std::vector<Image>> ReadFields(int64_t tiles);

// The graphs of data/golden/graphs and data/golden/efficientdet, sorted.
std::vector<std::string> TinyGraphPaths();

// The bundled D2 for squares of `side_px`, calibrated on the first four tiles
// of that side.
StatusOr<QuantizedGraph> QuantizedD2(int64_t side_px,
                                     std::span<const Image> fields);

// A graph of TinyGraphPaths(), calibrated on the first four tiles of its size.
// What has no normalisation gets one made up; floats of other than three
// channels are made of pixels by a 1x1 convolution made up. kInvalidArgument
// if nothing of it becomes INT8.
StatusOr<QuantizedGraph> QuantizedTinyGraph(
    const std::string& path, std::span<const Image> fields,
    const QuantizeOptions& options = {});

// False where an export wrote its batch of one into the network.
bool TakesBatches(const Graph& graph);

struct DigestOptions {
  Isa isa = BestIsa();
  int64_t batch = 1;    // tiles that go through the network at once.
  int64_t workers = 1;  // threads; above 1 pieces are taken from the last on.
  int64_t tiles = 1;
  int64_t min_streamed_bytes = kMinStreamedBytes;
};

// Of all outputs, tile by tile in a fixed order, so the batch does not show; 64
// hex digits. `graph` takes [1, height, width, 3] pixels; a batch above 1 wants
// TakesBatches().
StatusOr<std::string> DigestOf(const Graph& graph,
                               std::span<const Image> fields,
                               const DigestOptions& options);

}  // namespace cyto8
