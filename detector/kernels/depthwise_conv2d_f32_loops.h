// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution in vectors of channels, for islands only (see
// native_vector.h). Tested by
// tests/detector/kernels/depthwise_conv2d_f32_test.cc.
//
// Channels are the innermost axis, so a vector holds neighbouring channels of
// one pixel and no value ever moves between lanes. kColumns neighbouring
// outputs of two rows are computed at once: a weight is loaded once for all
// columns, and a source pixel, which mostly comes from the second-level cache,
// once for all the windows that it lies in. Outputs whose window reaches over
// the border are computed one by one with fewer taps; rows that have no second
// one, or whose windows are cut above or below, alone. (Fewer channels at a
// time, so that their source rows stay in the first-level cache, were slower by
// half: the hardware fetches ahead only where memory is read in order.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "detector/kernels/activation_loops.h"
#include "detector/kernels/depthwise_conv2d_f32_fast.h"

namespace cyto8 {
namespace {

constexpr int kColumns = 4;

// Taps [begin, end) of a window.
struct Taps {
  int64_t begin;
  int64_t end;
};

// The taps of a window starting at pixel `start` that lie on [0, size).
inline Taps TapsOn(int64_t start, int64_t kernel, int64_t size) {
  Taps taps = {start < 0 ? -start : 0,
               start + kernel > size ? size - start : kernel};
  if (taps.end < taps.begin) taps.end = taps.begin;
  return taps;
}

// What a row of outputs has in common.
struct RowContext {
  const DepthwiseRows* rows;
  float* dst;
  Taps ky;
  // The source rows of the taps ky and, for two rows of outputs at once, of the
  // second one's.
  const float* src[7];
};

template <bool kMasked>
inline Vector LoadLanes(const float* p, Lanes lanes) {
  if constexpr (kMasked) return Load(p, lanes);
  return Load(p);
}

// Outputs of all columns, activated, go to dst and into the row's sums.
template <int kCount, bool kMasked>
inline void Finish(const DepthwiseRows& rows, int64_t c, Lanes lanes,
                   Vector (&x)[kCount], float* dst) {
  Activate(rows.activation, x);
  for (int i = 0; i < kCount; ++i) {
    float* const to = dst + i * rows.channels + c;
    if constexpr (kMasked) {
      Store(to, x[i], lanes);
    } else {
      Store(to, x[i]);
    }
  }
  if (rows.row_sums == nullptr) return;
  Vector sum = LoadLanes<kMasked>(rows.row_sums + c, lanes);
  for (int i = 0; i < kCount; ++i) sum = Add(sum, x[i]);
  if constexpr (kMasked) {
    Store(rows.row_sums + c, sum, lanes);
  } else {
    Store(rows.row_sums + c, sum);
  }
}

// kRows x kCount neighbouring outputs whose windows lie on the image from left
// to right, and for two rows also from top to bottom, one vector of channels.
// x0: the column of the first tap.
template <int kKernel, int kStride, int kRows, int kCount, bool kMasked>
inline void Inner(const RowContext& row, int64_t c, Lanes lanes, int64_t x0,
                  float* dst) {
  const DepthwiseRows& rows = *row.rows;
  Vector sum[kRows][kCount];
  const Vector start =
      rows.bias == nullptr ? Set(0) : LoadLanes<kMasked>(rows.bias + c, lanes);
  for (int i = 0; i < kRows; ++i) {
    for (Vector& s : sum[i]) s = start;
  }
  constexpr int kTapRows = (kRows - 1) * kStride + kKernel;
#pragma GCC unroll 8
  for (int y = 0; y < kTapRows; ++y) {
    if (kRows == 1 && (y < row.ky.begin || y >= row.ky.end)) continue;
    const float* const pixels = row.src[y] + x0 * rows.channels + c;
    Vector w[kRows][kKernel];
#pragma GCC unroll 2
    for (int i = 0; i < kRows; ++i) {
      const int ky = y - i * kStride;
      if (ky < 0 || ky >= kKernel) continue;
#pragma GCC unroll 8
      for (int kx = 0; kx < kKernel; ++kx) {
        w[i][kx] = LoadLanes<kMasked>(
            rows.wei + (ky * kKernel + kx) * rows.channels + c, lanes);
      }
    }
#pragma GCC unroll 16
    for (int column = 0; column < (kCount - 1) * kStride + kKernel; ++column) {
      const Vector pixel =
          LoadLanes<kMasked>(pixels + column * rows.channels, lanes);
#pragma GCC unroll 2
      for (int i = 0; i < kRows; ++i) {
        const int ky = y - i * kStride;
        if (ky < 0 || ky >= kKernel) continue;
#pragma GCC unroll 8
        for (int x = 0; x < kCount; ++x) {
          const int kx = column - x * kStride;
          if (kx < 0 || kx >= kKernel) continue;
          sum[i][x] = MulAdd(pixel, w[i][kx], sum[i][x]);
        }
      }
    }
  }
  for (int i = 0; i < kRows; ++i) {
    Finish<kCount, kMasked>(rows, c, lanes, sum[i],
                            dst + i * rows.out_width * rows.channels);
  }
}

// One output at the border: taps kx only.
template <int kKernel, bool kMasked>
inline void Border(const RowContext& row, int64_t c, Lanes lanes, Taps kx,
                   int64_t x0, float* dst) {
  const DepthwiseRows& rows = *row.rows;
  Vector sum[1] = {
      rows.bias == nullptr ? Set(0) : LoadLanes<kMasked>(rows.bias + c, lanes)};
  for (int64_t ky = row.ky.begin; ky < row.ky.end; ++ky) {
    const float* const pixels = row.src[ky] + c;
    const float* const weights = rows.wei + ky * kKernel * rows.channels + c;
    for (int64_t k = kx.begin; k < kx.end; ++k) {
      const int64_t x = x0 + k;
      sum[0] = MulAdd(LoadLanes<kMasked>(pixels + x * rows.channels, lanes),
                      LoadLanes<kMasked>(weights + k * rows.channels, lanes),
                      sum[0]);
    }
  }
  Finish<1, kMasked>(rows, c, lanes, sum, dst);
}

// body.Run<masked>(channel, lanes) over all channels.
template <typename Body>
inline void ForChannels(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    body.template Run<false>(c, FirstLanes(kLanes));
  }
  if (c < channels) body.template Run<true>(c, FirstLanes(channels - c));
}

template <int kKernel, int kStride, int kRows>
struct InnerBody {
  const RowContext& row;
  int64_t x0;
  float* dst;
  template <bool kMasked>
  void Run(int64_t c, Lanes lanes) {
    Inner<kKernel, kStride, kRows, kColumns, kMasked>(row, c, lanes, x0, dst);
  }
};

template <int kKernel>
struct BorderBody {
  const RowContext& row;
  Taps kx;
  int64_t x0;
  float* dst;
  template <bool kMasked>
  void Run(int64_t c, Lanes lanes) {
    Border<kKernel, kMasked>(row, c, lanes, kx, x0, dst);
  }
};

// The outputs of a row whose column is at the border, or the first columns of
// fewer than kColumns that are left.
template <int kKernel, int kStride>
inline void BorderColumn(const RowContext& row, int64_t x) {
  const int64_t start = x * kStride - row.rows->pad_left;
  const Taps kx = TapsOn(start, kKernel, row.rows->in_width);
  const int64_t channels = row.rows->channels;
  ForChannels(channels,
              BorderBody<kKernel>{row, kx, start, row.dst + x * channels});
}

// kRows rows of outputs; row: the first of them.
template <int kKernel, int kStride, int kRows>
inline void RowsAtOnce(const RowContext& row, const RowContext& second) {
  const DepthwiseRows& rows = *row.rows;
  const int64_t channels = rows.channels;
  int64_t x = 0;
  while (x < rows.out_width) {
    const int64_t start = x * kStride - rows.pad_left;
    const int64_t reach = start + (kColumns - 1) * kStride + kKernel;
    if (start >= 0 && reach <= rows.in_width &&
        x + kColumns <= rows.out_width) {
      ForChannels(channels, InnerBody<kKernel, kStride, kRows>{
                                row, start, row.dst + x * channels});
      x += kColumns;
      continue;
    }
    BorderColumn<kKernel, kStride>(row, x);
    if (kRows == 2) BorderColumn<kKernel, kStride>(second, x);
    ++x;
  }
}

template <int kKernel, int kStride>
inline RowContext RowAt(const DepthwiseRows& rows, int64_t y) {
  const int64_t start = y * kStride - rows.pad_top;
  RowContext row = {&rows,
                    rows.dst + y * rows.out_width * rows.channels,
                    TapsOn(start, kKernel, rows.in_height),
                    {}};
  for (int64_t k = 0; k < kKernel + kStride; ++k) {
    const int64_t at = start + k;
    if (at < 0 || at >= rows.in_height) continue;
    row.src[k] = rows.src + at % rows.ring_rows * rows.in_width * rows.channels;
  }
  return row;
}

inline void TakeRowSums(const DepthwiseRows& rows) {
  for (int64_t c = 0; rows.sums != nullptr && c < rows.channels; ++c) {
    rows.sums[c] += static_cast<double>(rows.row_sums[c]);
    rows.row_sums[c] = 0;
  }
}

template <int kKernel, int kStride>
inline void AllRows(const DepthwiseRows& rows) {
  for (int64_t c = 0; rows.sums != nullptr && c < rows.channels; ++c) {
    rows.row_sums[c] = 0;
  }
  int64_t y = rows.first_row;
  while (y < rows.last_row) {
    const RowContext row = RowAt<kKernel, kStride>(rows, y);
    const RowContext next = RowAt<kKernel, kStride>(rows, y + 1);
    const bool whole = row.ky.begin == 0 && row.ky.end == kKernel &&
                       next.ky.begin == 0 && next.ky.end == kKernel;
    if (whole && y + 2 <= rows.last_row) {
      RowsAtOnce<kKernel, kStride, 2>(row, next);
      y += 2;
    } else {
      RowsAtOnce<kKernel, kStride, 1>(row, row);
      ++y;
    }
    TakeRowSums(rows);
  }
}

inline void Depthwise(const DepthwiseRows& rows) {
  if (rows.kernel == 3) {
    return rows.stride == 1 ? AllRows<3, 1>(rows) : AllRows<3, 2>(rows);
  }
  return rows.stride == 1 ? AllRows<5, 1>(rows) : AllRows<5, 2>(rows);
}

}  // namespace
}  // namespace cyto8
