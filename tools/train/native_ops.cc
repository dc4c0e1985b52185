// SPDX-License-Identifier: Apache-2.0
// The passes over memory that bound training on a CPU, fused: batch norm with
// swish, weighted sum with swish, squeeze-and-excite scaling, and the backward
// depthwise convolutions that oneDNN has in bfloat16 as plain loops only.
// For tools/train alone; native_ops.py wraps it, native_ops_test.py tests it.
//
// All maps are N x H x W x C in memory (channels_last), float or bfloat16;
// coefficients and sums are float.
#include <torch/extension.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

namespace {

using at::Tensor;

constexpr int64_t kRowsPerFloatSum = 256;  // then carried on in double.

inline float Widen(float value) { return value; }
inline float Widen(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof(out));
  return out;
}
inline void Narrow(float value, float* dst) { *dst = value; }
inline void Narrow(float value, uint16_t* dst) {  // to nearest, ties to even.
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bits += 0x7FFF + ((bits >> 16) & 1);
  *dst = static_cast<uint16_t>(bits >> 16);
}

// 1 / (1 + e^-z), relative error below 1e-6; written so that it vectorises.
inline float Sigmoid(float z) {
  float t = std::fmin(std::fmax(z * -1.44269504F, -126.0F), 126.0F);
  const float whole = std::nearbyint(t);
  const float f = t - whole;
  float p = 1.5403530e-4F;
  p = p * f + 1.3333558e-3F;
  p = p * f + 9.6181291e-3F;
  p = p * f + 5.5504109e-2F;
  p = p * f + 2.4022651e-1F;
  p = p * f + 6.9314718e-1F;
  p = p * f + 1.0F;
  const int32_t bits = (static_cast<int32_t>(whole) + 127) << 23;
  float power;
  std::memcpy(&power, &bits, sizeof(power));
  return 1.0F / (1.0F + p * power);
}

template <bool kSwish>
inline float Activate(float z) {
  return kSwish ? z * Sigmoid(z) : z;
}
inline float SwishSlope(float z) {
  const float s = Sigmoid(z);
  return s * (1.0F + z * (1.0F - s));
}

template <typename T>
T* Data(const Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}
const float* Floats(const Tensor& tensor) {
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_contiguous(),
              "coefficients must be contiguous float");
  return tensor.data_ptr<float>();
}
void CheckMap(const Tensor& map) {
  TORCH_CHECK(map.dim() == 4 && map.is_contiguous(at::MemoryFormat::ChannelsLast),
              "maps must be channels_last");
}

// Calls function<T>(); T is float, or uint16_t for the bits of a bfloat16.
template <typename Function>
void ByType(const Tensor& map, const Function& function) {
  CheckMap(map);
  if (map.scalar_type() == at::kFloat) {
    function(float{});
  } else {
    TORCH_CHECK(map.scalar_type() == at::kBFloat16, "float or bfloat16");
    function(uint16_t{});
  }
}

Tensor EmptyLike(const Tensor& map) {
  return at::empty_like(map, map.options(), at::MemoryFormat::ChannelsLast);
}

constexpr int64_t kLanes = 16;

// kLanes channels of one pixel.
struct alignas(64) Block {
  float at[kLanes] = {};
};

// Splits rows over threads; each thread adds into an own block of `size`
// doubles through at most kRowsPerFloatSum rows of float (at a multiple of 64
// bytes), with an own copy of add_row. Returns the sum.
template <typename Function>
std::vector<double> SumRows(int64_t rows, int64_t size,
                            const Function& add_row) {
  const int64_t chunks = at::get_num_threads();
  std::vector<double> sums(static_cast<size_t>(chunks * size), 0.0);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    Function add = add_row;
    std::vector<Block> blocks(static_cast<size_t>(size / kLanes + 1));
    float* const partial = blocks[0].at;
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      double* sum = sums.data() + chunk * size;
      const int64_t last = rows * (chunk + 1) / chunks;
      for (int64_t row = rows * chunk / chunks; row < last;) {
        const int64_t stop = std::min(last, row + kRowsPerFloatSum);
        std::fill(partial, partial + size, 0.0F);
        for (; row < stop; ++row) add(row, partial);
        for (int64_t i = 0; i < size; ++i) sum[i] += partial[i];
      }
    }
  });
  for (int64_t chunk = 1; chunk < chunks; ++chunk) {
    for (int64_t i = 0; i < size; ++i) sums[i] += sums[chunk * size + i];
  }
  sums.resize(static_cast<size_t>(size));
  return sums;
}

