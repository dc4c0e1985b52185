// SPDX-License-Identifier: Apache-2.0
// Finds up-sampling that repeats every pixel, in both spellings. Tested by
// tests/detector/passes/recognize_upsampling_test.cc.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// ResizeNearest to a constant multiple of the size, and Reshape to
// [b,h,1,w,1,c] -> Mul by ones [1,1,s,1,s,1], Tile or BroadcastTo -> Reshape to
// [b,h*s,w*s,c]; both become UpsampleNearest.
// Left alone: corners aligned, sizes that are no multiple, factors other than
// one in the Mul, inner values that somebody else reads.
StatusOr<Graph> RecognizeUpsampling(Graph graph);

// True if TensorFlow's nearest neighbour (float arithmetic) takes pixel
// x / (out / in) of the source for every x in [0, out).
bool RepeatsPixels(int64_t in, int64_t out, bool half_pixel_centers);

}  // namespace cyto8
