// SPDX-License-Identifier: Apache-2.0
// The loops of the probe, in assembly: a compiler could move or fold loops that
// read nothing, and would need an island for each; see vnni_probe.h.
#include "bench/vnni_probe.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <thread>
#include <vector>

#include "bench/measure.h"

namespace cyto8 {
namespace {

constexpr int64_t kIterations = 1'200'000;  // about 5 ms.
constexpr int kRuns = 3;

// 24 independent sums hide the latency of two units. What is in the registers
// does not matter; code for every CPU keeps nothing in the upper sixteen.
constexpr int64_t kVnniMacs = int64_t{24} * 64;  // per iteration.
void RunVnni(int64_t iterations) {
  asm volatile(
      "1:\n"
      ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n"
      "vpdpbusd %%zmm30, %%zmm31, %%zmm\\i\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      "vzeroupper\n"
      : "+r"(iterations)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
        "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

constexpr int64_t kAvx2Macs = int64_t{12} * 16;
void RunAvx2(int64_t iterations) {
  asm volatile(
      "1:\n"
      ".irp i,0,1,2,3,4,5,6,7,8,9,10,11\n"
      "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n"
      "vpaddd %%ymm13, %%ymm\\i, %%ymm\\i\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      "vzeroupper\n"
      : "+r"(iterations)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
        "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

bool HasVnni() {
  return __builtin_cpu_supports("avx512f") &&
         __builtin_cpu_supports("avx512vnni");
}

// Returns the multiply-adds it did.
int64_t RunOnce() {
  if (HasVnni()) {
    RunVnni(kIterations);
    return kIterations * kVnniMacs;
  }
  RunAvx2(kIterations);
  return kIterations * kAvx2Macs;
}

template <typename Function>
double MedianOf(const Function& measure) {
  double values[kRuns];
  std::generate(std::begin(values), std::end(values), measure);
  std::sort(std::begin(values), std::end(values));
  return values[kRuns / 2];
}

// The first two at most.
std::vector<int> UsableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE && cpus.size() < 2; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

void PinTo(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

// One run on each of these CPUs at once: from when all are there until the
// last is done.
double SecondsOn(const std::vector<int>& cpus) {
  std::atomic<size_t> missing = cpus.size();
  std::vector<double> start(cpus.size()), end(cpus.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < cpus.size(); ++i) {
      threads.emplace_back([&, i] {
        PinTo(cpus[i]);
        --missing;
        while (missing > 0) {
        }
        start[i] = Now();
        RunOnce();
        end[i] = Now();
      });
    }
  }
  return *std::max_element(end.begin(), end.end()) -
         *std::min_element(start.begin(), start.end());
}

}  // namespace

std::string_view ProbeInstruction() {
  if (HasVnni()) return "vpdpbusd zmm";
  return __builtin_cpu_supports("avx2") ? "vpmaddwd ymm" : "";
}

double VnniProbeMacsPerSecond() {
  return MedianOf([] {
    const double start = ThreadNow();
    const auto macs = static_cast<double>(RunOnce());
    return macs / (ThreadNow() - start);
  });
}

double SecondCoreGain() {
  const std::vector<int> cpus = UsableCpus();
  if (cpus.size() < 2) return 1;
  return MedianOf([&] {
    return 2 * SecondsOn({cpus[0]}) / SecondsOn({cpus[0], cpus[1]});
  });
}

}  // namespace cyto8
