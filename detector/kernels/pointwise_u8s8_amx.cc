// SPDX-License-Identifier: Apache-2.0
// An island: compiled for one instruction set; see pointwise_u8s8_fast.h.
//
// A tile of 16 pixels and 64 inputs times G tiles of weights, whose packed
// order is that of tdpbusd. While the matrix unit works on 16 pixels, the
// vector ports finish the 16 before. Few inputs leave most of a tile empty:
// they go to vpdpbusd.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "detector/kernels/pointwise_u8s8_epilogue.h"
#include "detector/kernels/pointwise_u8s8_fast.h"

namespace cyto8 {
namespace {

constexpr int64_t kTilePixels = 16;
constexpr int64_t kTileInputs = 64;
constexpr int kGroupPixels = 4;  // that are finished together.

// What ldtilecfg reads.
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

// Tiles 0 to 3 are sums, 4 codes and 5 weights of 64 inputs, 6 and 7 the same
// of the inputs that are left.
void ConfigureTiles(int64_t pixels, int64_t in_channels) {
  TileConfig config;
  const int64_t rest = (in_channels % kTileInputs + 3) / 4;
  const auto quads = static_cast<uint8_t>(rest == 0 ? 16 : rest);
  for (int tile = 0; tile < 8; ++tile) {
    config.rows[tile] = static_cast<uint8_t>(pixels);
    config.row_bytes[tile] = 64;
  }
  config.rows[5] = 16;
  config.rows[7] = quads;
  config.row_bytes[6] = static_cast<uint16_t>(quads * 4);
  _tile_loadconfig(&config);
}

// sums [pixels, G * 16] = bias + products. Tiles have constant names.
template <int G>
inline void Multiply(const PointwiseRows& rows, const Block& block,
                     const uint8_t* src, int32_t* sums) {
  constexpr int64_t kStride = G * 64;
  const int64_t inputs = rows.in_channels;
  const int8_t* wei = block.wei;
  _tile_loadd(0, block.bias, 0);
  if constexpr (G >= 2) _tile_loadd(1, block.bias + 16, 0);
  if constexpr (G >= 4) _tile_loadd(2, block.bias + 32, 0);
  if constexpr (G >= 4) _tile_loadd(3, block.bias + 48, 0);
  int64_t k = 0;
  for (; k + kTileInputs <= inputs; k += kTileInputs, wei += 16 * kStride) {
    _tile_loadd(4, src + k, inputs);
    _tile_loadd(5, wei, kStride);
    _tile_dpbusd(0, 4, 5);
    if constexpr (G >= 2) {
      _tile_loadd(5, wei + 64, kStride);
      _tile_dpbusd(1, 4, 5);
    }
    if constexpr (G >= 4) {
      _tile_loadd(5, wei + 128, kStride);
      _tile_dpbusd(2, 4, 5);
      _tile_loadd(5, wei + 192, kStride);
      _tile_dpbusd(3, 4, 5);
    }
  }
  if (k < inputs) {
    _tile_loadd(6, src + k, inputs);
    _tile_loadd(7, wei, kStride);
    _tile_dpbusd(0, 6, 7);
    if constexpr (G >= 2) {
      _tile_loadd(7, wei + 64, kStride);
      _tile_dpbusd(1, 6, 7);
    }
    if constexpr (G >= 4) {
      _tile_loadd(7, wei + 128, kStride);
      _tile_dpbusd(2, 6, 7);
      _tile_loadd(7, wei + 192, kStride);
      _tile_dpbusd(3, 6, 7);
    }
  }
  _tile_stored(0, sums, kStride);
  if constexpr (G >= 2) _tile_stored(1, sums + 16, kStride);
  if constexpr (G >= 4) _tile_stored(2, sums + 32, kStride);
  if constexpr (G >= 4) _tile_stored(3, sums + 48, kStride);
}

template <int G, int kMode>
inline void Finish(const PointwiseRows& rows, const Block& block,
                   const Epilogue& e, const int32_t* from, int64_t pixel,
                   int64_t count) {
  Sums<kGroupPixels, G> sums;
#pragma GCC unroll 4
  for (int p = 0; p < kGroupPixels; ++p) {
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) {
      sums[p][g] = _mm512_load_si512(from + (p * G + g) * 16);
    }
  }
  StoreResults<kMode, kGroupPixels, G>(rows, block, e, pixel, count, sums);
}

template <int G, int kMode>
inline void FinishTile(const PointwiseRows& rows, const Block& block,
                       const Epilogue& e, const int32_t* from, int64_t pixel) {
  for (int64_t p = 0; p < kTilePixels; p += kGroupPixels) {
    Finish<G, kMode>(rows, block, e, from + p * G * 16, pixel + p,
                     kGroupPixels);
  }
}

// Fewer pixels than a tile has.
template <int G>
__attribute__((noinline)) void ComputeRest(const PointwiseRows& rows,
                                           const Block& block,
                                           const Epilogue& e, int64_t pixel,
                                           int64_t count) {
  alignas(64) int32_t sums[kTilePixels * G * 16];
  ConfigureTiles(count, rows.in_channels);
  Multiply<G>(rows, block, rows.src + pixel * rows.in_channels, sums);
  for (int64_t p = 0; p < count; p += kGroupPixels) {
    const int64_t rest = count - p;
    Finish<G, kAny>(rows, block, e, sums + p * G * 16, pixel + p,
                    rest < kGroupPixels ? rest : kGroupPixels);
  }
}

template <int G, int kMode>
void ComputeBlock(const PointwiseRows& rows, const Block& block, int64_t first,
                  int64_t last) {
  alignas(64) int32_t sums[2][kTilePixels * G * 16];
  const Epilogue e = MakeEpilogue<G>(rows, block);
  const int64_t tiles = (last - first) / kTilePixels;
  if (tiles > 0) ConfigureTiles(kTilePixels, rows.in_channels);
  for (int64_t t = 0; t < tiles; ++t, first += kTilePixels) {
    Multiply<G>(rows, block, rows.src + first * rows.in_channels, sums[t % 2]);
    if (t == 0) continue;
    FinishTile<G, kMode>(rows, block, e, sums[(t - 1) % 2],
                         first - kTilePixels);
  }
  if (tiles > 0) {
    FinishTile<G, kMode>(rows, block, e, sums[(tiles - 1) % 2],
                         first - kTilePixels);
  }
  if (first < last) ComputeRest<G>(rows, block, e, first, last - first);
}

}  // namespace

void PointwiseAmx(const PointwiseRows& rows) {
  if (rows.in_channels <= 24) return PointwiseAvx512Vbmi(rows);
  ComputeAll(rows);
  _tile_release();
}

}  // namespace cyto8
