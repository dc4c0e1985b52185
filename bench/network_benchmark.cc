// SPDX-License-Identifier: Apache-2.0
// A whole network on one tile against the sum of oneDNN's own times for its
// convolutions, interleaved in one process on one thread, and where the rest of
// the time goes. Prints medians with their spread.
//
//   bench_network [CARD.yaml [ROUNDS [ISA]]]
//
// ISA: avx512, avx2 or plain, for our own kernels; the best if not given. A
// convolution of 0 ms in the network is part of the step of another.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/measure.h"
#include "bench/network_of.h"
#include "bench/network_yardstick.h"
#include "bench/timed_network.h"

extern "C" void omp_set_num_threads(int count);

namespace cyto8 {
namespace {

constexpr const char* kCard = "data/models/d2-cells.yaml";
constexpr int kRounds = 15;

// One kind of convolution and oneDNN's time for it.
struct Layer {
  ConvolutionKind kind;
  ConvYardstick yardstick;
  std::vector<double> seconds = {};  // of one, per round.
};

StatusOr<std::vector<Layer>> LayersOf(const Graph& graph,
                                      YardstickMemory& memory) {
  CYTO8_ASSIGN_OR_RETURN(const auto kinds, ConvolutionKindsOf(graph));
  for (const auto& kind : kinds) memory.MakeRoomFor(kind.shape);
  std::vector<Layer> layers;
  for (const auto& kind : kinds) {
    layers.push_back({kind, ConvYardstick(kind.shape, kind.depthwise,
                                          YardstickType::kF32, memory)});
  }
  return layers;
}

std::string KindOf(const std::string& label) {
  const size_t open = label.rfind('(');
  return open == std::string::npos ? label : label.substr(open);
}

void PrintProfile(const std::map<std::string, double>& medians,
                  const std::vector<Layer>& layers) {
  std::map<std::string, std::pair<double, int>> kinds;
  for (const auto& [label, seconds] : medians) {
    kinds[KindOf(label)].first += seconds;
    ++kinds[KindOf(label)].second;
  }
  std::printf("\nsteps by kind, ms (median of each step):\n");
  for (const auto& [kind, sum] : kinds) {
    std::printf("  %-24s %4d %9.3f\n", kind.c_str(), sum.second,
                1e3 * sum.first);
  }
  std::printf(
      "\nconvolutions, ms: in the network, oneDNN alone (each, of how many)\n");
  for (const Layer& layer : layers) {
    double network = 0;
    for (const std::string& label : layer.kind.labels) {
      const auto found = medians.find(label);
      if (found != medians.end()) network += found->second;
    }
    const double alone = SpreadOf(layer.seconds).median;
    std::printf("  %-44s %3d %8.3f %8.3f  %s\n", layer.kind.text.c_str(),
                static_cast<int>(layer.kind.labels.size()),
                1e3 * network / layer.kind.Count(), 1e3 * alone,
                layer.yardstick.implementation().c_str());
  }
}

double SumOf(std::vector<Layer>& layers) {
  double sum = 0;
  for (Layer& layer : layers) {
    layer.seconds.push_back(layer.yardstick.Seconds());
    sum += layer.seconds.back() * layer.kind.Count();
  }
  return sum;
}

Status Measure(const Graph& graph, int rounds, Isa isa) {
  YardstickMemory memory;
  CYTO8_ASSIGN_OR_RETURN(TimedNetwork ours, TimedNetwork::Create(graph, isa));
  CYTO8_ASSIGN_OR_RETURN(std::vector<Layer> layers, LayersOf(graph, memory));
  std::vector<double> network, sum, ratio;
  for (int i = 0; i < rounds; ++i) {
    CYTO8_ASSIGN_OR_RETURN(const double seconds, ours.Seconds());
    network.push_back(seconds);
    sum.push_back(SumOf(layers));
    ratio.push_back(network.back() / sum.back());
    CYTO8_RETURN_IF_ERROR(ours.RunSteps());
  }
  std::printf("%d rounds, one thread; median [quartiles]\n", rounds);
  std::printf("activation memory per request, MB  %8.1f\n",
              static_cast<double>(ours.scratch_bytes()) / 1e6);
  PrintSpread("network, ms", network, 1e3);
  PrintSpread("oneDNN's convolutions, ms", sum, 1e3);
  PrintSpread("ratio", ratio, 1);
  PrintProfile(ours.StepMedians(), layers);
  return OkStatus();
}

Status Run(const std::string& card, int rounds, const std::string& isa_name) {
  omp_set_num_threads(1);
  CYTO8_ASSIGN_OR_RETURN(const Graph graph, NetworkOf(card));
  for (const Isa isa : UsableIsas()) {
    if (IsaName(isa) == isa_name) return Measure(graph, rounds, isa);
  }
  return InvalidArgument("isa = " + isa_name + ": this CPU has none such");
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  const char* card = argc > 1 ? argv[1] : cyto8::kCard;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : cyto8::kRounds;
  const std::string isa =
      argc > 3 ? argv[3] : std::string(cyto8::IsaName(cyto8::BestIsa()));
  const cyto8::Status status = cyto8::Run(card, std::max(rounds, 1), isa);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
