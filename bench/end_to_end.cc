// SPDX-License-Identifier: Apache-2.0
// The whole program against the network alone, in one table: rate, share of the
// network's rate, processor time beyond the network, scaling over processes,
// stages, peak memory and AP. Starts `cyto8 score` as a user would, cold, with
// everything that it writes; the network's rate and processor time are taken
// just before and just after. docs/benchmarks.md tells how to read it.
//
//   bench_end_to_end --cyto8 build/release/app/cyto8 --model CARD
//       --images FOLDER --mpp-from FILE --gt FILE --threads 2 --rounds 10
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/load_model.h"
#include "app/run_manifest.h"
#include "base/file_system.h"
#include "base/parallel_for.h"
#include "detector/efficientdet/detector.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct BenchOptions {
  std::string cyto8;
  std::string model;
  std::string images;
  std::string mpp_from;
  std::string ground_truth;
  std::vector<std::string> flags;  // of `cyto8 score`, as they are.
  int64_t threads = 2;
  int64_t rounds = 10;
  double network_seconds = 5;
};

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half]
                                : (values[half - 1] + values[half]) / 2;
}

std::string MedianAndSpread(const std::vector<double>& values, int decimals) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.{}f} ({:.{}f} - {:.{}f})", Median(values), decimals,
                     *low, decimals, *high, decimals);
}

double SecondsOf(const timeval& time) {
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_usec) / 1e6;
}

// User and system time.
double CpuSecondsOf(const rusage& usage) {
  return SecondsOf(usage.ru_utime) + SecondsOf(usage.ru_stime);
}

// Of this process so far.
double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return CpuSecondsOf(usage);
}

// A process that was waited for.
struct Finished {
  double seconds = 0;
  double cpu_seconds = 0;
  int64_t peak_bytes = 0;
  int exit_status = -1;
};

pid_t Start(const std::vector<std::string>& words) {
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    fmt::print(stderr, "{}: cannot be started\n", words[0]);
    std::exit(1);
  }
  return child;
}

