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
template <bool kSwish>
inline float Slope(float z) {
  if constexpr (!kSwish) return 1.0F;
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

// Splits rows over threads; each thread adds into an own block of `size`
// doubles through at most kRowsPerFloatSum rows of float. Returns the sum.
template <typename Function>
std::vector<double> SumRows(int64_t rows, int64_t size,
                            const Function& add_row) {
  const int64_t chunks = at::get_num_threads();
  std::vector<double> sums(static_cast<size_t>(chunks * size), 0.0);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> partial(static_cast<size_t>(size));
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      double* sum = sums.data() + chunk * size;
      const int64_t last = rows * (chunk + 1) / chunks;
      for (int64_t row = rows * chunk / chunks; row < last;) {
        const int64_t stop = std::min(last, row + kRowsPerFloatSum);
        std::fill(partial.begin(), partial.end(), 0.0F);
        for (; row < stop; ++row) add_row(row, partial.data());
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
                             const float* __restrict shift) {
  return SumRows(rows, 2 * channels, [&](int64_t row, float* __restrict sum) {
    const T* __restrict grad = dy + row * channels;
    const T* __restrict at = src + row * channels;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) {
      const float value = Widen(at[c]);
      const float dz =
          Widen(grad[c]) * Slope<kSwish>(value * scale[c] + shift[c]);
      sum[c] += dz;
      sum[channels + c] += dz * value;
    }
  });
}

// 2 x C: sums of dz and of dz * x, where z = x * scale + shift.
Tensor ScaleBackwardSums(const Tensor& dy, const Tensor& x,
                         const Tensor& scale, const Tensor& shift,
                         bool swish) {
  CheckMap(dy);
  const int64_t channels = x.size(1);
  std::vector<double> sums;
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = swish ? NormSums<T, true> : NormSums<T, false>;
    sums = run(Data<T>(dy), Data<T>(x), x.numel() / channels, channels,
               Floats(scale), Floats(shift));
  });
  return ToTensor(sums, {2, channels});
}

template <typename T, bool kSwish>
void NormBackward(const T* dy, const T* src, int64_t rows, int64_t channels,
                  const float* __restrict scale, const float* __restrict shift,
                  const float* __restrict slope, const float* __restrict offset,
                  T* out) {
  at::parallel_for(0, rows, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* __restrict grad = dy + row * channels;
      const T* __restrict at = src + row * channels;
      T* __restrict dst = out + row * channels;
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) {
        const float value = Widen(at[c]);
        const float dz =
            Widen(grad[c]) * Slope<kSwish>(value * scale[c] + shift[c]);
        Narrow(dz * scale[c] + value * slope[c] + offset[c], dst + c);
      }
    }
  });
}

