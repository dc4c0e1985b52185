// SPDX-License-Identifier: Apache-2.0
// The 1x1 convolutions of codes of EfficientDet-D2 at 768 px and 6 classes,
// epilogues included, layer by layer, as a share of what the CPU can multiply:
// a loop of vpdpbusd on registers only, timed between them. Every layer is run
// in bands of rows that stay in the cache, as a network does; --whole takes
// whole images. Times are the fastest runs, shares medians.
//
//   bench_pointwise [--whole] [isa]     (plain avx2 avx512 avx512vnni ...)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "detector/kernels/isa.h"
#include "detector/kernels/pointwise_u8s8.h"

namespace cyto8 {
namespace {

constexpr int kRuns = 101;
constexpr int64_t kBandBytes = 1 << 20;
constexpr int64_t kBandMacs = 60'000'000;

enum class Kind { kCodes, kTable, kAddend, kFloats };

struct Layer {
  const char* group;
  int64_t in_channels;
  int64_t out_channels;
  int64_t side;
  int64_t count;
  Kind kind;
};

constexpr Layer kLayers[] = {
    {"expand", 16, 96, 384, 1, Kind::kTable},
    {"expand", 24, 144, 192, 3, Kind::kTable},
    {"expand", 48, 288, 96, 3, Kind::kTable},
    {"expand", 88, 528, 48, 4, Kind::kTable},
    {"expand", 120, 720, 48, 4, Kind::kTable},
    {"expand", 208, 1248, 24, 5, Kind::kTable},
    {"expand", 352, 2112, 24, 1, Kind::kTable},
    {"project", 32, 16, 384, 1, Kind::kCodes},
    {"project", 16, 16, 384, 1, Kind::kAddend},
    {"project", 96, 24, 192, 1, Kind::kCodes},
    {"project", 144, 24, 192, 2, Kind::kAddend},
    {"project", 144, 48, 96, 1, Kind::kCodes},
    {"project", 288, 48, 96, 2, Kind::kAddend},
    {"project", 288, 88, 48, 1, Kind::kCodes},
    {"project", 528, 88, 48, 3, Kind::kAddend},
    {"project", 528, 120, 48, 1, Kind::kCodes},
    {"project", 720, 120, 48, 3, Kind::kAddend},
    {"project", 720, 208, 24, 1, Kind::kCodes},
    {"project", 1248, 208, 24, 4, Kind::kAddend},
    {"project", 1248, 352, 24, 1, Kind::kCodes},
    {"project", 2112, 352, 24, 1, Kind::kAddend},
    {"bifpn", 112, 112, 96, 5, Kind::kCodes},
    {"bifpn", 112, 112, 48, 10, Kind::kCodes},
    {"bifpn", 112, 112, 24, 10, Kind::kCodes},
    {"bifpn", 112, 112, 12, 10, Kind::kCodes},
    {"bifpn", 112, 112, 6, 5, Kind::kCodes},
    {"bifpn", 48, 112, 96, 1, Kind::kCodes},
    {"bifpn", 120, 112, 48, 2, Kind::kCodes},
    {"bifpn", 352, 112, 24, 3, Kind::kCodes},
    {"heads", 112, 112, 96, 6, Kind::kTable},
    {"heads", 112, 112, 48, 6, Kind::kTable},
    {"heads", 112, 112, 24, 6, Kind::kTable},
    {"heads", 112, 112, 12, 6, Kind::kTable},
    {"heads", 112, 112, 6, 6, Kind::kTable},
    {"predict", 112, 54, 96, 1, Kind::kFloats},
    {"predict", 112, 54, 48, 1, Kind::kFloats},
    {"predict", 112, 54, 24, 1, Kind::kFloats},
    {"predict", 112, 54, 12, 1, Kind::kFloats},
    {"predict", 112, 54, 6, 1, Kind::kFloats},
    {"predict", 112, 36, 96, 1, Kind::kFloats},
    {"predict", 112, 36, 48, 1, Kind::kFloats},
    {"predict", 112, 36, 24, 1, Kind::kFloats},
    {"predict", 112, 36, 12, 1, Kind::kFloats},
    {"predict", 112, 36, 6, 1, Kind::kFloats},
};

// Memory from a cache line on, filled with bytes that no branch depends on.
class Buffer {
 public:
  explicit Buffer(int64_t bytes) : memory_(static_cast<size_t>(bytes + 128)) {
    for (uint8_t& byte : memory_) byte = static_cast<uint8_t>(random_());
  }
  uint8_t* bytes() {
    return memory_.data() +
           (64 - reinterpret_cast<uintptr_t>(memory_.data()) % 64) % 64;
  }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(bytes());
  }

