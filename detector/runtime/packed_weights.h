// SPDX-License-Identifier: Apache-2.0
// Packed weights that several compiled models share: the same network compiled
// for another image size needs the same bytes again. Tested by
// tests/detector/runtime/packed_weights_test.cc.
#pragma once

namespace cyto8 {

// Handed to CompileOptions of each model that shall share. Thread-safe.
class PackedWeights;

}  // namespace cyto8