Tensor ToTensor(const std::vector<double>& values, at::IntArrayRef shape) {
  Tensor out = at::empty(shape, at::kFloat);
  for (size_t i = 0; i < values.size(); ++i) {
    out.data_ptr<float>()[i] = static_cast<float>(values[i]);
  }
  return out;
}

// 2 x C: sums of x and of x squared over N, H, W.
Tensor ChannelSums(const Tensor& x) {
  const int64_t channels = x.size(1);
  std::vector<double> sums;
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    const T* src = Data<T>(x);
    sums = SumRows(x.numel() / channels, 2 * channels,
                   [&](int64_t row, float* __restrict sum) {
                     const T* __restrict at = src + row * channels;
#pragma GCC ivdep
                     for (int64_t c = 0; c < channels; ++c) {
                       const float value = Widen(at[c]);
                       sum[c] += value;
                       sum[channels + c] += value * value;
                     }
                   });
  });
  return ToTensor(sums, {2, channels});
}

template <typename T, bool kSwish>
void NormForward(const T* src, int64_t rows, int64_t channels,
                 const float* __restrict scale, const float* __restrict shift,
                 T* out) {
  at::parallel_for(0, rows, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* __restrict at = src + row * channels;
      T* __restrict dst = out + row * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) {
        Narrow(Activate<kSwish>(Widen(at[c]) * scale[c] + shift[c]), dst + c);
      }
    }
  });
}

// activation(x * scale + shift).
Tensor ScaleForward(const Tensor& x, const Tensor& scale, const Tensor& shift,
                    bool swish) {
  Tensor out = EmptyLike(x);
  const int64_t channels = x.size(1);
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = swish ? NormForward<T, true> : NormForward<T, false>;
    run(Data<T>(x), x.numel() / channels, channels, Floats(scale),
        Floats(shift), Data<T>(out));
  });
  return out;
}

template <typename T, bool kSwish>
std::vector<double> NormSums(const T* dy, const T* src, int64_t rows,
                             int64_t channels, const float* __restrict scale,
                             const float* __restrict shift, T* dz) {
  return SumRows(rows, 2 * channels, [&](int64_t row, float* __restrict sum) {
    const T* __restrict grad = dy + row * channels;
    const T* __restrict at = src + row * channels;
    T* __restrict dst = dz + row * channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
      const float value = Widen(at[c]);
      float slope = Widen(grad[c]);
      if constexpr (kSwish) {
        slope *= SwishSlope(value * scale[c] + shift[c]);
        Narrow(slope, dst + c);
      }
      sum[c] += slope;
      sum[channels + c] += slope * value;
    }
  });
}

// dz, where y = activation(z) and z = x * scale + shift (dy itself without an
// activation); 2 x C: the sums of dz and of dz * x.
std::vector<Tensor> ScaleBackwardSums(const Tensor& dy, const Tensor& x,
                                      const Tensor& scale, const Tensor& shift,
                                      bool swish) {
  CheckMap(dy);
  const int64_t channels = x.size(1);
  const Tensor dz = swish ? EmptyLike(x) : dy;
  std::vector<double> sums;
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = swish ? NormSums<T, true> : NormSums<T, false>;
    sums = run(Data<T>(dy), Data<T>(x), x.numel() / channels, channels,
               Floats(scale), Floats(shift), Data<T>(dz));
  });
  return {dz, ToTensor(sums, {2, channels})};
}

// dz * scale + x * slope + offset.
Tensor ScaleBackwardInput(const Tensor& dz, const Tensor& x,
                          const Tensor& scale, const Tensor& slope,
                          const Tensor& offset) {
  CheckMap(dz);
  Tensor out = EmptyLike(x);
  const int64_t channels = x.size(1);
  const float* __restrict a = Floats(scale);
  const float* __restrict b = Floats(slope);
  const float* __restrict shift = Floats(offset);
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    at::parallel_for(0, x.numel() / channels, 1024, [&](int64_t row,
                                                        int64_t end) {
      for (; row < end; ++row) {
        const T* __restrict grad = Data<T>(dz) + row * channels;
        const T* __restrict at = Data<T>(x) + row * channels;
        T* __restrict dst = Data<T>(out) + row * channels;
#pragma GCC ivdep
        for (int64_t c = 0; c < channels; ++c) {
          Narrow(Widen(grad[c]) * a[c] + Widen(at[c]) * b[c] + shift[c],
                 dst + c);
        }
      }
    });
  });
  return out;
}