 private:
  static inline std::minstd_rand random_{1};
  std::vector<uint8_t> memory_;
};

double Seconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Multiply-adds of a second with nothing but vpdpbusd, 24 sums at a time; the
// registers' values do not matter.
double ProbeRate() {
  constexpr int64_t kRounds = 4000;
  const double start = Seconds();
  int64_t rounds = kRounds;
  asm volatile(
      "1: .irp sum,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,"
      "23\n"
      "vpdpbusd %%zmm24, %%zmm25, %%zmm\\sum\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      "vzeroupper"
      : "+r"(rounds)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
        "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return kRounds * 24 * 64 / (Seconds() - start);
}

// Operands of one band of a layer.
class Operands {
 public:
  Operands(const Layer& layer, int64_t pixels)
      : src_(pixels * layer.in_channels + 3),
        wei_(PackedPointwiseBytes(layer.in_channels, layer.out_channels)),
        bias_(PackedOutputs(layer.out_channels) * 4),
        shift_(PackedOutputs(layer.out_channels) * 4),
        multiplier_(PackedOutputs(layer.out_channels) * 2),
        dst_(pixels * layer.out_channels * 4),
        addend_(pixels * layer.out_channels),
        scale_(PackedOutputs(layer.out_channels) * 4) {
    const int64_t places = PackedOutputs(layer.out_channels);
    std::fill_n(bias_.as<int32_t>(), places, 1000);
    std::fill_n(shift_.as<int32_t>(), places, 5);
    std::fill_n(multiplier_.as<int16_t>(), places, int16_t{10000});
    std::fill_n(scale_.as<float>(), places, 0.001f);
    for (int i = 0; i < kEvenSegments; ++i) {
      table_.intercept[i] = static_cast<int16_t>(200 - 6 * i);
      table_.slope[i] = static_cast<int16_t>(7 * i);
    }
    table_.segment_shift = 9;
    rows_ = {.pixels = pixels,
             .in_channels = layer.in_channels,
             .out_channels = layer.out_channels,
             .src = src_.bytes(),
             .wei = wei_.as<int8_t>(),
             .bias = bias_.as<int32_t>(),
             .shift = shift_.as<int32_t>(),
             .multiplier = multiplier_.as<int16_t>(),
             .requantization = {.fraction_bits = 5},
             .addend_multiplier = 9000,
             .scale = scale_.as<float>(),
             .offset = scale_.as<float>()};
    if (layer.kind == Kind::kTable) rows_.requantization.table = &table_;
    if (layer.kind == Kind::kAddend) rows_.addend = addend_.bytes();
    if (layer.kind == Kind::kFloats) rows_.dst_f32 = dst_.as<float>();
    if (layer.kind != Kind::kFloats) rows_.dst = dst_.bytes();
  }
  const PointwiseRows& rows() const { return rows_; }

 private:
  Buffer src_, wei_, bias_, shift_, multiplier_, dst_, addend_, scale_;
  EvenTable table_;
  PointwiseRows rows_;
};

int64_t Macs(const Layer& layer) {
  return layer.in_channels * layer.out_channels * layer.side * layer.side;
}

// As many whole rows as fit into a band of bytes and of time.
int64_t BandPixels(const Layer& layer, bool whole) {
  const int64_t row = layer.side * (layer.in_channels + layer.out_channels);
  const int64_t macs = layer.side * layer.in_channels * layer.out_channels;
  const int64_t rows = std::clamp<int64_t>(
      std::min(kBandBytes / row, kBandMacs / macs), 1, layer.side);
  return (whole ? layer.side : rows) * layer.side;
}

struct Measured {
  double rate = 0;   // multiply-adds a second, the fastest run.
  double share = 0;  // of the probe's, the median.
};

// The clock follows the load within a millisecond, so each run is compared with
// the probes right before and behind it.
Measured Measure(PointwiseKernel kernel, const Layer& layer, bool whole,
                 bool has_probe) {
  const int64_t pixels = BandPixels(layer, whole);
  const Operands operands(layer, pixels);
  const auto macs =
      static_cast<double>(pixels * layer.in_channels * layer.out_channels);
  Measured measured;
  std::vector<double> shares;
  for (int run = 0; run < kRuns; ++run) {
    const double before = has_probe ? ProbeRate() : 1;
    const double start = Seconds();
    kernel(operands.rows());
    const double rate = macs / (Seconds() - start);
    const double after = has_probe ? ProbeRate() : 1;
    measured.rate = std::max(measured.rate, rate);
    shares.push_back(rate * (0.5 / before + 0.5 / after));
  }
  std::nth_element(shares.begin(), shares.begin() + kRuns / 2, shares.end());
  measured.share = has_probe ? shares[kRuns / 2] : 0;
  return measured;
}

// Time of layers at their own and at the probe's rate.
struct Sum {
  double seconds = 0;
  double ideal = 0;

  void Add(const Layer& layer, const Measured& measured) {
    const auto macs = static_cast<double>(Macs(layer) * layer.count);
    seconds += macs / measured.rate;
    ideal += macs / measured.rate * measured.share;
  }
  void Print(const char* name) const {
    std::printf("%-8s %29.3f %15.1f %%\n", name, seconds * 1e3,
                100 * ideal / seconds);
  }
};

void Run(Isa isa, bool whole) {
  const bool has_probe = BestIsa() >= Isa::kAvx512Vnni;
  std::printf("isa %s, %s\n", IsaName(isa).data(),
              whole ? "whole images" : "bands of rows");
  std::printf("group       K     N  side  x        ms   GMAC/s    share\n");
  Sum group, total;
  const size_t layers = std::size(kLayers);
  for (size_t i = 0; i < layers; ++i) {
    const Layer& layer = kLayers[i];
    const Measured measured =
        Measure(PointwiseKernelFor(isa), layer, whole, has_probe);
    const auto macs = static_cast<double>(Macs(layer) * layer.count);
    std::printf("%-8s %4lld  %4lld  %4lld %2lld  %8.3f  %7.1f  %5.1f %%\n",
                layer.group, static_cast<long long>(layer.in_channels),
                static_cast<long long>(layer.out_channels),
                static_cast<long long>(layer.side),
                static_cast<long long>(layer.count), macs / measured.rate * 1e3,
                measured.rate / 1e9, 100 * measured.share);
    group.Add(layer, measured);
    total.Add(layer, measured);
    const bool last = i + 1 == layers;
    if (last || std::strcmp(kLayers[i + 1].group, layer.group) != 0) {
      group.Print(layer.group);
      group = {};
    }
  }
  total.Print("all");
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  cyto8::Isa isa = cyto8::BestIsa();
  bool whole = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--whole") == 0) whole = true;
    for (const cyto8::Isa usable : cyto8::UsableIsas()) {
      if (cyto8::IsaName(usable) == argv[i]) isa = usable;
    }
  }
  cyto8::Run(isa, whole);
  return EXIT_SUCCESS;
}
