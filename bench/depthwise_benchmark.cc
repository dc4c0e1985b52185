// SPDX-License-Identifier: Apache-2.0
// How fast the depthwise layers of EfficientDet-D2 (768 px) run on codes: per
// layer milliseconds, GMAC/s, the share of what vpdpbusd alone could do, and
// oneDNN's INT8 convolution (with swish where ours has a table). All three take
// turns, and the fastest of many short runs counts: the machine is shared.
// bench_depthwise [rounds]
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "detector/kernels/depthwise_u8s8.h"
#include "dnnl.hpp"

namespace cyto8 {
namespace {

struct BenchLayer {
  int64_t kernel, stride, side, channels, count;
  bool table;
};

constexpr BenchLayer kLayers[] = {
    {3, 1, 384, 32, 1, true},   {3, 1, 384, 16, 1, true},
    {3, 2, 384, 96, 1, true},   {3, 1, 192, 144, 2, true},
    {5, 2, 192, 144, 1, true},  {5, 1, 96, 288, 2, true},
    {3, 2, 96, 288, 1, true},   {3, 1, 48, 528, 3, true},
    {5, 1, 48, 528, 1, true},   {5, 1, 48, 720, 3, true},
    {5, 2, 48, 720, 1, true},   {5, 1, 24, 1248, 4, true},
    {3, 1, 24, 1248, 1, true},  {3, 1, 24, 2112, 1, true},
    {3, 1, 96, 112, 13, false}, {3, 1, 48, 112, 18, false},
    {3, 1, 24, 112, 18, false}, {3, 1, 12, 112, 18, false},
    {3, 1, 6, 112, 13, false}};

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double Seconds(const std::function<void()>& run) {
  const double start = Now();
  run();
  return Now() - start;
}

// Products per second that vpdpbusd makes from registers: 64 each.
__attribute__((target("avx512f,avx512vnni"))) double ProbeSeconds() {
  constexpr int64_t kTurns = 20000;
  __m512i sums[12] = {};
  const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
  const double start = Now();
  for (int64_t turn = 0; turn < kTurns; ++turn) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      sum = _mm512_dpbusd_epi32(sum, a, b);
      asm volatile("" : "+v"(sum));
    }
  }
  return (Now() - start) / (kTurns * 12 * 64);
}

Conv2dShape ShapeOf(const BenchLayer& layer) {
  const int64_t out = layer.side / layer.stride;
  const int64_t pad = std::max<int64_t>(
      (out - 1) * layer.stride + layer.kernel - layer.side, 0);
  return {.in_height = layer.side,
          .in_width = layer.side,
          .in_channels = layer.channels,
          .out_height = out,
          .out_width = out,
          .out_channels = layer.channels,
          .kernel_height = layer.kernel,
          .kernel_width = layer.kernel,
          .stride_y = layer.stride,
          .stride_x = layer.stride,
          .pad_top = pad / 2,
          .pad_left = pad / 2};
}

StatusOr<DepthwiseU8S8> Ours(const BenchLayer& layer, const EvenTable& table) {
  std::vector<int8_t> wei(
      static_cast<size_t>(layer.kernel * layer.kernel * layer.channels));
  for (size_t i = 0; i < wei.size(); ++i) {
    wei[i] = static_cast<int8_t>(static_cast<int>(i * 37 % 255) - 127);
  }
  const std::vector<ChannelFactor> factors(
      static_cast<size_t>(layer.channels),
      {.bias = 5, .shift = 3, .multiplier = 12345});
  return DepthwiseU8S8::Create(
      BestIsa(), ShapeOf(layer), wei, factors,
      {.fraction_bits = 4, .table = layer.table ? &table : nullptr}, 3);
}

