// SPDX-License-Identifier: Apache-2.0
// What a network gains from a second core under either schedule. Used by
// bench/int8_network_benchmark.cc.
#pragma once

#include <memory>

#include "base/status.h"
#include "bench/timed_network.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Tiles a second on two threads over those on one, by the clock on the wall.
struct CoreGains {
  double throughput = 0;  // a tile on each thread.
  double latency = 0;     // one tile on both.
};

class TwoCores {
 public:
  static StatusOr<TwoCores> Create(const Graph& graph, Isa isa);
  StatusOr<CoreGains> Measure();

 private:
  explicit TwoCores(std::vector<TimedNetwork> networks)
      : networks_(std::move(networks)) {}
  std::vector<TimedNetwork> networks_;  // one per thread.
};

}  // namespace cyto8