// swish(sum of weights[i] * maps[i]), two or three maps of one shape.
template <typename T, typename Function>
void ForEachSum(const std::vector<Tensor>& maps, const float* w,
                const Function& function) {
  const T* a = Data<T>(maps[0]);
  const T* b = Data<T>(maps[1]);
  const T* c = maps.size() > 2 ? Data<T>(maps[2]) : b;
  const float third = maps.size() > 2 ? w[2] : 0.0F;
  function(a, b, c, w[0], w[1], third);
}

Tensor SumForward(const std::vector<Tensor>& maps, const Tensor& weights) {
  for (const Tensor& map : maps) CheckMap(map);
  Tensor out = EmptyLike(maps[0]);
  ByType(maps[0], [&](auto zero) {
    using T = decltype(zero);
    T* dst = Data<T>(out);
    ForEachSum<T>(maps, Floats(weights), [&](const T* a, const T* b, const T* c,
                                             float u, float v, float w) {
      at::parallel_for(0, out.numel(), 1 << 16, [&](int64_t i, int64_t end) {
        for (; i < end; ++i) {
          const float z = Widen(a[i]) * u + Widen(b[i]) * v + Widen(c[i]) * w;
          Narrow(Activate<true>(z), dst + i);
        }
      });
    });
  });
  return out;
}

template <typename T>
void SumBackwardRow(const T* __restrict dy, const T* __restrict a,
                    const T* __restrict b, const T* __restrict c, float u,
                    float v, float w, int64_t count, T* __restrict da,
                    T* __restrict db, T* __restrict dc, float* sum) {
  float p = 0, q = 0, r = 0;
#pragma omp simd reduction(+ : p, q, r)
  for (int64_t i = 0; i < count; ++i) {
    const float x = Widen(a[i]), y = Widen(b[i]), z = Widen(c[i]);
    const float dz = Widen(dy[i]) * SwishSlope(x * u + y * v + z * w);
    Narrow(dz * u, da + i);
    Narrow(dz * v, db + i);
    Narrow(dz * w, dc + i);
    p += dz * x;
    q += dz * y;
    r += dz * z;
  }
  sum[0] += p;
  sum[1] += q;
  sum[2] += r;
}

// Gradients of the maps, then of the weights.
std::vector<Tensor> SumBackward(const Tensor& dy,
                                const std::vector<Tensor>& maps,
                                const Tensor& weights) {
  CheckMap(dy);
  std::vector<Tensor> grads;
  for (const Tensor& map : maps) grads.push_back(EmptyLike(map));
  const Tensor unused = maps.size() > 2 ? grads[2] : EmptyLike(maps[0]);
  std::vector<double> sums;
  const int64_t width = dy.size(3) * dy.size(1);
  ByType(dy, [&](auto zero) {
    using T = decltype(zero);
    ForEachSum<T>(maps, Floats(weights), [&](const T* a, const T* b, const T* c,
                                             float u, float v, float w) {
      sums = SumRows(dy.numel() / width, 3, [&](int64_t row, float* sum) {
        const int64_t i = row * width;
        SumBackwardRow<T>(Data<T>(dy) + i, a + i, b + i, c + i, u, v, w, width,
                          Data<T>(grads[0]) + i, Data<T>(grads[1]) + i,
                          Data<T>(unused) + i, sum);
      });
    });
  });
  sums.resize(maps.size());
  grads.push_back(ToTensor(sums, {static_cast<int64_t>(maps.size())}));
  return grads;
}

// N x C: sums over H and W of first * second, or of first alone.
Tensor AreaSums(const Tensor& first, const std::optional<Tensor>& second) {
  const int64_t channels = first.size(1);
  const int64_t area = first.size(2) * first.size(3);
  if (second) CheckMap(*second);
  Tensor out = at::empty({first.size(0), channels}, at::kFloat);
  ByType(first, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t n = 0; n < first.size(0); ++n) {
      const T* a = Data<T>(first) + n * area * channels;
      const T* b = second ? Data<T>(*second) + n * area * channels : nullptr;
      const std::vector<double> sums = SumRows(
          area, channels, [&](int64_t row, float* __restrict sum) {
            const T* __restrict x = a + row * channels;
            const T* __restrict y = b + row * channels;
            for (int64_t c = 0; c < channels && !b; ++c) sum[c] += Widen(x[c]);
#pragma GCC ivdep
            for (int64_t c = 0; c < channels && b; ++c) {
              sum[c] += Widen(x[c]) * Widen(y[c]);
            }
          });
      float* dst = out.data_ptr<float>() + n * channels;
      for (int64_t c = 0; c < channels; ++c) {
        dst[c] = static_cast<float>(sums[static_cast<size_t>(c)]);
      }
    }
  });
  return out;
}

