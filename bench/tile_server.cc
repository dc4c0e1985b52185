// SPDX-License-Identifier: Apache-2.0
// The network as a contestant of bench/rivals: stays alive, and for each line
// "run N" on standard input puts the next N tiles through the network and
// prints the seconds a tile. Protocol: bench/rivals/README.md.
//
//   bench_tile_server MODEL TILES [THREADS]
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "bench/measure.h"
#include "bench/network_of.h"
#include "bench/timed_network.h"

namespace cyto8 {
namespace {

Status Serve(const std::string& model, const std::string& tiles, int threads) {
  CYTO8_ASSIGN_OR_RETURN(const Graph graph, NetworkOf(model));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<uint8_t> pixels, ReadTiles(tiles));
  std::vector<TimedNetwork> networks;
  for (int i = 0; i < threads; ++i) {
    CYTO8_ASSIGN_OR_RETURN(TimedNetwork network,
                           TimedNetwork::Create(graph, BestIsa(), pixels));
    networks.push_back(std::move(network));
  }
  tbb::task_arena arena(threads);
  std::string word;
  int64_t count = 0;
  while (std::cin >> word >> count && word == "run" && count > 0) {
    std::atomic<int64_t> left = count;
    std::atomic<bool> failed = false;
    const double start = Now();
    arena.execute([&] {
      tbb::parallel_for(
          0, threads,
          [&](int i) {
            while (left-- > 0) {
              if (!networks[static_cast<size_t>(i)].Run().ok()) {
                failed = true;
              }
            }
          },
          tbb::static_partitioner());
    });
    if (failed) return Internal("the network failed");
    std::printf("%.9f\n", (Now() - start) / static_cast<double>(count));
    std::fflush(stdout);
  }
  return OkStatus();
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "bench_tile_server MODEL TILES [THREADS]\n");
    return 2;
  }
  const cyto8::Status status =
      cyto8::Serve(argv[1], argv[2], argc > 3 ? std::atoi(argv[3]) : 1);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
