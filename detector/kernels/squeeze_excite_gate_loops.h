// SPDX-License-Identifier: Apache-2.0
// Blocks of gated weights in vectors of outputs, for islands only (see
// native_codes.h). Gated 16-bit weights are computed twice, which is cheaper
// than keeping them. Tested by
// tests/detector/kernels/squeeze_excite_gate_test.cc.
#pragma once

#include <cstdint>

#include "detector/kernels/native_codes.h"
#include "detector/kernels/squeeze_excite_gate_fast.h"

namespace cyto8 {
namespace {

// kVectors of words for each quad: the outputs from `first` on.
template <int kVectors>
struct GatedStrip {
  static constexpr int64_t kOutputs = kVectors * kWords / 4;
  int64_t row;  // weights of a quad.
  int64_t first;

  Words Gated(const GatedBlock& block, int64_t quad, int v) const {
    const int16_t* const wei =
        block.wei16 + quad * row + first * 4 + v * kWords;
    return MultiplyHigh(LoadAllWords(wei), RepeatQuad(block.gates + quad * 4));
  }

  void FindLargest(const GatedBlock& block, Floats* factors) const {
    Words largest[kVectors];
    for (Words& x : largest) x = RepeatQuad(kLeast);
    for (int64_t quad = 0; quad < block.quads; ++quad) {
      for (int v = 0; v < kVectors; ++v) {
        largest[v] = MaxWords(largest[v], AbsoluteWords(Gated(block, quad, v)));
      }
    }
    for (int v = 0; v < kVectors; ++v) {
      const Dwords greatest = MaxOfQuads(largest[v]);
      StoreEvenDwords(block.largest + first + v * kWords / 4, greatest);
      factors[v] = Divide(127, FloatsOf(greatest));
    }
  }

  // Rounding computes, finding the largest reads: the next strip's or block's
  // weights come closer meanwhile. Behind the last there is nothing, which a
  // prefetch may ask for.
  void FetchNext(const GatedBlock& block, int64_t quad) const {
    const auto next =
        reinterpret_cast<uintptr_t>(block.wei16) +
        static_cast<uintptr_t>((block.quads + quad) * row) * sizeof(int16_t);
    for (int v = 0; v < kVectors; ++v) {
      __builtin_prefetch(reinterpret_cast<const void*>(
          next + static_cast<uintptr_t>(v) * sizeof(Words)));
    }
  }

  void Round(const GatedBlock& block, const Floats* factors) const {
    Dwords sums[kVectors / 2];
    for (Dwords& x : sums) x = ZeroDwords();
    for (int64_t quad = 0; quad < block.quads; ++quad) {
      FetchNext(block, quad);
      int8_t* const wei = block.wei + quad * row + first * 4;
      for (int v = 0; v < kVectors; v += 2) {
        const Bytes bytes =
            JoinWords(ScaleWords(Gated(block, quad, v), factors[v]),
                      ScaleWords(Gated(block, quad, v + 1), factors[v + 1]));
        StoreAllBytes(wei + v * kWords, bytes);
        sums[v / 2] = AddBytes(sums[v / 2], bytes);
      }
    }
    for (int v = 0; v < kVectors / 2; ++v) {
      StoreDwords(block.sum + first + v * kDwords, sums[v]);
    }
  }

  static constexpr int16_t kLeast[4] = {127, 127, 127, 127};
};

template <int kVectors>
inline void MakeStrips(const GatedBlock& block) {
  GatedStrip<kVectors> strip = {.row = block.outputs * 4, .first = 0};
  for (; strip.first < block.outputs; strip.first += strip.kOutputs) {
    Floats factors[kVectors];
    strip.FindLargest(block, factors);
    strip.Round(block, factors);
  }
}

// Blocks have 16, 32 or 64 outputs; 8 vectors leave registers for the rest.
inline void MakeBlock(const GatedBlock& block) {
  switch (block.outputs * 4 / kWords) {
    case 2:
      return MakeStrips<2>(block);
    case 4:
      return MakeStrips<4>(block);
    default:
      return MakeStrips<8>(block);
  }
}

}  // namespace
}  // namespace cyto8