// x * scale + shift, both N x C.
Tensor AreaScale(const Tensor& x, const Tensor& scale, const Tensor& shift) {
  Tensor out = EmptyLike(x);
  const int64_t channels = x.size(1), area = x.size(2) * x.size(3);
  const float* scales = Floats(scale);
  const float* shifts = Floats(shift);
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    at::parallel_for(0, x.size(0) * area, 1024, [&](int64_t row, int64_t end) {
      for (; row < end; ++row) {
        const int64_t n = row / area * channels;
        const T* __restrict at = Data<T>(x) + row * channels;
        T* __restrict dst = Data<T>(out) + row * channels;
#pragma GCC ivdep
        for (int64_t c = 0; c < channels; ++c) {
          Narrow(Widen(at[c]) * scales[n + c] + shifts[n + c], dst + c);
        }
      }
    });
  });
  return out;
}

struct Window {
  int64_t stride, top, left;  // padding before the map.
  int64_t channels, in_height, in_width, out_height, out_width;
  int64_t blocks() const { return (channels + kLanes - 1) / kLanes; }
};

// Widens a pixel's channels into blocks that are `step` apart.
template <typename T>
void LoadPixel(const T* src, int64_t channels, Block* dst, int64_t step) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes, dst += step) {
    for (int k = 0; k < kLanes; ++k) dst->at[k] = Widen(src[c + k]);
  }
  for (; c < channels; ++c) dst->at[c % kLanes] = Widen(src[c]);
}

template <typename T>
void StorePixel(const Block* src, int64_t step, int64_t channels, T* dst) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes, src += step) {
    for (int k = 0; k < kLanes; ++k) Narrow(src->at[k], dst + c + k);
  }
  for (; c < channels; ++c) Narrow(src->at[c % kLanes], dst + c);
}

// One row of taps on one row of a block of channels:
//   dx[p] += sum_j grad[p + kKernel - 1 - j] * taps[j]
//   dw[j] += sum_p grad[p + kKernel - 1 - j] * x[p]
template <int kKernel>
void DepthwiseTaps(const Block* __restrict grad, const Block* __restrict taps,
                   const Block* __restrict x, int64_t width,
                   Block* __restrict dx, Block* __restrict dw) {
  Block tap[kKernel], sum[kKernel];
  for (int j = 0; j < kKernel; ++j) tap[j] = taps[j];
  for (int64_t p = 0; p < width; ++p) {
    Block out = dx[p];
    for (int j = 0; j < kKernel; ++j) {
      const Block& slope = grad[p + kKernel - 1 - j];
      for (int k = 0; k < kLanes; ++k) {
        out.at[k] += slope.at[k] * tap[j].at[k];
        sum[j].at[k] += slope.at[k] * x[p].at[k];
      }
    }
    dx[p] = out;
  }
  for (int j = 0; j < kKernel; ++j) {
    for (int k = 0; k < kLanes; ++k) dw[j].at[k] += sum[j].at[k];
  }
}

// Works on one row of x after another: writes its dx, adds to the sums of the
// weights' gradients, [tap row][block][tap column][lane]. Rows of dy are held
// widened, padded and, for a stride of 2, with zeros between their columns.
template <typename T, int kKernel>
class DepthwiseRows {
 public:
  DepthwiseRows(const Window& w, const T* dy, const T* x,
                const std::vector<Block>& taps, T* dx)
      : w_(w), dy_(dy), x_(x), taps_(taps), dx_(dx),
        grads_(static_cast<size_t>(kKernel * GradBlocks())),
        held_(kKernel, -1),
        x_row_(static_cast<size_t>(w.blocks() * w.in_width)),
        dx_row_(x_row_.size()) {}

  void operator()(int64_t row, float* sums) {
    const int64_t width = w_.in_width, image = row / w_.in_height;
    const int64_t first = row * width * w_.channels;
    for (int64_t p = 0; p < width; ++p) {
      LoadPixel(x_ + first + p * w_.channels, w_.channels, &x_row_[p], width);
    }
    std::fill(dx_row_.begin(), dx_row_.end(), Block{});
    for (int64_t i = 0; i < kKernel; ++i) {
      const int64_t at = row % w_.in_height + w_.top - i;
      if (at < 0 || at % w_.stride || at / w_.stride >= w_.out_height) continue;
      TapRow(i, GradRow(image * w_.out_height + at / w_.stride), sums);
    }
    for (int64_t p = 0; p < width; ++p) {
      StorePixel(&dx_row_[p], width, w_.channels,
                 dx_ + first + p * w_.channels);
    }
  }