// oneDNN's convolution of the same shape.
class Yardstick {
 public:
  Yardstick(const BenchLayer& layer, std::vector<uint8_t>& src,
            std::vector<uint8_t>& dst) {
    using dnnl::memory;
    using Tag = memory::format_tag;
    using Type = memory::data_type;
    const Conv2dShape s = ShapeOf(layer);
    dnnl::primitive_attr attributes;
    attributes.set_output_scales(0, {0.0001f});
    dnnl::post_ops post_ops;
    if (layer.table) {
      post_ops.append_eltwise(1, dnnl::algorithm::eltwise_swish, 1, 0);
    }
    attributes.set_post_ops(post_ops);
    const auto after = [](int64_t in, int64_t out, int64_t kernel,
                          int64_t stride, int64_t before) {
      return std::max<int64_t>((out - 1) * stride + kernel - in - before, 0);
    };
    const dnnl::convolution_forward::desc desc(
        dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct,
        memory::desc({1, s.in_channels, s.in_height, s.in_width}, Type::u8,
                     Tag::nhwc),
        memory::desc({s.in_channels, 1, 1, s.kernel_height, s.kernel_width},
                     Type::s8, Tag::any),
        memory::desc({s.in_channels}, Type::s32, Tag::x),
        memory::desc({1, s.in_channels, s.out_height, s.out_width}, Type::u8,
                     Tag::nhwc),
        {s.stride_y, s.stride_x}, {0, 0}, {s.pad_top, s.pad_left},
        {after(s.in_height, s.out_height, s.kernel_height, s.stride_y,
               s.pad_top),
         after(s.in_width, s.out_width, s.kernel_width, s.stride_x,
               s.pad_left)});
    const dnnl::convolution_forward::primitive_desc made(desc, attributes,
                                                         engine_);
    primitive_ = dnnl::convolution_forward(made);
    arguments_ = {{DNNL_ARG_SRC, memory(made.src_desc(), engine_, src.data())},
                  {DNNL_ARG_WEIGHTS, memory(made.weights_desc(), engine_)},
                  {DNNL_ARG_BIAS, memory(made.bias_desc(), engine_)},
                  {DNNL_ARG_DST, memory(made.dst_desc(), engine_, dst.data())}};
  }
  void Run() {
    primitive_.execute(stream_, arguments_);
    stream_.wait();
  }

 private:
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> arguments_;
};

struct Totals {
  double ours = 0, theirs = 0, macs = 0;
};

void Measure(const BenchLayer& layer, const EvenTable& table, int rounds,
             Totals& totals) {
  const Conv2dShape s = ShapeOf(layer);
  std::vector<uint8_t> src(
      static_cast<size_t>(s.in_height * s.in_width * s.in_channels), 77);
  std::vector<uint8_t> dst(
      static_cast<size_t>(s.out_height * s.out_width * s.in_channels));
  std::vector<uint32_t> sums(static_cast<size_t>(s.in_channels));
  auto ours = Ours(layer, table);
  if (!ours.ok()) return;
  Yardstick yardstick(layer, src, dst);
  double ours_s = 1e9, theirs_s = 1e9, probe_s = 1e9;
  for (int i = 0; i < rounds; ++i) {
    probe_s = std::min(probe_s, ProbeSeconds());
    ours_s =
        std::min(ours_s, Seconds([&] {
                   ours->Run(src.data(), s.in_height, 0, s.out_height,
                             dst.data(), layer.table ? sums.data() : nullptr);
                 }));
    theirs_s = std::min(theirs_s, Seconds([&] { yardstick.Run(); }));
  }
  const double macs =
      static_cast<double>(std::ssize(dst) * layer.kernel * layer.kernel);
  std::printf(
      "%lldx%lld s%lld %5lld ch %4lld px x%-3lld %8.4f ms %7.1f GMAC/s %5.1f %%"
      "  oneDNN %8.4f ms  %5.2f\n",
      static_cast<long long>(layer.kernel),
      static_cast<long long>(layer.kernel),
      static_cast<long long>(layer.stride),
      static_cast<long long>(layer.channels),
      static_cast<long long>(layer.side), static_cast<long long>(layer.count),
      ours_s * 1e3, macs / ours_s / 1e9, 100 * macs * probe_s / ours_s,
      theirs_s * 1e3, theirs_s / ours_s);
  const auto count = static_cast<double>(layer.count);
  totals.ours += count * ours_s;
  totals.theirs += count * theirs_s;
  totals.macs += count * macs;
}

void Print(const char* name, const Totals& totals) {
  std::printf("%s: %.3f ms, %.1f GMAC/s; oneDNN %.3f ms; ratio %.2f\n", name,
              totals.ours * 1e3, totals.macs / totals.ours / 1e9,
              totals.theirs * 1e3, totals.theirs / totals.ours);
}

int Main(int rounds) {
  if (BestIsa() < Isa::kAvx512Vnni) {
    std::printf("needs AVX512-VNNI\n");
    return 1;
  }
  EvenTable table = {.segment_shift = 8};
  for (int i = 0; i < kEvenSegments - 1; ++i) {
    table.intercept[i] = static_cast<int16_t>(10 * i);
    table.slope[i] = static_cast<int16_t>(16000 - 600 * i);
  }
  Totals backbone, others;
  for (const BenchLayer& layer : kLayers) {
    Measure(layer, table, rounds, layer.table ? backbone : others);
  }
  Print("backbone, with table and sums", backbone);
  Print("BiFPN and heads", others);
  return 0;
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  return cyto8::Main(argc > 1 ? std::atoi(argv[1]) : 40);
}
