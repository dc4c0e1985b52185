// SPDX-License-Identifier: Apache-2.0
// What INT8 networks give, as digests, so that other CPUs can be asked too:
//   cyto8_int8_digest make FOLDER   the networks, each a .cy8
//   cyto8_int8_digest run FLAGS MODEL.cy8...   a SHA-256 of each one's outputs
// FLAGS, each may be missing: --isa NAME|auto, --batch N, --workers N,
// --tiles N.
// For tests/app/int8_same_answer_qemu.sh. Test code.
#include <cstdio>
#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "base/checked_math.h"
#include "base/file_system.h"
#include "base/numbers.h"
#include "detector/import/model_file.h"
#include "tests/app/int8_digest_models.h"

namespace cyto8 {
namespace {

constexpr int64_t kD2SidePx = 256;
constexpr int64_t kAllFields = 4;

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
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Image> fields, ReadFields(kAllFields));
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

Status SetFlag(const std::string& name, const std::string& value,
               DigestOptions& options) {
  if (name == "--isa") {
    CYTO8_ASSIGN_OR_RETURN(options.isa, IsaOf(value));
    return OkStatus();
  }
  std::map<std::string, int64_t*> numbers = {{"--batch", &options.batch},
                                             {"--workers", &options.workers},
                                             {"--tiles", &options.tiles}};
  if (!numbers.contains(name)) return InvalidArgument(name + ": unknown");
  constexpr int64_t kMost = 1000;
  CYTO8_ASSIGN_OR_RETURN(*numbers[name], ParseInt64(value));
  return CheckRange(name.c_str(), *numbers[name], 1, kMost);
}

Status Run(std::span<char*> arguments) {
  DigestOptions options;
  while (arguments.size() > 1 && arguments[0][0] == '-') {
    CYTO8_RETURN_IF_ERROR(SetFlag(arguments[0], arguments[1], options));
    arguments = arguments.subspan(2);
  }
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Image> fields,
                         ReadFields(options.tiles));
  for (const std::string path : arguments) {
    CYTO8_ASSIGN_OR_RETURN(const ModelFile model,
                           ReadModelFile(RealFileSystem(), path));
    CYTO8_ASSIGN_OR_RETURN(
        const std::string digest,
        Annotate(DigestOf(model.graph, fields, options), path));
    Print(digest + " " + std::filesystem::path(path).stem().string());
  }
  return OkStatus();
}

Status Main(std::span<char*> arguments) {
  const std::string command = arguments.size() > 2 ? arguments[1] : "";
  if (command == "make") return Make(arguments[2]);
  if (command == "run") return Run(arguments.subspan(2));
  return InvalidArgument("usage: make FOLDER, or run [--FLAG X] MODEL.cy8...");
}

}  // namespace
}  // namespace cyto8

int main(int count, char** arguments) {
  const cyto8::Status status = cyto8::Main({arguments, static_cast<size_t>(count)});
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return 1;
}
