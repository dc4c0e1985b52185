// SPDX-License-Identifier: Apache-2.0
// What EfficientDet-D2's small INT8 operators cost for one image of 768 px, all
// of one kind in turn, so that weights come from where they come from in a
// network: the nodes of the BiFPN, the gates of squeeze-and-excitation, the
// weights behind the gates. Prints a table; the clock beside it is that of a
// chain of additions, run in between.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "detector/kernels/feature_fusion_u8.h"
#include "detector/kernels/pointwise_order.h"
#include "detector/kernels/requantization.h"
#include "detector/kernels/squeeze_excite_gate.h"

namespace cyto8 {
namespace {

constexpr int kRuns = 200;

double Milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::milli> time =
      std::chrono::steady_clock::now() - start;
  return time.count();
}

// Additions that wait for each other: one a cycle.
double GigahertzNow() {
  constexpr int kAdditions = 200000;
  const double milliseconds = Milliseconds([] {
    uint64_t x = 1;
    for (int i = 0; i < kAdditions; ++i) asm volatile("add $1, %0" : "+r"(x));
  });
  return kAdditions / milliseconds * 1e-6;
}

void Measure(const std::string& name, const std::function<void()>& work) {
  std::vector<double> times;
  double gigahertz = 0;
  for (int run = 0; run < kRuns; ++run) {
    times.push_back(Milliseconds(work));
    gigahertz = std::max(gigahertz, GigahertzNow());
  }
  std::ranges::sort(times);
  std::printf("%-28s %8.3f %8.3f %8.2f %8.2f\n", name.c_str(), times.front(),
              times[kRuns / 2], gigahertz, times.front() * gigahertz);
}

// --- BiFPN: 5 cells of 8 nodes over levels of 96, 48, 24, 12 and 6 px ---

constexpr int64_t kChannels = 112;
constexpr int kLevels = 5;
constexpr int kCells = 5;
using Codes = std::vector<uint8_t>;

struct FusionNode {
  FeatureFusionU8 fusion;
  std::vector<const uint8_t*> src;
  uint8_t* dst;
};

class Bifpn {
 public:
  Bifpn()
      : table_(MakeEvenTable(Activation::kSwish, {.scale = 0.05f}, 4,
                             /*max_error_codes=*/nullptr)) {
    for (int level = 0; level < kLevels; ++level) {
      const int64_t side = SideOf(level);
      for (auto* maps : {&input_, &between_, &output_}) {
        maps->emplace_back(side * side * kChannels, uint8_t{100});
      }
    }
    for (int level = kLevels - 2; level >= 0; --level) AddTopDown(level);
    for (int level = 1; level < kLevels; ++level) AddBottomUp(level);
    scratch_.resize(static_cast<size_t>(SideOf(0) * kChannels));
  }

  void Run(Isa isa) {
    for (int cell = 0; cell < kCells; ++cell) {
      for (const FusionNode& node : nodes_) {
        FeatureFusionU8Rows(isa, node.fusion, node.src, 0,
                            node.fusion.shape.height, scratch_.data(),
                            node.dst);
      }
    }
  }

 private:
  static int64_t SideOf(int level) { return 96 >> level; }

  void Add(int level, std::vector<FusionSource> sources,
           std::vector<const uint8_t*> src, uint8_t* dst) {
    const int64_t side = SideOf(level);
    const auto values = static_cast<size_t>(kChannels);
    nodes_.push_back({.fusion = {.shape = {.height = side,
                                           .width = side,
                                           .channels = kChannels,
                                           .sources = std::move(sources)},
                                 .start = std::vector<int16_t>(values, -3000),
                                 .multiplier = std::vector<int16_t>(
                                     src.size() * values, 9000),
                                 .requantization = {.fraction_bits = 4,
                                                    .table = table_.get()}},
                      .src = std::move(src),
                      .dst = dst});
  }
  void AddTopDown(int level) {
    const auto at = static_cast<size_t>(level);
    uint8_t* const dst = level == 0 ? output_[at].data() : between_[at].data();
    const Codes& above =
        level == kLevels - 2 ? input_[at + 1] : between_[at + 1];
    Add(level, {{}, {.factor_y = 2, .factor_x = 2}},
        {input_[at].data(), above.data()}, dst);
  }
  void AddBottomUp(int level) {
    const auto at = static_cast<size_t>(level);
    std::vector<FusionSource> sources = {{}};
    std::vector<const uint8_t*> src = {input_[at].data()};
    if (level < kLevels - 1) {
      sources.emplace_back();
      src.push_back(between_[at].data());
    }
    sources.push_back({.pool = PoolShape{.in_height = SideOf(level - 1),
                                         .in_width = SideOf(level - 1),
                                         .channels = kChannels,
                                         .out_height = SideOf(level),
                                         .out_width = SideOf(level),
                                         .kernel_height = 3,
                                         .kernel_width = 3,
                                         .stride_y = 2,
                                         .stride_x = 2}});
    src.push_back(output_[at - 1].data());
    Add(level, std::move(sources), std::move(src), output_[at].data());
  }

