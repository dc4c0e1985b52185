// SPDX-License-Identifier: Apache-2.0
// From a model on disk to the first detections, in a fresh process each time:
// what `score` waits for before its first tile is done. Prints medians with
// their spread.
//
//   bench_network_load [MODEL [PROCESSES]]
//
// MODEL: a card, or a .cy8, which has no parts to be measured one by one.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "app/load_model.h"
#include "app/load_network.h"
#include "app/network.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/import/graph_def_import.h"

namespace cyto8 {
namespace {

constexpr const char* kCard = "data/models/d2-cells.yaml";
constexpr int kProcesses = 10;

// The first three are what the user waits for; the others are parts of the
// first, measured again one by one.
constexpr std::array kPhases = {
    "LoadModel", "session", "first Detect", "second Detect", "read file",
    "SHA-256",   "import",  "find layout",  "passes",        "compile again"};
using Seconds = std::array<double, kPhases.size()>;

class Laps {
 public:
  double Next() {
    const auto now = std::chrono::steady_clock::now();
    const double seconds = std::chrono::duration<double>(now - last_).count();
    last_ = std::chrono::steady_clock::now();
    return seconds;
  }

 private:
  std::chrono::steady_clock::time_point last_ =
      std::chrono::steady_clock::now();
};

Status MeasureWhole(const std::string& card, Seconds& seconds,
                    std::string& model_path) {
  Laps laps;
  CYTO8_ASSIGN_OR_RETURN(const LoadedModel model,
                         LoadModel(RealFileSystem(), {.path = card}));
  seconds[0] = laps.Next();
  CYTO8_ASSIGN_OR_RETURN(DetectorSession session,
                         DetectorSession::Create(model.detector));
  seconds[1] = laps.Next();
  CYTO8_ASSIGN_OR_RETURN(const Image tile,
                         Image::Create(model.detector->tile_width_px(),
                                       model.detector->tile_height_px()));
  SerialFor executor;
  for (const size_t run : {2, 3}) {
    laps.Next();
    CYTO8_RETURN_IF_ERROR(session.Detect(tile.view(), {}, executor).status());
    seconds[run] = laps.Next();
  }
  model_path = model.model_path;
  return OkStatus();
}

Status MeasureParts(const std::string& model_path, Seconds& seconds) {
  if (model_path.ends_with(kModelFileEnding)) return OkStatus();
  const Limits limits;
  Laps laps;
  CYTO8_ASSIGN_OR_RETURN(
      const auto bytes,
      ReadWholeFile(RealFileSystem(), model_path, limits.max_model_bytes));
  seconds[4] = laps.Next();
  CYTO8_RETURN_IF_ERROR(Sha256(bytes).status());
  seconds[5] = laps.Next();
  CYTO8_ASSIGN_OR_RETURN(ImportedGraph imported, ImportGraphDef(bytes, limits));
  seconds[6] = laps.Next();
  CYTO8_ASSIGN_OR_RETURN(const ExportLayout layout,
                         FindExportLayout(imported.graph));
  seconds[7] = laps.Next();
  NetworkCut cut;
  cut.inputs[layout.network_input.name] = {.type = DataType::kFloat32,
                                           .shape = Shape{1, 768, 768, 3}};
  for (const GraphOutput& output : HeadOutputs(layout)) {
    cut.outputs.push_back(output.name);
  }
  CYTO8_ASSIGN_OR_RETURN(
      const Graph graph,
      PrepareNetwork(std::move(imported.graph), cut, Rewriting::kAll, limits));
  seconds[8] = laps.Next();
  CYTO8_RETURN_IF_ERROR(CompiledModel::Create(graph, {}).status());
  seconds[9] = laps.Next();
  return OkStatus();
}

// In a child, so that nothing is warm but the file.
bool MeasureInChild(const std::string& card, Seconds& seconds) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    std::string model_path;
    Status status = MeasureWhole(card, seconds, model_path);
    if (status.ok()) status = MeasureParts(model_path, seconds);
    if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
    const auto written = write(ends[1], seconds.data(), sizeof(Seconds));
    _exit(status.ok() && written == sizeof(Seconds) ? 0 : 1);
  }
  close(ends[1]);
  const bool whole =
      read(ends[0], seconds.data(), sizeof(Seconds)) == sizeof(Seconds);
  close(ends[0]);
  int result = 1;
  return child > 0 && waitpid(child, &result, 0) == child && result == 0 &&
         whole;
}

void Print(const char* what, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const size_t n = seconds.size();
  std::printf("%-16s %8.1f  [%.1f, %.1f]\n", what, 1e3 * seconds[n / 2],
              1e3 * seconds.front(), 1e3 * seconds.back());
}

int Run(const std::string& card, int processes) {
  std::vector<Seconds> all(static_cast<size_t>(processes), Seconds{});
  for (Seconds& seconds : all) {
    if (!MeasureInChild(card, seconds)) return 1;
  }
  std::printf("%d processes, ms: median [least, most]\n", processes);
  std::vector<double> total;
  for (const Seconds& s : all) total.push_back(s[0] + s[1] + s[2]);
  Print("total to first", std::move(total));
  for (size_t i = 0; i < kPhases.size(); ++i) {
    std::vector<double> phase;
    for (const Seconds& s : all) phase.push_back(s[i]);
    if (std::ranges::max(phase) == 0) continue;
    Print(kPhases[i], std::move(phase));
  }
  return 0;
}

}  // namespace
}  // namespace cyto8

int main(int argc, char** argv) {
  const char* card = argc > 1 ? argv[1] : cyto8::kCard;
  const int processes = argc > 2 ? std::atoi(argv[2]) : cyto8::kProcesses;
  return cyto8::Run(card, std::max(processes, 1));
}
