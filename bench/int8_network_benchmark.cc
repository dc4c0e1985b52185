// SPDX-License-Identifier: Apache-2.0
// What an INT8 network has to beat: for each group of convolutions the sums of
// oneDNN's own times, INT8 and FP32, both with fused swish, and the rate of
// 8-bit multiply-adds that the core reaches without memory; and the network,
// if one is given. All interleaved in one process on one thread, in CPU time of
// that thread.
//
//   bench_int8_network [CARD.yaml] [--network CARD.yaml] [--rounds N]
//                      [--max-isa vnni|default]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/run_manifest.h"
#include "bench/measure.h"
#include "bench/network_of.h"
#include "bench/network_yardstick.h"
#include "bench/timed_network.h"
#include "bench/two_cores.h"
#include "bench/vnni_probe.h"

extern "C" void omp_set_num_threads(int count);

namespace cyto8 {
namespace {

struct Int8BenchOptions {
  std::string card = "data/models/d2-cells.yaml";
  std::string network;  // empty: none takes part.
  std::string tiles;    // raw network inputs; empty: a made-up one.
  std::string max_isa = "vnni";
  int rounds = 15;
};

// One kind of convolution and oneDNN's times for one such, per round.
struct Layer {
  ConvolutionKind kind;
  ConvYardstick int8;
  ConvYardstick f32;
  std::vector<double> int8_seconds = {};
  std::vector<double> f32_seconds = {};
};

StatusOr<std::vector<Layer>> LayersOf(const Graph& graph,
                                      YardstickMemory& memory) {
  CYTO8_ASSIGN_OR_RETURN(const auto kinds, ConvolutionKindsOf(graph));
  for (const auto& kind : kinds) memory.MakeRoomFor(kind.shape);
  std::vector<Layer> layers;
  for (const auto& kind : kinds) {
    const auto yardstick = [&](YardstickType type) {
      return ConvYardstick(kind.shape, kind.depthwise, type, memory);
    };
    layers.push_back({kind, yardstick(YardstickType::kInt8),
                      yardstick(YardstickType::kF32)});
  }
  return layers;
}

// 'node "x" (Op)' -> 'x': an operator has another kind in another network.
std::string NameOf(const std::string& label) {
  const size_t open = label.find('"');
  const size_t close = label.rfind('"');
  return open == close ? label : label.substr(open + 1, close - open - 1);
}

// Of our own kernels: as oneDNN, without AMX if that is asked for.
Isa IsaOf(const std::string& max_isa) {
  return max_isa == "vnni" ? std::min(BestIsa(), Isa::kAvx512Vbmi) : BestIsa();
}

// Whoever runs the network, or its convolutions.
struct Contestant {
  std::string name;
  std::map<std::string, double> seconds = {};  // median by node name.
  std::vector<double> rounds = {};             // seconds of the whole.
};

void Add(std::vector<Layer>& layers, Contestant& int8, Contestant& f32) {
  double int8_sum = 0, f32_sum = 0;
  for (Layer& layer : layers) {
    layer.int8_seconds.push_back(layer.int8.Seconds());
    layer.f32_seconds.push_back(layer.f32.Seconds());
    int8_sum += layer.int8_seconds.back() * layer.kind.Count();
    f32_sum += layer.f32_seconds.back() * layer.kind.Count();
  }
  int8.rounds.push_back(int8_sum);
  f32.rounds.push_back(f32_sum);
}

enum Group {
  kStem,
  kExpand,
  kBackboneDepthwise,
  kProject,
  kFusionPointwise,
  kFusionDepthwise,
  kHeadPointwise,
  kHeadDepthwise,
  kOther,
  kGroups
};

constexpr std::array<const char*, kGroups> kGroupNames = {
    "stem",           "expand",          "depthwise of the backbone",
    "project",        "BiFPN pointwise", "BiFPN depthwise",
    "head pointwise", "head depthwise",  "other steps"};

// The groups that a total is of.
struct Total {
  const char* name;
  std::vector<Group> groups;
};
const std::vector<Total>& Totals() {
  static const std::vector<Total> totals = {
      {"all 1x1", {kExpand, kProject, kFusionPointwise, kHeadPointwise}},
      {"all depthwise", {kBackboneDepthwise, kFusionDepthwise, kHeadDepthwise}},
      {"everything",
       {kStem, kExpand, kBackboneDepthwise, kProject, kFusionPointwise,
        kFusionDepthwise, kHeadPointwise, kHeadDepthwise, kOther}}};
  return totals;
}

Group GroupOf(const ConvolutionKind& kind, const std::string& name) {
  const auto has = [&name](const char* part) {
    return name.find(part) != std::string::npos;
  };
  if (has("/stem/")) return kStem;
  if (has("/blocks_")) {
    if (kind.depthwise) return kBackboneDepthwise;
    return kind.shape.activation == Activation::kNone ? kProject : kExpand;
  }
  if (has("class_net/") || has("box_net/")) {
    return kind.depthwise ? kHeadDepthwise : kHeadPointwise;
  }
  return kind.depthwise ? kFusionDepthwise : kFusionPointwise;
}

struct Row {
  int layers = 0;
  double macs = 0;
  std::vector<double> seconds;  // of each contestant.