Finished Wait(pid_t child, Clock::time_point start) {
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  return {.seconds = Since(start),
          .cpu_seconds = CpuSecondsOf(usage),
          .peak_bytes = usage.ru_maxrss * 1024,
          .exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

void Demand(const Finished& finished, const std::string& what) {
  if (finished.exit_status == 0) return;
  fmt::print(stderr, "{} ended with {}\n", what, finished.exit_status);
  std::exit(1);
}

struct NetworkCost {
  double tiles_a_second = 0;
  double cpu_seconds = 0;  // of a tile.
};

NetworkCost Mean(const NetworkCost& a, const NetworkCost& b) {
  return {.tiles_a_second = (a.tiles_a_second + b.tiles_a_second) / 2,
          .cpu_seconds = (a.cpu_seconds + b.cpu_seconds) / 2};
}

// The network alone: one session a thread, the same tile again and again.
NetworkCost CostOfNetwork(const LoadedModel& model,
                          const BenchOptions& options) {
  const Detector& detector = *model.detector;
  const Image tile =
      Image::Create(detector.tile_width_px(), detector.tile_height_px())
          .value();
  std::vector<DetectorSession> sessions;
  SerialFor serial;
  for (int64_t i = 0; i < options.threads; ++i) {
    sessions.push_back(DetectorSession::Create(model.detector).value());
    if (!sessions.back().Infer(tile.view(), serial).ok()) std::exit(1);
  }
  std::atomic<int64_t> tiles = 0;
  const double cpu_before = CpuSeconds();
  const Clock::time_point start = Clock::now();
  std::vector<std::thread> threads;
  for (DetectorSession& session : sessions) {
    threads.emplace_back([&] {
      while (Since(start) < options.network_seconds) {
        if (!session.Infer(tile.view(), serial).ok()) std::exit(1);
        ++tiles;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto count = static_cast<double>(tiles);
  return {.tiles_a_second = count / Since(start),
          .cpu_seconds = (CpuSeconds() - cpu_before) / count};
}

std::vector<std::string> ImagePaths(const std::string& folder) {
  std::vector<std::string> paths;
  const std::set<std::string> extensions = {".jpg",  ".jpeg", ".png", ".tif",
                                            ".tiff", ".svs",  ".kfb"};
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!extensions.contains(entry.path().extension().string())) continue;
    paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> ScoreWords(const BenchOptions& options,
                                    const std::vector<std::string>& images,
                                    int64_t threads, const std::string& out) {
  std::vector<std::string> words = {options.cyto8, "score"};
  words.insert(words.end(), images.begin(), images.end());
  const std::vector<std::string> rest = {
      "--model",       options.model, "--threads", std::to_string(threads),
      "--no-overlays", "--quiet",     "--output",  out};
  words.insert(words.end(), rest.begin(), rest.end());
  if (!options.mpp_from.empty()) {
    words.insert(words.end(), {"--mpp-from", options.mpp_from});
  }
  words.insert(words.end(), options.flags.begin(), options.flags.end());
  return words;
}

nlohmann::json ReadJson(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

// That went through the network.
int64_t TilesOf(const nlohmann::json& run) {
  int64_t tiles = 0;
  for (const auto& image : run["images"]) {
    tiles += image["tiles_scored"].get<int64_t>();
  }
  return tiles;
}

// What one round measured.
struct Round {
  NetworkCost network = {};  // mean of before and after.
  Finished score = {};
  double processes_rate = 0;  // of as many single-thread processes; 0: too few
                              // images for them.
  int64_t tiles = 0;

  double CpuPerTile() const {
    return score.cpu_seconds / static_cast<double>(tiles);
  }
};

// One single-thread process a thread, each with its share of the images; 0 if
// there are fewer images than threads.
double RateOfProcesses(const BenchOptions& options,
                       const std::vector<std::string>& images,
                       const fs::path& folder) {
  if (std::ssize(images) < options.threads) return 0;
  std::vector<std::vector<std::string>> shares(
      static_cast<size_t>(options.threads));
  for (size_t i = 0; i < images.size(); ++i) {
    shares[i % shares.size()].push_back(images[i]);
  }
  const Clock::time_point start = Clock::now();
  std::vector<pid_t> children;
  for (size_t i = 0; i < shares.size(); ++i) {
    children.push_back(
        Start(ScoreWords(options, shares[i], /*threads=*/1,
                         (folder / ("share" + std::to_string(i))).string())));
  }
  for (const pid_t child : children) Demand(Wait(child, start), "a process");
  const double seconds = Since(start);
  int64_t tiles = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    tiles += TilesOf(ReadJson(
        (folder / ("share" + std::to_string(i)) / "run.json").string()));
  }
  return static_cast<double>(tiles) / seconds;
}

Round MeasureRound(const BenchOptions& options, const LoadedModel& model,
                   const std::vector<std::string>& images,
                   const fs::path& folder) {
  Round round;
  const std::string out = (folder / "out").string();
  fs::remove_all(folder);
  fs::create_directories(folder);
  const NetworkCost before = CostOfNetwork(model, options);
  const Clock::time_point start = Clock::now();
  round.score =
      Wait(Start(ScoreWords(options, images, options.threads, out)), start);
  Demand(round.score, "cyto8 score");
  round.network = Mean(before, CostOfNetwork(model, options));
  round.tiles = TilesOf(ReadJson(out + "/run.json"));
  round.processes_rate = RateOfProcesses(options, images, folder);
  return round;
}

void PrintStages(const nlohmann::json& run) {
  std::map<std::string, double> stages;
  double total = 0;
  for (const auto& image : run["images"]) {
    for (const auto& [stage, seconds] : image["seconds"].items()) {
      stages[stage] += seconds.get<double>();
      total += seconds.get<double>();
    }
  }
  fmt::print("| stages, share of the work |");
  for (const char* stage :
       {"read", "decode", "resample", "infer", "boxes", "merge", "write"}) {
    fmt::print(" {} {:.1f} %{}", stage, 100 * stages[stage] / total,
               std::string(stage) == "write" ? " |\n" : ",");
  }
}

void PrintAccuracy(const BenchOptions& options, const fs::path& folder) {
  if (options.ground_truth.empty()) return;
  const std::string json = (folder / "eval.json").string();
  Demand(Wait(Start({options.cyto8, "eval", "--gt", options.ground_truth,
                     "--pred", (folder / "out").string(), "--json", json}),
              Clock::now()),
         "cyto8 eval");
  const nlohmann::json eval = ReadJson(json);
  fmt::print("| AP50 |");
  for (const auto& group : eval["groups"]) {
    fmt::print(" {} {:.3f}", group["name"].get<std::string>(),
               group["AP_by_level"]["AP50"].get<double>());
  }
  fmt::print(" |\n");
}

void PrintTable(const BenchOptions& options, const std::vector<Round>& rounds,
                size_t images, const fs::path& folder) {
  std::vector<double> network, score, share, scaling, peak, cpu, beyond;
  for (const Round& round : rounds) {
    const double rate = static_cast<double>(round.tiles) / round.score.seconds;
    network.push_back(round.network.tiles_a_second);
    score.push_back(rate);
    share.push_back(100 * rate / round.network.tiles_a_second);
    cpu.push_back(1e3 * round.network.cpu_seconds);
    beyond.push_back(1e3 * (round.CpuPerTile() - round.network.cpu_seconds));
    if (round.processes_rate > 0) {
      scaling.push_back(100 * rate / round.processes_rate);
    }
    peak.push_back(static_cast<double>(round.score.peak_bytes) / (1 << 20));
  }
  fmt::print("{}; {} images, {} tiles, {} threads, {} rounds; median (range)\n",
             CpuModel(), images, rounds[0].tiles, options.threads,
             rounds.size());
  fmt::print("| | |\n|---|---|\n");
  fmt::print("| network alone, tiles/s | {} |\n", MedianAndSpread(network, 2));
  fmt::print("| cold score, tiles/s | {} |\n", MedianAndSpread(score, 2));
  fmt::print("| score / network, % | {} |\n", MedianAndSpread(share, 1));
  fmt::print("| network alone, ms of CPU a tile | {} |\n",
             MedianAndSpread(cpu, 1));
  fmt::print("| score beyond it, ms of CPU a tile | {} |\n",
             MedianAndSpread(beyond, 1));
  if (!scaling.empty()) {
    fmt::print("| score / single-thread processes, % | {} |\n",
               MedianAndSpread(scaling, 1));
  }
  fmt::print("| peak memory, MiB | {} |\n", MedianAndSpread(peak, 0));
  PrintStages(ReadJson((folder / "out" / "run.json").string()));
  PrintAccuracy(options, folder);
}

int Run(const BenchOptions& options) {
  const fs::path folder =
      fs::temp_directory_path() /
      ("cyto8-bench-" + std::to_string(static_cast<int64_t>(getpid())));
  const std::vector<std::string> images = ImagePaths(options.images);
  const StatusOr<LoadedModel> model =
      LoadModel(RealFileSystem(), {.path = options.model});
  if (!model.ok()) {
    fmt::print(stderr, "{}\n", model.status().message());
    return 1;
  }
  std::vector<Round> rounds;
  for (int64_t i = 0; i < options.rounds; ++i) {
    rounds.push_back(MeasureRound(options, *model, images, folder));
    fmt::print(
        stderr, "round {}: {:.1f} s, {:.2f} tiles/s of {:.2f}\n", i + 1,
        rounds.back().score.seconds,
        static_cast<double>(rounds.back().tiles) / rounds.back().score.seconds,
        rounds.back().network.tiles_a_second);
  }
  PrintTable(options, rounds, images.size(), folder);
  fs::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  cyto8::BenchOptions options;
  CLI::App app("Times cyto8 score against its network");
  app.add_option("--cyto8", options.cyto8)->required();
  app.add_option("--model", options.model)->required();
  app.add_option("--images", options.images, "folder of images or slides")
      ->required();
  app.add_option("--mpp-from", options.mpp_from);
  app.add_option("--gt", options.ground_truth, "COCO truth, for AP50");
  app.add_option("--threads", options.threads)->capture_default_str();
  app.add_option("--rounds", options.rounds)->capture_default_str();
  app.add_option("--network-seconds", options.network_seconds)
      ->capture_default_str();
  app.add_option("flags", options.flags, "further flags of score, behind --");
  CLI11_PARSE(app, argc, argv);
  return cyto8::Run(options);
}
