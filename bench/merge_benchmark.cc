// SPDX-License-Identifier: Apache-2.0
// Time of MergeDetections on the two layouts of SAHI's report of its slowness
// (pull request 1417): 33 337 boxes that overlap heavily, 33 336 that do not.
//
//   bench_merge --benchmark_repetitions=10
#include <benchmark/benchmark.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tiling/detection_merger.h"

namespace cyto8 {
namespace {

using Detections = std::vector<Detection>;

double Uniform(std::mt19937& random, double low, double high) {
  return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
}

Detection MakeDetection(double x, double y, std::mt19937& random) {
  return {.box = {.x_min = x,
                  .y_min = y,
                  .x_max = x + Uniform(random, 20, 80),
                  .y_max = y + Uniform(random, 20, 80)},
          .score = static_cast<float>(Uniform(random, 0, 1)),
          .class_id = 1};
}

Detections MakeCrowded(int count, double field_px) {
  std::mt19937 random(1);
  Detections boxes;
  for (int i = 0; i < count; ++i) {
    const double x = Uniform(random, 0, field_px);
    boxes.push_back(MakeDetection(x, Uniform(random, 0, field_px), random));
  }
  return boxes;
}

// Each in a square of its own.
Detections MakeScattered(int count) {
  std::mt19937 random(2);
  const int columns = static_cast<int>(std::sqrt(count)) + 1;
  Detections boxes;
  for (int i = 0; i < count; ++i) {
    boxes.push_back(
        MakeDetection((i % columns) * 100, (i / columns) * 100, random));
  }
  return boxes;
}

struct Layout {
  const char* name;
  Detections (*make)();
};

constexpr Layout kLayouts[] = {
    {"crowded", [] { return MakeCrowded(33'337, 3000); }},
    {"very_crowded", [] { return MakeCrowded(33'337, 300); }},
    {"scattered", [] { return MakeScattered(33'336); }},
    {"scattered_million", [] { return MakeScattered(1'000'000); }}};

void Merge(benchmark::State& state, const Layout& layout,
           const MergeOptions& options) {
  const Detections boxes = layout.make();
  size_t kept = 0;
  for (auto _ : state) {
    const auto merged = MergeDetections(boxes, options);
    if (!merged.ok()) return state.SkipWithError("not merged");
    kept = merged->size();
  }
  state.counters["boxes"] = static_cast<double>(boxes.size());
  state.counters["kept"] = static_cast<double>(kept);
}

struct Named {
  const char* name;
  MergeMethod method;
};

constexpr Named kMethods[] = {{"nms", MergeMethod::kNms},
                              {"voting", MergeMethod::kVoting},
                              {"wbf", MergeMethod::kWbf},
                              {"nmm", MergeMethod::kNmm},
                              {"greedy_nmm", MergeMethod::kGreedyNmm}};

void Register(const Layout& layout, const Named& named, MergeMetric metric) {
  const std::string suffix = metric == MergeMetric::kIou ? "/iou" : "/ios";
  benchmark::RegisterBenchmark(
      (std::string(layout.name) + "/" + named.name + suffix).c_str(),
      [=](benchmark::State& state) {
        Merge(state, layout, {.method = named.method, .metric = metric});
      })
      ->Unit(benchmark::kMillisecond);
}

// benchmark_main has no other place for it.
[[maybe_unused]] const bool kRegistered = [] {
  for (const Layout& layout : kLayouts) {
    for (const Named& named : kMethods) {
      Register(layout, named, MergeMetric::kIou);
      Register(layout, named, MergeMetric::kIos);
    }
  }
  return true;
}();

}  // namespace
}  // namespace cyto8