 private:
  int64_t PaddedWidth() const { return w_.in_width + kKernel - 1; }
  int64_t GradBlocks() const { return w_.blocks() * PaddedWidth(); }

  const Block* GradRow(int64_t row) {
    const int64_t slot = row % kKernel, padded = PaddedWidth();
    Block* const dst = &grads_[slot * GradBlocks()];
    if (held_[slot] == row) return dst;
    held_[slot] = row;
    for (int64_t c = 0; c < w_.out_width; ++c) {
      const int64_t p = c * w_.stride + kKernel - 1 - w_.left;
      if (p < 0 || p >= padded) continue;
      LoadPixel(dy_ + (row * w_.out_width + c) * w_.channels, w_.channels,
                dst + p, padded);
    }
    return dst;
  }

  void TapRow(int64_t i, const Block* grads, float* sums) {
    Block* const dw = reinterpret_cast<Block*>(sums);
    for (int64_t b = 0; b < w_.blocks(); ++b) {
      const int64_t tap = (i * w_.blocks() + b) * kKernel;
      DepthwiseTaps<kKernel>(grads + b * PaddedWidth(), &taps_[tap],
                             &x_row_[b * w_.in_width], w_.in_width,
                             &dx_row_[b * w_.in_width], dw + tap);
    }
  }

  const Window w_;
  const T* dy_;
  const T* x_;
  const std::vector<Block>& taps_;
  T* dx_;
  std::vector<Block> grads_;
  std::vector<int64_t> held_;  // row of dy in each slot.
  std::vector<Block> x_row_, dx_row_;
};

template <typename T, int kKernel>
std::vector<Tensor> DepthwiseRun(const Tensor& dy, const Tensor& x,
                                 const Tensor& packed, const Window& w) {
  constexpr int64_t kTaps = kKernel * kKernel;
  const auto place = [&](int64_t tap, int64_t c) {
    const int64_t block = tap / kKernel * w.blocks() + c / kLanes;
    return (block * kKernel + tap % kKernel) * kLanes + c % kLanes;
  };
  std::vector<Block> taps(static_cast<size_t>(kTaps * w.blocks()));
  const float* weights = Floats(packed);
  for (int64_t tap = 0; tap < kTaps; ++tap) {
    for (int64_t c = 0; c < w.channels; ++c) {
      const int64_t at = place(tap, c);
      taps[at / kLanes].at[at % kLanes] = weights[tap * w.channels + c];
    }
  }
  Tensor dx = EmptyLike(x);
  const DepthwiseRows<T, kKernel> rows(w, Data<T>(dy), Data<T>(x), taps,
                                       Data<T>(dx));
  const std::vector<double> sums =
      SumRows(x.size(0) * w.in_height, kTaps * w.blocks() * kLanes, rows);
  Tensor dw = at::empty({kTaps, w.channels}, at::kFloat);
  for (int64_t i = 0; i < dw.numel(); ++i) {
    dw.data_ptr<float>()[i] =
        static_cast<float>(sums[place(i / w.channels, i % w.channels)]);
  }
  return {dx, dw};
}

// Gradients of a depthwise convolution: of x, and of the weights as
// [kernel * kernel][channels], the layout of `packed`.
std::vector<Tensor> DepthwiseBackward(const Tensor& dy, const Tensor& x,
                                      const Tensor& packed, int64_t stride,
                                      int64_t top, int64_t left) {
  CheckMap(dy);
  const int64_t kernel = packed.size(0) == 9 ? 3 : 5;
  TORCH_CHECK(packed.size(0) == kernel * kernel, "kernel 3 or 5");
  const Window w{stride,    top,       left,       x.size(1),
                 x.size(2), x.size(3), dy.size(2), dy.size(3)};
  std::vector<Tensor> grads;
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = kernel == 3 ? DepthwiseRun<T, 3> : DepthwiseRun<T, 5>;
    grads = run(dy, x, packed, w);
  });
  return grads;
}

}  // namespace

PYBIND11_MODULE(TORCH_EXTENSION_NAME, module) {
  module.def("channel_sums", ChannelSums);
  module.def("scale_forward", ScaleForward);
  module.def("scale_backward_sums", ScaleBackwardSums);
  module.def("scale_backward_input", ScaleBackwardInput);
  module.def("sum_forward", SumForward);
  module.def("sum_backward", SumBackward);
  module.def("area_sums", AreaSums);
  module.def("area_scale", AreaScale);
  module.def("depthwise_backward", DepthwiseBackward);
}