// dz * scale + x * slope + offset.
Tensor ScaleBackwardInput(const Tensor& dy, const Tensor& x,
                          const Tensor& scale, const Tensor& shift,
                          const Tensor& slope, const Tensor& offset,
                          bool swish) {
  CheckMap(dy);
  Tensor out = EmptyLike(x);
  const int64_t channels = x.size(1);
  ByType(x, [&](auto zero) {
    using T = decltype(zero);
    const auto run = swish ? NormBackward<T, true> : NormBackward<T, false>;
    run(Data<T>(dy), Data<T>(x), x.numel() / channels, channels, Floats(scale),
        Floats(shift), Floats(slope), Floats(offset), Data<T>(out));
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
    const float dz = Widen(dy[i]) * Slope<true>(x * u + y * v + z * w);
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
  int64_t kernel, stride, top, left;  // padding before the map.
  int64_t channels, in_height, in_width, out_height, out_width;
};

constexpr int kLanes = 8;
typedef float Lanes __attribute__((vector_size(4 * kLanes)));
typedef uint16_t HalfLanes __attribute__((vector_size(2 * kLanes)));
typedef uint32_t WholeLanes __attribute__((vector_size(4 * kLanes)));

inline Lanes Load(const float* src) {
  Lanes out;
  std::memcpy(&out, src, sizeof(out));
  return out;
}
inline Lanes Load(const uint16_t* src) {
  HalfLanes bits;
  std::memcpy(&bits, src, sizeof(bits));
  const WholeLanes wide = __builtin_convertvector(bits, WholeLanes) << 16;
  Lanes out;
  std::memcpy(&out, &wide, sizeof(out));
  return out;
}

// One pixel of dx: sums in registers, kBlock times kLanes channels at a time.
template <typename T, int kBlock>
int64_t DepthwiseInputChannels(int64_t c, int64_t channels, int taps,
                               const T* const* grads,
                               const float* const* weights, T* dst) {
  for (; c + kBlock * kLanes <= channels; c += kBlock * kLanes) {
    Lanes sum[kBlock] = {};
    for (int tap = 0; tap < taps; ++tap) {
#pragma GCC unroll 4
      for (int b = 0; b < kBlock; ++b) {
        const int64_t at = c + b * kLanes;
        sum[b] += Load(grads[tap] + at) * Load(weights[tap] + at);
      }
    }
    for (int b = 0; b < kBlock; ++b) {
      for (int k = 0; k < kLanes; ++k) {
        Narrow(sum[b][k], dst + c + b * kLanes + k);
      }
    }
  }
  return c;
}

// One row of dx; weights are [kernel * kernel][channels].
template <typename T, int kKernel>
void DepthwiseInputRow(const Window& w, int64_t y, const T* dy,
                       const float* weights, T* dx) {
  const T* grads[kKernel * kKernel];
  const float* used[kKernel * kKernel];
  for (int64_t x = 0; x < w.in_width; ++x) {
    int taps = 0;
    for (int64_t i = 0; i < kKernel; ++i) {
      const int64_t row = y + w.top - i;
      if (row < 0 || row % w.stride || row / w.stride >= w.out_height) continue;
      for (int64_t j = 0; j < kKernel; ++j) {
        const int64_t column = x + w.left - j;
        if (column < 0 || column % w.stride ||
            column / w.stride >= w.out_width) {
          continue;
        }
        grads[taps] = dy + (row / w.stride * w.out_width + column / w.stride) *
                               w.channels;
        used[taps++] = weights + (i * kKernel + j) * w.channels;
      }
    }
    T* dst = dx + x * w.channels;
    const int64_t done = DepthwiseInputChannels<T, 4>(0, w.channels, taps,
                                                      grads, used, dst);
    DepthwiseInputChannels<T, 1>(done, w.channels, taps, grads, used, dst);
  }
}

// Adds one output row's part to sums[kernel * kernel][channels]: taps of one
// kernel row at a time, so that their sums stay in registers.
template <typename T, int kKernel>
void DepthwiseWeightRow(const Window& w, int64_t y, const T* dy, const T* x,
                        float* sums) {
  for (int64_t i = 0; i < kKernel; ++i) {
    const int64_t row = y * w.stride + i - w.top;
    if (row < 0 || row >= w.in_height) continue;
    const T* src = x + row * w.in_width * w.channels;
    for (int64_t c = 0; c < w.channels; c += kLanes) {
      Lanes sum[kKernel] = {};
      for (int64_t column = 0; column < w.out_width; ++column) {
        const Lanes grad = Load(dy + column * w.channels + c);
        const int64_t left = column * w.stride - w.left;
#pragma GCC unroll 8
        for (int j = 0; j < kKernel; ++j) {
          if (left + j < 0 || left + j >= w.in_width) continue;
          sum[j] += grad * Load(src + (left + j) * w.channels + c);
        }
      }
      for (int j = 0; j < kKernel; ++j) {
        float* dst = sums + (i * kKernel + j) * w.channels + c;
        for (int k = 0; k < kLanes; ++k) dst[k] += sum[j][k];
      }
    }
  }
}

template <typename T, int kKernel>
std::vector<Tensor> DepthwiseRun(const Tensor& dy, const Tensor& x,
                                 const Tensor& packed, const Window& w) {
  Tensor dx = EmptyLike(x);
  const float* weights = Floats(packed);
  const int64_t rows_in = x.size(0) * w.in_height;
  at::parallel_for(0, rows_in, 4, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = row / w.in_height;
      DepthwiseInputRow<T, kKernel>(
          w, row % w.in_height,
          Data<T>(dy) + n * w.out_height * w.out_width * w.channels, weights,
          Data<T>(dx) + row * w.in_width * w.channels);
    }
  });
  const int64_t taps = kKernel * kKernel;
  const std::vector<double> sums = SumRows(
      x.size(0) * w.out_height, taps * w.channels,
      [&](int64_t row, float* sum) {
        DepthwiseWeightRow<T, kKernel>(
            w, row % w.out_height,
            Data<T>(dy) + row * w.out_width * w.channels,
            Data<T>(x) +
                row / w.out_height * w.in_height * w.in_width * w.channels,
            sum);
      });
  return {dx, ToTensor(sums, {taps, w.channels})};
}

// Gradients of a depthwise convolution: of x, and of the weights as
// [kernel * kernel][channels], the layout of `packed`. Channels: multiple of 8.
std::vector<Tensor> DepthwiseBackward(const Tensor& dy, const Tensor& x,
                                      const Tensor& packed, int64_t stride,
                                      int64_t top, int64_t left) {
  CheckMap(dy);
  const int64_t kernel = packed.size(0) == 9 ? 3 : 5;
  TORCH_CHECK(packed.size(0) == kernel * kernel && x.size(1) % 8 == 0,
              "kernel 3 or 5, channels a multiple of 8");
  const Window w{kernel,     stride,    top,        left,      x.size(1),
                 x.size(2),  x.size(3), dy.size(2), dy.size(3)};
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
