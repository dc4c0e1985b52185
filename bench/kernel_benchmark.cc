// SPDX-License-Identifier: Apache-2.0
// The hot kernels on shapes of EfficientDet-D2, for every instruction set that
// the machine has (rates are of outputs), and each pass on the bundled model.
//
//   bench_kernels [--benchmark_filter=depthwise] [--benchmark_repetitions=10]
#include <benchmark/benchmark.h>

#include <cstdio>
#include <string>
#include <vector>

#include "bench/pass_benchmark.h"
#include "detector/kernels/activation_f32.h"
#include "detector/kernels/depthwise_conv2d_f32.h"
#include "detector/kernels/feature_fusion_f32.h"
#include "detector/kernels/normalize_u8_f32.h"
#include "detector/kernels/onednn_adapter.h"
#include "detector/kernels/squeeze_excite_f32.h"

namespace cyto8 {
namespace {

std::vector<float> Numbers(int64_t count) {
  std::vector<float> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = static_cast<float>(static_cast<int>(i % 17) - 8) / 32;
  }
  return numbers;
}

void CountOutputs(benchmark::State& state, int64_t per_iteration) {
  state.SetItemsProcessed(state.iterations() * per_iteration);
}

// A square map, SAME padding, stride 1 or 2.
struct Layer {
  int64_t side;
  int64_t channels;
  int64_t kernel;
  int64_t stride;
  int64_t out_channels = 0;

  Conv2dShape Shape() const {
    const int64_t out = (side + stride - 1) / stride;
    const int64_t total = (out - 1) * stride + kernel - side;
    const int64_t pad = total > 0 ? total / 2 : 0;
    return {.in_height = side,
            .in_width = side,
            .in_channels = channels,
            .out_height = out,
            .out_width = out,
            .out_channels = out_channels == 0 ? channels : out_channels,
            .kernel_height = kernel,
            .kernel_width = kernel,
            .stride_y = stride,
            .stride_x = stride,
            .pad_top = pad,
            .pad_left = pad,
            .activation = Activation::kSwish};
  }
  std::string Text() const {
    return std::to_string(side) + "px_" + std::to_string(channels) + "ch_" +
           std::to_string(kernel) + "x" + std::to_string(kernel) + "_s" +
           std::to_string(stride);
  }
};

constexpr Layer kDepthwise[] = {
    {384, 32, 3, 1}, {384, 96, 3, 2},  {192, 144, 3, 1}, {96, 288, 5, 1},
    {48, 528, 3, 1}, {24, 1248, 5, 1}, {24, 1248, 3, 1}, {96, 112, 3, 1}};

void Depthwise(benchmark::State& state, Isa isa, const Layer& layer,
               Activation activation) {
  Conv2dShape shape = layer.Shape();
  shape.activation = activation;
  const auto src = Numbers(layer.side * layer.side * layer.channels);
  const auto wei = Numbers(layer.kernel * layer.kernel * layer.channels);
  const auto bias = Numbers(layer.channels);
  std::vector<float> dst(src.size());
  const DepthwiseRowsKernel kernel = FastDepthwise(isa, shape);
  const DepthwiseRows rows =
      AllDepthwiseRows(shape, src.data(), wei.data(), bias.data(), dst.data());
  for (auto _ : state) {
    kernel(rows);
    benchmark::ClobberMemory();
  }
  CountOutputs(state, shape.out_height * shape.out_width * layer.channels);
}

void Activate(benchmark::State& state, Isa isa, Activation activation) {
  const auto src = Numbers(10'000);
  std::vector<float> dst(src.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(ActivateF32(isa, activation, src, dst));
    benchmark::ClobberMemory();
  }
  CountOutputs(state, std::ssize(src));
}

// A node on level 4 of the BiFPN: same size, up-sampled, pooled.
void Fusion(benchmark::State& state, Isa isa) {
  const FeatureFusionShape shape = {
      .height = 48,
      .width = 48,
      .channels = 112,
      .activation = Activation::kSwish,
      .sources = {{},
                  {.factor_y = 2, .factor_x = 2},
                  {.pool = PoolShape{.in_height = 96,
                                     .in_width = 96,
                                     .channels = 112,
                                     .out_height = 48,
                                     .out_width = 48,
                                     .kernel_height = 3,
                                     .kernel_width = 3,
                                     .stride_y = 2,
                                     .stride_x = 2}}}};
  const auto same = Numbers(48 * 48 * 112), half = Numbers(24 * 24 * 112);
  const auto twice = Numbers(96 * 96 * 112), weights = Numbers(3 * 112);
  const std::vector<std::span<const float>> sources = {same, half, twice};
  std::vector<float> scratch(static_cast<size_t>(FeatureFusionScratch(shape)));
  std::vector<float> dst(same.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        FeatureFusionF32(isa, shape, weights, sources, scratch, dst));
    benchmark::ClobberMemory();
  }
  CountOutputs(state, std::ssize(dst));
}

void Normalize(benchmark::State& state, Isa isa) {
  const std::vector<uint8_t> src(768 * 768 * 3, 77);
  std::vector<float> dst(src.size());
  const NormalizeParameters parameters = {.mean = {123.675f, 116.28f, 103.53f},
                                          .deviation = {58.4f, 57.1f, 57.4f}};
  for (auto _ : state) {
    benchmark::DoNotOptimize(NormalizeU8F32(isa, parameters, src, dst));
    benchmark::ClobberMemory();
  }
  CountOutputs(state, std::ssize(src));
}

void SqueezeExcite(benchmark::State& state, Isa isa) {
  const SqueezeExciteShape shape = {
      .pixels = 24 * 24, .channels = 1248, .reduced = 52};
  const auto src = Numbers(shape.pixels * shape.channels);
  const auto wei = Numbers(shape.channels * shape.reduced);
  const auto bias = Numbers(shape.channels);
  const SqueezeExciteWeights weights = {
      .reduce_wei = wei,
      .reduce_bias = std::span(bias).first(static_cast<size_t>(shape.reduced)),
      .expand_wei = wei,
      .expand_bias = bias};
  std::vector<float> scratch(static_cast<size_t>(SqueezeExciteScratch(shape)));
  std::vector<float> dst(src.size());
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        SqueezeExciteF32(isa, shape, src, weights, scratch, dst));
    benchmark::ClobberMemory();
  }
  CountOutputs(state, std::ssize(src));
}