  std::shared_ptr<const EvenTable> table_;
  std::vector<Codes> input_, between_, output_;
  std::vector<FusionNode> nodes_;
  Codes scratch_;
};

// --- squeeze-and-excitation: the 23 blocks of EfficientNet-B2 ---

struct Block {
  int64_t channels;
  int64_t reduced;
  int64_t out;
};

std::vector<Block> BlocksOfB2() {
  struct Stage {
    int blocks;
    int64_t expansion;
    int64_t out;
  };
  std::vector<Block> blocks;
  int64_t in = 32;
  for (const Stage& stage :
       {Stage{2, 1, 16}, Stage{3, 6, 24}, Stage{3, 6, 48}, Stage{4, 6, 88},
        Stage{4, 6, 120}, Stage{5, 6, 208}, Stage{2, 6, 352}}) {
    for (int i = 0; i < stage.blocks; ++i) {
      blocks.push_back({in * stage.expansion, in / 4, stage.out});
      in = stage.out;
    }
  }
  return blocks;
}

int64_t PackedOutputsOf(int64_t outputs) {
  int64_t packed = 0;
  while (packed < outputs) packed += PointwiseBlock(outputs - packed);
  return packed;
}

class GateBlock {
 public:
  explicit GateBlock(const Block& block)
      : shape_{.pixels = 576,
               .channels = block.channels,
               .reduced = block.reduced},
        out_(block.out) {
    const auto size = [](int64_t count) { return static_cast<size_t>(count); };
    const int64_t packed = PackedOutputsOf(out_);
    const int64_t wei = packed * ((block.channels + 3) / 4 * 4);
    sums_.assign(size(block.channels), 60000);
    for (auto* layer : {&reduce_, &expand_}) {
      *layer = Values(block.channels * block.reduced, 0.1f);
    }
    bias_ = Values(std::max(block.channels, block.out), 1);
    scale_.assign(size(out_), 1e-5f);
    gate_.resize(size(block.channels));
    scratch_.resize(size(block.channels + block.reduced));
    for (const float x : Values(wei, 32767)) {
      wei16_.push_back(static_cast<int16_t>(x));
    }
    wei_.resize(size(wei));
    factor_bias_.resize(size(packed));
    shift_.resize(size(packed));
    multiplier_.resize(size(packed));
  }

  void MakeGate() {
    const auto first = [&](int64_t count) {
      return std::span(bias_).first(static_cast<size_t>(count));
    };
    SqueezeExciteGateExact(shape_, sums_, {.zero_point = 100, .scale = 0.02f},
                           {.reduce_wei = reduce_,
                            .reduce_bias = first(shape_.reduced),
                            .expand_wei = expand_,
                            .expand_bias = first(shape_.channels)},
                           scratch_, gate_);
  }
  void MakeWeights(Isa isa) {
    const GatedLayer layer = {.in_channels = shape_.channels,
                              .out_channels = out_,
                              .wei16 = wei16_.data(),
                              .wei_scale = scale_,
                              .bias = bias_,
                              .src_scale = 0.02f,
                              .src_zero_point = 10,
                              .dst_scale = 0.1f,
                              .dst_zero_point = 100,
                              .requantization = {.fraction_bits = 5}};
    MakeGatedWeights(isa, layer, gate_,
                     std::as_writable_bytes(std::span(scratch_)).data(),
                     {.wei = wei_.data(),
                      .bias = factor_bias_.data(),
                      .shift = shift_.data(),
                      .multiplier = multiplier_.data()});
  }

 private:
  static std::vector<float> Values(int64_t count, float limit) {
    std::minstd_rand generator(1);
    std::uniform_real_distribution<float> distribution(-limit, limit);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& x : values) x = distribution(generator);
    return values;
  }

  SqueezeExciteShape shape_;
  int64_t out_;
  std::vector<uint32_t> sums_;
  std::vector<float> reduce_, expand_, bias_, scale_, gate_, scratch_;
  std::vector<int16_t> wei16_, multiplier_;
  std::vector<int8_t> wei_;
  std::vector<int32_t> factor_bias_, shift_;
};

void MeasureAll() {
  std::printf("%-28s %8s %8s %8s %8s\n", "one image of D2", "min ms", "median",
              "GHz", "Mcycles");
  Bifpn bifpn;
  std::vector<GateBlock> blocks;
  for (const Block& block : BlocksOfB2()) blocks.emplace_back(block);
  Measure("gates", [&] {
    for (GateBlock& block : blocks) block.MakeGate();
  });
  for (const Isa isa : UsableIsas()) {
    if (isa == Isa::kPlain) continue;
    const std::string name(IsaName(isa));
    Measure("BiFPN nodes, " + name, [&] { bifpn.Run(isa); });
    Measure("gated weights, " + name, [&] {
      for (GateBlock& block : blocks) block.MakeWeights(isa);
    });
  }
}

}  // namespace
}  // namespace cyto8

int main() {
  cyto8::MeasureAll();
  return 0;
}
