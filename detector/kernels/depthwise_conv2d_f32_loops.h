// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution in vectors of channels, for islands only (see
// native_vector.h). Tested by
// tests/detector/kernels/depthwise_conv2d_f32_test.cc.
//
// Channels are the innermost axis, so a vector holds neighbouring channels of
// one pixel and no value ever moves between lanes. kColumns neighbouring
// outputs are computed at once: a weight is loaded once for all of them, and a
// source pixel once for all the windows that it lies in. Columns whose window
// reaches over the border are computed one by one with fewer taps.
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
  const float* src;  // source row of the first tap, whether it exists or not.
  float* dst;
  Taps ky;
  int64_t row_floats;  // of a source row.
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

// kCount neighbouring outputs whose windows lie on the image from left to
// right, one vector of channels. src: pixel of the first tap, channel 0.
template <int kKernel, int kStride, int kCount, bool kMasked>
inline void Inner(const RowContext& row, int64_t c, Lanes lanes,
                  const float* src, float* dst) {
  const DepthwiseRows& rows = *row.rows;
  Vector sum[kCount];
  const Vector start =
      rows.bias == nullptr ? Set(0) : LoadLanes<kMasked>(rows.bias + c, lanes);
  for (Vector& s : sum) s = start;
  for (int64_t ky = row.ky.begin; ky < row.ky.end; ++ky) {
    const float* const pixels = src + ky * row.row_floats + c;
    const float* const weights = rows.wei + ky * kKernel * rows.channels + c;
    Vector w[kKernel];
#pragma GCC unroll 8
    for (int kx = 0; kx < kKernel; ++kx) {
      w[kx] = LoadLanes<kMasked>(weights + kx * rows.channels, lanes);
    }
#pragma GCC unroll 16
    for (int column = 0; column < (kCount - 1) * kStride + kKernel; ++column) {
      const Vector pixel =
          LoadLanes<kMasked>(pixels + column * rows.channels, lanes);
#pragma GCC unroll 8
      for (int i = 0; i < kCount; ++i) {
        const int kx = column - i * kStride;
        if (kx >= 0 && kx < kKernel) sum[i] = MulAdd(pixel, w[kx], sum[i]);
      }
    }
  }
  Finish<kCount, kMasked>(rows, c, lanes, sum, dst);
}

// One output at the border: taps kx only.
template <int kKernel, bool kMasked>
inline void Border(const RowContext& row, int64_t c, Lanes lanes, Taps kx,
                   const float* src, float* dst) {
  const DepthwiseRows& rows = *row.rows;
  Vector sum[1] = {
      rows.bias == nullptr ? Set(0) : LoadLanes<kMasked>(rows.bias + c, lanes)};
  for (int64_t ky = row.ky.begin; ky < row.ky.end; ++ky) {
    const float* const pixels = src + ky * row.row_floats + c;
    const float* const weights = rows.wei + ky * kKernel * rows.channels + c;
    for (int64_t k = kx.begin; k < kx.end; ++k) {
      sum[0] = MulAdd(LoadLanes<kMasked>(pixels + k * rows.channels, lanes),
                      LoadLanes<kMasked>(weights + k * rows.channels, lanes),
                      sum[0]);
    }
  }
  Finish<1, kMasked>(rows, c, lanes, sum, dst);
}

// body(channel, lanes, masked) over all channels; masked is a constant.
template <typename Body>
inline void ForChannels(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) {
    body.template Run<false>(c, FirstLanes(kLanes));
  }
  if (c < channels) body.template Run<true>(c, FirstLanes(channels - c));
}

template <int kKernel, int kStride, int kCount>
struct InnerBody {
  const RowContext& row;
  const float* src;
  float* dst;
  template <bool kMasked>
  void Run(int64_t c, Lanes lanes) {
    Inner<kKernel, kStride, kCount, kMasked>(row, c, lanes, src, dst);
  }
};

template <int kKernel>
struct BorderBody {
  const RowContext& row;
  Taps kx;
  const float* src;
  float* dst;
  template <bool kMasked>
  void Run(int64_t c, Lanes lanes) {
    Border<kKernel, kMasked>(row, c, lanes, kx, src, dst);
  }
};

template <int kKernel, int kStride>
inline void DepthwiseRow(const RowContext& row) {
  const DepthwiseRows& rows = *row.rows;
  const int64_t channels = rows.channels;
  int64_t x = 0;
  while (x < rows.out_width) {
    const int64_t start = x * kStride - rows.pad_left;
    const float* const src = row.src + start * channels;
    float* const dst = row.dst + x * channels;
    const int64_t reach = start + (kColumns - 1) * kStride + kKernel;
    if (start >= 0 && reach <= rows.in_width &&
        x + kColumns <= rows.out_width) {
      ForChannels(channels,
                  InnerBody<kKernel, kStride, kColumns>{row, src, dst});
      x += kColumns;
      continue;
    }
    const Taps kx = TapsOn(start, kKernel, rows.in_width);
    ForChannels(channels, BorderBody<kKernel>{row, kx, src, dst});
    ++x;
  }
}

template <int kKernel, int kStride>
inline void AllRows(const DepthwiseRows& rows) {
  const int64_t row_floats = rows.in_width * rows.channels;
  for (int64_t y = rows.first_row; y < rows.last_row; ++y) {
    const int64_t start = y * kStride - rows.pad_top;
    for (int64_t c = 0; rows.sums != nullptr && c < rows.channels; ++c) {
      rows.row_sums[c] = 0;
    }
    DepthwiseRow<kKernel, kStride>(
        {&rows, rows.src + start * row_floats,
         rows.dst + y * rows.out_width * rows.channels,
         TapsOn(start, kKernel, rows.in_height), row_floats});
    for (int64_t c = 0; rows.sums != nullptr && c < rows.channels; ++c) {
      rows.sums[c] += static_cast<double>(rows.row_sums[c]);
    }
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