  void operator+=(const Row& row) {
    layers += row.layers;
    macs += row.macs;
    for (size_t i = 0; i < seconds.size(); ++i) seconds[i] += row.seconds[i];
  }
};

std::array<Row, kGroups> RowsOf(const std::vector<Layer>& layers,
                                const std::vector<Contestant>& contestants) {
  std::array<Row, kGroups> rows;
  rows.fill({.seconds = std::vector<double>(contestants.size())});
  std::map<std::string, Group> groups;
  for (const Layer& layer : layers) {
    for (const std::string& label : layer.kind.labels) {
      const std::string name = NameOf(label);
      Row& row = rows[groups[name] = GroupOf(layer.kind, name)];
      ++row.layers;
      row.macs += layer.kind.Macs();
    }
  }
  for (size_t i = 0; i < contestants.size(); ++i) {
    for (const auto& [name, seconds] : contestants[i].seconds) {
      const auto found = groups.find(name);
      rows[found == groups.end() ? kOther : found->second].seconds[i] +=
          seconds;
    }
  }
  return rows;
}

// The ratio behind it is of the last two contestants.
void PrintRow(const char* name, const Row& row, double probe) {
  std::printf("%-26s%7d%8.3f", name, row.layers, row.macs / 1e9);
  for (const double seconds : row.seconds) {
    const double rate = seconds > 0 ? row.macs / seconds : 0;
    std::printf(" |%9.3f%7.1f%6.1f", 1e3 * seconds, rate / 1e9,
                100 * rate / probe);
  }
  const size_t last = row.seconds.size() - 1;
  if (row.layers > 0) {
    std::printf(" |%7.2f", row.seconds[last] / row.seconds[last - 1]);
  }
  std::printf("\n");
}

void PrintTable(const std::vector<Layer>& layers,
                const std::vector<Contestant>& contestants, double probe) {
  std::printf("\n%-41s", "");
  for (const Contestant& contestant : contestants) {
    std::printf(" | %-21s", contestant.name.c_str());
  }
  std::printf("\n%-26s%7s%8s", "sums of medians", "layers", "GMAC");
  for (size_t i = 0; i < contestants.size(); ++i) {
    std::printf(" |%9s%7s%6s", "ms", "GMAC/s", "%");
  }
  std::printf(" |%7s\n", "ratio");
  const auto rows = RowsOf(layers, contestants);
  for (size_t i = 0; i < rows.size(); ++i) {
    PrintRow(kGroupNames[i], rows[i], probe);
  }
  for (const Total& total : Totals()) {
    Row sum{.seconds = std::vector<double>(contestants.size())};
    for (const Group group : total.groups) sum += rows[group];
    PrintRow(total.name, sum, probe);
  }
}

void PrintLayers(const std::vector<Layer>& layers,
                 const std::vector<Contestant>& contestants) {
  std::printf("\nmean ms of one of each kind, of how many:");
  for (const Contestant& contestant : contestants) {
    std::printf(" %s,", contestant.name.c_str());
  }
  std::printf(" oneDNN's INT8 implementation\n");
  for (const Layer& layer : layers) {
    std::printf("  %-44s %3d", layer.kind.text.c_str(),
                static_cast<int>(layer.kind.labels.size()));
    for (const Contestant& contestant : contestants) {
      double sum = 0;
      for (const std::string& label : layer.kind.labels) {
        const auto found = contestant.seconds.find(NameOf(label));
        if (found != contestant.seconds.end()) sum += found->second;
      }
      std::printf(" %8.3f", 1e3 * sum / layer.kind.Count());
    }
    std::printf("  %s\n", layer.int8.implementation().c_str());
  }
}

void PrintRatio(const Contestant& a, const Contestant& b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < a.rounds.size(); ++i) {
    ratios.push_back(a.rounds[i] / b.rounds[i]);
  }
  PrintSpread((a.name + " / " + b.name).c_str(), ratios, 1);
}

void PrintRounds(const std::vector<Contestant>& contestants) {
  for (size_t i = 0; i < contestants.size(); ++i) {
    PrintSpread((contestants[i].name + ", ms").c_str(), contestants[i].rounds,
                1e3);
    for (size_t j = 0; j < i; ++j) PrintRatio(contestants[i], contestants[j]);
  }
}

// The contestants in the order of the table; the network last, if there is one.
class Race {
 public:
  Race(std::vector<Layer> layers, std::optional<TimedNetwork> network,
       std::optional<TwoCores> cores)
      : layers_(std::move(layers)),
        network_(std::move(network)),
        cores_(std::move(cores)) {}

