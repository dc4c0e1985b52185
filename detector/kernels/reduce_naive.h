// SPDX-License-Identifier: Apache-2.0
// Reductions by plain loops; the specification of the operators. A header
// because every element type has its own copy; only reduce.cc includes it.
// Tested by tests/detector/kernels/reduce_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "detector/kernels/index_walk.h"
#include "detector/kernels/reduce.h"

namespace cyto8 {

// Array 0 of `kept` is dst, array 1 src; `reduced` walks src from there.
struct ReduceWalk {
  IndexWalk<2> kept;
  IndexWalk<1> reduced;
  int64_t kept_count = 1;
  int64_t reduced_count = 1;
};

// How one operator makes one number of many: start, step for each, finish.
template <typename Sum, typename Step, typename Finish>
struct Reducer {
  Sum start;
  Step step;      // Sum(Sum so_far, T element).
  Finish finish;  // T(Sum total).
};

// Some neighbouring results, whose sums run side by side so that memory is read
// along its rows. dst is dense along the innermost kept axis.
template <typename T, typename Sum, typename Step, typename Finish>
void ReduceBlock(const ReduceWalk& walk,
                 const Reducer<Sum, Step, Finish>& reducer, int64_t count,
                 const T* src, T* dst) {
  constexpr int64_t kMaxBlock = 64;
  const int64_t src_step = walk.kept.inner().stride[1];
  const WalkAxis<1> inner = walk.reduced.inner();
  for (int64_t first = 0; first < count; first += kMaxBlock) {
    const int64_t block = std::min(kMaxBlock, count - first);
    Sum sums[kMaxBlock];
    std::fill_n(sums, block, reducer.start);
    walk.reduced.ForEachRow([&](const std::array<int64_t, 1>& offsets) {
      for (int64_t i = 0; i < inner.size; ++i) {
        const T* row =
            src + first * src_step + offsets[0] + i * inner.stride[0];
        for (int64_t c = 0; c < block; ++c) {
          sums[c] = reducer.step(sums[c], row[c * src_step]);
        }
      }
    });
    for (int64_t c = 0; c < block; ++c)
      dst[first + c] = reducer.finish(sums[c]);
  }
}

template <typename T, typename Sum, typename Step, typename Finish>
void ReduceWith(const ReduceWalk& walk, const T* src, T* dst,
                const Reducer<Sum, Step, Finish>& reducer) {
  walk.kept.ForEachRow([&](const std::array<int64_t, 2>& offsets) {
    ReduceBlock(walk, reducer, walk.kept.inner().size, src + offsets[1],
                dst + offsets[0]);
  });
}

// What sums and products are accumulated in: double for floats; for integers
// the unsigned type, whose overflow is defined.
template <typename T>
using Accumulator =
    typename std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>,
                                std::type_identity<double>>::type;

template <typename T>
T MeanOf(T sum, int64_t count) {
  if constexpr (std::is_integral_v<T>) {
    return count == 0 ? 0 : static_cast<T>(sum / count);
  } else {
    return sum / static_cast<T>(count);
  }
}

// nothing may be empty but the reduced axes.
template <typename T>
void ReduceNaive(ReduceOp op, const ReduceWalk& walk, const T* src, T* dst) {
  using Sum = Accumulator<T>;
  using Bounds = std::numeric_limits<T>;
  const auto reduce = [&](auto start, auto step, auto finish) {
    ReduceWith(walk, src, dst, Reducer{start, step, finish});
  };
  const auto add = [](Sum sum, T x) { return sum + static_cast<Sum>(x); };
  const auto multiply = [](Sum sum, T x) { return sum * static_cast<Sum>(x); };
  const auto to_result = [](Sum sum) { return static_cast<T>(sum); };
  const auto same = [](T x) { return x; };
  const T lowest = Bounds::has_infinity ? -Bounds::infinity() : Bounds::min();
  const T highest = Bounds::has_infinity ? Bounds::infinity() : Bounds::max();
  switch (op) {
    case ReduceOp::kMean:
      return reduce(Sum{0}, add, [&](Sum sum) {
        using Signed = std::conditional_t<std::is_integral_v<T>, T, Sum>;
        const auto total = static_cast<Signed>(sum);
        return static_cast<T>(MeanOf(total, walk.reduced_count));
      });
    case ReduceOp::kSum:
      return reduce(Sum{0}, add, to_result);
    case ReduceOp::kProd:
      return reduce(Sum{1}, multiply, to_result);
    case ReduceOp::kMax:  // x != x: NaN, which stays.
      return reduce(
          lowest, [](T m, T x) { return m > x || m != m ? m : x; }, same);
    case ReduceOp::kMin:
      return reduce(
          highest, [](T m, T x) { return m < x || m != m ? m : x; }, same);
  }
}

inline void LogicalReduceNaive(LogicalReduceOp op, const ReduceWalk& walk,
                               const uint8_t* src, uint8_t* dst) {
  const auto finish = [](bool value) -> uint8_t { return value ? 1 : 0; };
  if (op == LogicalReduceOp::kAll) {
    const auto both = [](bool all, uint8_t x) { return all && x != 0; };
    ReduceWith(walk, src, dst, Reducer{true, both, finish});
  } else {
    const auto either = [](bool any, uint8_t x) { return any || x != 0; };
    ReduceWith(walk, src, dst, Reducer{false, either, finish});
  }
}

template <typename T, typename I>
void ArgMaxNaive(const ArgMaxShape& shape, const T* src, I* dst) {
  for (int64_t o = 0; o < shape.outer; ++o) {
    for (int64_t i = 0; i < shape.inner; ++i) {
      const T* first = src + o * shape.axis * shape.inner + i;
      int64_t best = 0;
      for (int64_t a = 1; a < shape.axis; ++a) {
        if (first[a * shape.inner] > first[best * shape.inner]) best = a;
      }
      *dst++ = static_cast<I>(best);
    }
  }
}

}  // namespace cyto8
