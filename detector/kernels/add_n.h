// SPDX-License-Identifier: Apache-2.0
// AddN (TensorFlow) and the weighted sum that fuses BiFPN nodes: many operands
// of one shape. Tested by tests/detector/kernels/add_n_test.cc.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace cyto8 {

// dst[i] = src[0][i] + src[1][i] + ..., from left to right; at least one
// operand. dst may be an operand. Integer overflow wraps. Thread-safe.
Status AddN(std::span<const std::span<const float>> src, std::span<float> dst);
Status AddN(std::span<const std::span<const int32_t>> src,
            std::span<int32_t> dst);
Status AddN(std::span<const std::span<const int64_t>> src,
            std::span<int64_t> dst);

// dst[r, c] = sum over i of weights[i] * src[i][r, c], from left to right.
// Weights are [n], or [n, channels] where c is the last of `channels` columns
// of dst: told apart by their number, [n] if channels is 1. dst may be an
// operand. Thread-safe.
Status WeightedSumF32(int64_t channels, std::span<const float> weights,
                      std::span<const std::span<const float>> src,
                      std::span<float> dst);

}  // namespace cyto8
