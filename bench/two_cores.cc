// SPDX-License-Identifier: Apache-2.0
// See two_cores.h.
#include "bench/two_cores.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "app/tbb_parallel_for.h"
#include "bench/measure.h"

namespace cyto8 {
namespace {

constexpr int kTiles = 8;  // of a measurement and thread.

// Seconds a tile of `count` runs.
template <typename Run>
StatusOr<double> SecondsATile(int count, const Run& run) {
  const double start = Now();
  for (int i = 0; i < count; ++i) CYTO8_RETURN_IF_ERROR(run());
  return (Now() - start) / count;
}

}  // namespace

StatusOr<TwoCores> TwoCores::Create(const Graph& graph, Isa isa) {
  std::vector<TimedNetwork> networks;
  for (int i = 0; i < 2; ++i) {
    CYTO8_ASSIGN_OR_RETURN(TimedNetwork network,
                           TimedNetwork::Create(graph, isa));
    networks.push_back(std::move(network));
  }
  return TwoCores(std::move(networks));
}

StatusOr<CoreGains> TwoCores::Measure() {
  CYTO8_ASSIGN_OR_RETURN(const double one, SecondsATile(kTiles, [&] {
                           return networks_[0].Run();
                         }));
  std::atomic<bool> failed = false;
  const auto work = [&](size_t i) {
    const auto run = [&] { return networks_[i].Run(); };
    if (!SecondsATile(kTiles, run).ok()) failed = true;
  };
  const double start = Now();
  std::thread other([&] { work(1); });
  work(0);
  other.join();
  const double two = (Now() - start) / (2 * kTiles);
  if (failed) return Internal("the network failed");
  TbbParallelFor executor(2);
  CYTO8_ASSIGN_OR_RETURN(const double shared, SecondsATile(kTiles, [&] {
                           return networks_[0].Run(executor);
                         }));
  return CoreGains{.throughput = one / two, .latency = one / shared};
}

}  // namespace cyto8