// By oneDNN, on one thread.
void Pointwise(benchmark::State& state, const Layer& layer,
               Activation activation) {
  Conv2dShape shape = layer.Shape();
  shape.activation = activation;
  const auto src = Numbers(layer.side * layer.side * layer.channels);
  std::vector<float> dst(
      static_cast<size_t>(layer.side * layer.side * layer.out_channels));
  const auto primitive = OneDnnPrimitive::Conv2d(
      shape, Numbers(layer.channels * layer.out_channels),
      Numbers(layer.out_channels));
  if (!primitive.ok()) {
    state.SkipWithError(primitive.status().message().c_str());
    return;
  }
  std::vector<std::byte> scratch(
      static_cast<size_t>((*primitive)->scratch_bytes()));
  auto call =
      OneDnnCall::Create(**primitive, src.data(), dst.data(), scratch.data());
  for (auto _ : state) benchmark::DoNotOptimize(call->Run());
  CountOutputs(state, std::ssize(dst));
}

void Register() {
  for (const Isa isa : UsableIsas()) {
    const std::string name(IsaName(isa));
    benchmark::RegisterBenchmark(("normalize/" + name).c_str(), Normalize, isa);
    benchmark::RegisterBenchmark(("squeeze_excite/" + name).c_str(),
                                 SqueezeExcite, isa);
    benchmark::RegisterBenchmark(("swish/" + name).c_str(), Activate, isa,
                                 Activation::kSwish);
    if (isa == Isa::kPlain) continue;
    benchmark::RegisterBenchmark(("fusion/" + name).c_str(), Fusion, isa);
    for (const Layer& layer : kDepthwise) {
      for (const Activation activation :
           {Activation::kNone, Activation::kSwish}) {
        benchmark::RegisterBenchmark(
            ("depthwise/" + layer.Text() + "/" +
             std::string(ActivationName(activation)) + "/" + name)
                .c_str(),
            Depthwise, isa, layer, activation);
      }
    }
  }
  for (const Activation activation : {Activation::kNone, Activation::kSwish}) {
    for (const Layer& layer :
         {Layer{192, 24, 1, 1, 144}, Layer{48, 88, 1, 1, 528},
          Layer{24, 208, 1, 1, 1248}}) {
      benchmark::RegisterBenchmark(
          ("pointwise/" + layer.Text() + "/" +
           std::string(ActivationName(activation)) + "/onednn")
              .c_str(),
          Pointwise, layer, activation);
    }
  }
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  cyto8::Register();
  const cyto8::Status status = cyto8::RegisterPassBenchmarks();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