  Status RunRound() {
    probe_.push_back(VnniProbeMacsPerSecond());
    Add(layers_, int8_, f32_);
    probe_.push_back(VnniProbeMacsPerSecond());
    gain_.push_back(SecondCoreGain());
    if (!network_) return OkStatus();
    CYTO8_ASSIGN_OR_RETURN(const double seconds, network_->Seconds());
    ours_.rounds.push_back(seconds);
    CYTO8_ASSIGN_OR_RETURN(const CoreGains gains, cores_->Measure());
    throughput_.push_back(gains.throughput / gain_.back());
    latency_.push_back(gains.latency / gain_.back());
    probe_.push_back(VnniProbeMacsPerSecond());
    return network_->RunSteps();
  }

  void Print() {
    const auto contestants = Contestants();
    PrintSpread("probe, GMAC/s", probe_, 1e-9);
    PrintSpread("gain of the second core", gain_, 1);
    if (network_) {
      PrintSpread("throughput gain / that gain", throughput_, 1);
      PrintSpread("latency gain / that gain", latency_, 1);
    }
    PrintRounds(contestants);
    PrintTable(layers_, contestants, SpreadOf(probe_).median);
    PrintLayers(layers_, contestants);
  }

 private:
  std::vector<Contestant> Contestants() {
    for (const Layer& layer : layers_) {
      for (const std::string& label : layer.kind.labels) {
        const std::string name = NameOf(label);
        int8_.seconds[name] = SpreadOf(layer.int8_seconds).median;
        f32_.seconds[name] = SpreadOf(layer.f32_seconds).median;
      }
    }
    if (!network_) return {f32_, int8_};
    for (const auto& [label, seconds] : network_->StepMedians()) {
      ours_.seconds[NameOf(label)] = seconds;
    }
    // A convolution whose result is part of a sum goes by the sum's name.
    for (const Layer& layer : layers_) {
      for (size_t i = 0; i < layer.kind.labels.size(); ++i) {
        const std::string name = NameOf(layer.kind.labels[i]);
        auto sum = ours_.seconds.extract(layer.kind.results[i]);
        if (sum.empty() || ours_.seconds.contains(name)) continue;
        sum.key() = name;
        ours_.seconds.insert(std::move(sum));
      }
    }
    return {f32_, int8_, ours_};
  }

  std::vector<Layer> layers_;
  std::optional<TimedNetwork> network_;
  Contestant int8_{.name = "oneDNN INT8"};
  Contestant f32_{.name = "oneDNN FP32"};
  Contestant ours_{.name = "network"};
  std::optional<TwoCores> cores_;  // there if network_ is.
  std::vector<double> probe_, gain_, throughput_, latency_;
};

Status Run(const Int8BenchOptions& options) {
  omp_set_num_threads(1);
  if (options.max_isa == "vnni" && !ForbidAmx()) {
    return Internal("oneDNN takes no limit of its instruction set");
  }
  if (ProbeInstruction().empty()) {
    return Unimplemented("the probe needs AVX2");
  }
  CYTO8_ASSIGN_OR_RETURN(const Graph graph, NetworkOf(options.card));
  std::optional<TimedNetwork> network;
  std::optional<TwoCores> cores;
  if (!options.network.empty()) {
    CYTO8_ASSIGN_OR_RETURN(const Graph ours, NetworkOf(options.network));
    CYTO8_ASSIGN_OR_RETURN(std::vector<uint8_t> tiles,
                           ReadTiles(options.tiles));
    CYTO8_ASSIGN_OR_RETURN(
        network,
        TimedNetwork::Create(ours, IsaOf(options.max_isa), std::move(tiles)));
    CYTO8_ASSIGN_OR_RETURN(cores,
                           TwoCores::Create(ours, IsaOf(options.max_isa)));
  }
  YardstickMemory memory;
  CYTO8_ASSIGN_OR_RETURN(auto layers, LayersOf(graph, memory));
  Race race(std::move(layers), std::move(network), std::move(cores));
  for (int i = 0; i < options.rounds; ++i) {
    CYTO8_RETURN_IF_ERROR(race.RunRound());
  }
  std::printf("%s; oneDNN %s; probe: %s\n", CpuModel().c_str(),
              OneDnnText().c_str(), std::string(ProbeInstruction()).c_str());
  std::printf("%d rounds, one thread; median [quartiles]\n", options.rounds);
  race.Print();
  return OkStatus();
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  cyto8::Int8BenchOptions options;
  CLI::App app("Measures what an INT8 network has to beat");
  app.add_option("card", options.card, "FP32 model")->capture_default_str();
  app.add_option("--network", options.network, "model that takes part");
  app.add_option("--tiles", options.tiles, "file of raw network inputs");
  app.add_option("--max-isa", options.max_isa,
                 "of oneDNN and of us: vnni means no AMX")
      ->check(CLI::IsMember({"vnni", "default"}))
      ->capture_default_str();
  app.add_option("--rounds", options.rounds)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const cyto8::Status status = cyto8::Run(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
