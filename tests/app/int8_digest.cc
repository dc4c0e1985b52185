// SPDX-License-Identifier: Apache-2.0
// What INT8 networks give, as digests, so that other CPUs can be asked too:
//   cyto8_int8_digest make FOLDER   the networks, each a .cy8
//   cyto8_int8_digest run MODEL.cy8 [--isa NAME|auto] [--batch N]
//       [--workers N] [--tiles N]   one SHA-256 of all outputs
// For tests/app/int8_same_answer_qemu.sh. Test code.
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/checked_math.h"
#include "base/file_system.h"
#include "base/numbers.h"
#include "detector/import/model_file.h"
#include "tests/app/int8_digest_models.h"

namespace cyto8 {
namespace {

constexpr int64_t kD2SidePx = 256;

void Print(const std::string& line) { std::printf("%s\n", line.c_str()); }

Status Write(const std::string& folder, const std::string& name,
             const QuantizedGraph& quantized) {
  ModelFile model;
  model.graph = quantized.graph;
  std::string text =
      name + ": " + std::to_string(quantized.layers.size()) + " INT8 layers";
  for (const std::string& node : quantized.float_nodes) text += ", " + node;
  Print(text);
  return WriteModelFile(RealFileSystem(), folder + "/" + name + ".cy8", model);
}

Status Make(const std::string& folder) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Image> fields, ReadFields());
  CYTO8_ASSIGN_OR_RETURN(const QuantizedGraph d2,
                         QuantizedD2(kD2SidePx, fields));
  CYTO8_RETURN_IF_ERROR(Write(folder, "d2-cells-256", d2));
  for (const std::string& path : TinyGraphPaths()) {
    const std::string name = std::filesystem::path(path).stem().string();
    const auto tiny = QuantizedTinyGraph(path, fields);
    if (tiny.ok()) {
      CYTO8_RETURN_IF_ERROR(Write(folder, name, *tiny));
    } else {
      Print(name + ": left out: " + std::string(tiny.status().message()));
    }
  }
  return OkStatus();
}

StatusOr<Isa> IsaOf(const std::string& name) {
  if (name == "auto") return BestIsa();
  for (const Isa isa : UsableIsas()) {
    if (IsaName(isa) == name) return isa;
  }
  return InvalidArgument("--isa = " + name + ": not on this CPU");
}

Status Run(const std::string& path,
           const std::map<std::string, std::string>& flags) {
  DigestOptions options;
  for (const auto& [name, value] : flags) {
    if (name == "--isa") {
      CYTO8_ASSIGN_OR_RETURN(options.isa, IsaOf(value));
      continue;
    }
    CYTO8_ASSIGN_OR_RETURN(const int64_t number, ParseInt64(value));
    constexpr int64_t kMost = 1000;
    CYTO8_RETURN_IF_ERROR(CheckRange(name.c_str(), number, 1, kMost));
    if (name == "--batch") {
      options.batch = number;
    } else if (name == "--workers") {
      options.workers = number;
    } else if (name == "--tiles") {
      options.tiles = number;
    } else {
      return InvalidArgument(name + ": unknown");
    }
  }
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Image> fields, ReadFields());
  CYTO8_ASSIGN_OR_RETURN(const ModelFile model,
                         ReadModelFile(RealFileSystem(), path));
  CYTO8_ASSIGN_OR_RETURN(const std::string digest,
                         DigestOf(model.graph, fields, options));
  Print(digest + " " + std::string(IsaName(options.isa)));
  return OkStatus();
}

Status Main(int count, char** arguments) {
  const std::string command = count > 2 ? arguments[1] : "";
  if (command == "make" && count == 3) return Make(arguments[2]);
  if (command != "run" || count % 2 == 0) {
    return InvalidArgument("usage: make FOLDER, or run MODEL.cy8 [--FLAG X]");
  }
  std::map<std::string, std::string> flags;
  for (int i = 3; i < count; i += 2) flags[arguments[i]] = arguments[i + 1];
  return Run(arguments[2], flags);
}

}  // namespace
}  // namespace cyto8

int main(int count, char** arguments) {
  const cyto8::Status status = cyto8::Main(count, arguments);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
