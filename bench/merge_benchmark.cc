// SPDX-License-Identifier: Apache-2.0
// Merging against std::stable_sort of the same boxes, and the memory it takes
// over its input. The layouts are the two of SAHI's report of its slowness
// (pull request 1417): 33 337 boxes that overlap heavily, 33 336 that do not;
// and more of either. Runs take turns with the sort in one process, in the
// thread's own time; a ratio is that of neighbours, the table has medians and
// quartiles. Memory is counted where it is allocated, at its peak.
//
//   bench_merge [part of a name]    ("crowded/nms", "million", "ios", ...)
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "tiling/detection_merger.h"

namespace {

// Of this program's one thread.
size_t live_bytes = 0;
size_t peak_bytes = 0;

}  // namespace

void* operator new(size_t size) {
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  live_bytes += malloc_usable_size(memory);
  peak_bytes = std::max(peak_bytes, live_bytes);
  return memory;
}

void operator delete(void* memory) noexcept {
  live_bytes -= malloc_usable_size(memory);
  std::free(memory);
}

void operator delete(void* memory, size_t) noexcept { operator delete(memory); }

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
  int runs;
  Detections (*make)();
};

constexpr Layout kLayouts[] = {
    {"crowded", 15, [] { return MakeCrowded(33'337, 3000); }},
    {"very_crowded", 15, [] { return MakeCrowded(33'337, 300); }},
    {"scattered", 15, [] { return MakeScattered(33'336); }},
    {"million_crowded", 3, [] { return MakeCrowded(1'000'000, 16'430); }},
    {"million_scattered", 3, [] { return MakeScattered(1'000'000); }}};

struct Named {
  const char* name;
  MergeMethod method;
};

constexpr Named kMethods[] = {{"nms", MergeMethod::kNms},
                              {"voting", MergeMethod::kVoting},
                              {"wbf", MergeMethod::kWbf},
                              {"nmm", MergeMethod::kNmm},
                              {"greedy_nmm", MergeMethod::kGreedyNmm}};

double SecondsOf(const std::function<void()>& work) {
  const double start = ThreadNow();
  work();
  return ThreadNow() - start;
}

struct Measured {
  std::vector<double> seconds = {};
  std::vector<double> ratios = {};
  size_t bytes = 0;  // over the input, at the peak.
  size_t kept = 0;
};

void MeasureOnce(const Detections& boxes, const MergeOptions& options,
                 Measured& measured) {
  Detections sorted = boxes;
  const double sorting = SecondsOf(
      [&] { std::stable_sort(sorted.begin(), sorted.end(), DetectionBefore); });
  sorted = {};
  Detections merged = boxes;
  const size_t before = live_bytes;
  peak_bytes = live_bytes;
  measured.seconds.push_back(SecondsOf(
      [&] { merged = MergeDetections(std::move(merged), options).value(); }));
  measured.ratios.push_back(measured.seconds.back() / sorting);
  measured.bytes = std::max(measured.bytes, peak_bytes - before);
  measured.kept = merged.size();
}

void Compare(const std::string& name, const Layout& layout,
             const MergeOptions& options) {
  const Detections boxes = layout.make();
  Measured measured;
  for (int run = 0; run < layout.runs; ++run) {
    MeasureOnce(boxes, options, measured);
  }
  const Spread ratio = SpreadOf(measured.ratios);
  std::printf("%-32s %8zu %8.1f ms %6.2f [%.2f, %.2f] times %7.2f MiB\n",
              name.c_str(), measured.kept,
              1e3 * SpreadOf(measured.seconds).median, ratio.median, ratio.low,
              ratio.high, static_cast<double>(measured.bytes) / (1 << 20));
  std::fflush(stdout);
}

void CompareAll(const std::string& part) {
  std::printf("%-32s %8s %11s stable_sort, quartiles; over the input\n",
              "layout/method/metric", "kept", "time");
  for (const Layout& layout : kLayouts) {
    for (const Named& named : kMethods) {
      for (const MergeMetric metric : {MergeMetric::kIou, MergeMetric::kIos}) {
        const std::string name =
            std::string(layout.name) + "/" + named.name +
            (metric == MergeMetric::kIou ? "/iou" : "/ios");
        if (name.find(part) == std::string::npos) continue;
        Compare(name, layout, {.method = named.method, .metric = metric});
      }
    }
  }
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  cyto8::CompareAll(argc > 1 ? argv[1] : "");
  return EXIT_SUCCESS;
}
