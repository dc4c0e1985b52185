// SPDX-License-Identifier: Apache-2.0
// How fast the depthwise layers of EfficientDet-D2 (768 px) run on codes: per
// layer milliseconds, GMAC/s, the share of what vpdpbusd alone could do, and
// the best of oneDNN's INT8 convolutions (with swish where ours has a table).
// All three take turns on one thread; medians.
// bench_depthwise [rounds [isa]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "bench/measure.h"
#include "bench/network_yardstick.h"
#include "bench/vnni_probe.h"
#include "detector/kernels/depthwise_u8s8.h"

extern "C" void omp_set_num_threads(int count);

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
          .pad_left = pad / 2,
          .activation = layer.table ? Activation::kSwish : Activation::kNone};
}

StatusOr<DepthwiseU8S8> Ours(Isa isa, const BenchLayer& layer,
                             const EvenTable& table) {
  std::vector<int8_t> wei(
      static_cast<size_t>(layer.kernel * layer.kernel * layer.channels));
  for (size_t i = 0; i < wei.size(); ++i) {
    wei[i] = static_cast<int8_t>(static_cast<int>(i * 37 % 255) - 127);
  }
  const std::vector<ChannelFactor> factors(
      static_cast<size_t>(layer.channels),
      {.bias = 5, .shift = 3, .multiplier = 12345});
  return DepthwiseU8S8::Create(
      isa, ShapeOf(layer), wei, factors,
      {.fraction_bits = 4, .table = layer.table ? &table : nullptr}, 3);
}

struct Totals {
  double ours = 0, theirs = 0, macs = 0;
};

void Measure(Isa isa, const BenchLayer& layer, const EvenTable& table,
             int rounds, YardstickMemory& memory, Totals& totals) {
  const Conv2dShape s = ShapeOf(layer);
  std::vector<uint8_t> src(
      static_cast<size_t>(s.in_height * s.in_width * s.in_channels), 77);
  std::vector<uint8_t> dst(
      static_cast<size_t>(s.out_height * s.out_width * s.in_channels));
  std::vector<uint32_t> sums(static_cast<size_t>(s.in_channels));
  const auto ours = Ours(isa, layer, table);
  if (!ours.ok()) return;
  ConvYardstick yardstick(s, true, YardstickType::kInt8, memory);
  std::vector<double> ours_s, theirs_s, ratios, shares;
  const double macs =
      static_cast<double>(std::ssize(dst) * layer.kernel * layer.kernel);
  for (int i = 0; i < rounds; ++i) {
    const double probe = VnniProbeMacsPerSecond();
    const auto run = [&] {
      const double start = ThreadNow();
      ours->Run(src.data(), s.in_height, 0, s.out_height, dst.data(),
                layer.table ? sums.data() : nullptr);
      return ThreadNow() - start;
    };
    run();
    ours_s.push_back(SpreadOf({run(), run(), run()}).median);
    theirs_s.push_back(yardstick.Seconds());
    ratios.push_back(theirs_s.back() / ours_s.back());
    shares.push_back(macs / ours_s.back() / probe);
  }
  const double seconds = SpreadOf(ours_s).median;
  const double their_seconds = SpreadOf(theirs_s).median;
  std::printf(
      "%lldx%lld s%lld %5lld ch %4lld px x%-3lld %8.4f ms %7.1f GMAC/s %5.1f %%"
      "  oneDNN %8.4f ms  %5.2f\n",
      static_cast<long long>(layer.kernel),
      static_cast<long long>(layer.kernel),
      static_cast<long long>(layer.stride),
      static_cast<long long>(layer.channels),
      static_cast<long long>(layer.side), static_cast<long long>(layer.count),
      seconds * 1e3, macs / seconds / 1e9, 100 * SpreadOf(shares).median,
      their_seconds * 1e3, SpreadOf(ratios).median);
  const auto count = static_cast<double>(layer.count);
  totals.ours += count * seconds;
  totals.theirs += count * their_seconds;
  totals.macs += count * macs;
}

void Print(const char* name, const Totals& totals) {
  std::printf("%s: %.3f ms, %.1f GMAC/s; oneDNN %.3f ms; ratio %.2f\n", name,
              totals.ours * 1e3, totals.macs / totals.ours / 1e9,
              totals.theirs * 1e3, totals.theirs / totals.ours);
}

int Main(int rounds, Isa isa) {
  if (BestIsa() < Isa::kAvx512Vnni) {
    std::printf("needs AVX512-VNNI\n");
    return EXIT_FAILURE;
  }
  omp_set_num_threads(1);
  std::printf("isa %s\n", IsaName(isa).data());
  EvenTable table = {.segment_shift = 8};
  for (int i = 0; i < kEvenSegments - 1; ++i) {
    table.intercept[i] = static_cast<int16_t>(10 * i);
    table.slope[i] = static_cast<int16_t>(16000 - 600 * i);
  }
  // Room for all first: it must not move.
  YardstickMemory memory;
  for (const BenchLayer& layer : kLayers) memory.MakeRoomFor(ShapeOf(layer));
  Totals backbone, others, all;
  for (const BenchLayer& layer : kLayers) {
    Measure(isa, layer, table, rounds, memory, layer.table ? backbone : others);
  }
  Print("backbone, with table and sums", backbone);
  Print("BiFPN and heads", others);
  Print("all", {.ours = backbone.ours + others.ours,
                .theirs = backbone.theirs + others.theirs,
                .macs = backbone.macs + others.macs});
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 21;
  if (argc <= 2) return cyto8::Main(rounds, cyto8::BestIsa());
  for (const cyto8::Isa usable : cyto8::UsableIsas()) {
    if (cyto8::IsaName(usable) == argv[2]) return cyto8::Main(rounds, usable);
  }
  std::printf("isa %s: this CPU does not have it\n", argv[2]);
  return EXIT_FAILURE;
}
