// SPDX-License-Identifier: Apache-2.0
// The graph commands; see graph_command.h.
#include "app/graph_command.h"

#include <algorithm>
#include <map>
#include <utility>

#include "app/console.h"
#include "app/graph_run.h"
#include "app/summary_text.h"
#include "base/atomic_file.h"

namespace cyto8 {
namespace {

ExitCode Finish(const Status& status) {
  if (!status.ok()) PrintMessage(status.message());
  return ExitCodeOf(status);
}

Status Summarize(FileSystem& files, const GraphSummarizeOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, options.model, options.limits.max_model_bytes));
  CYTO8_ASSIGN_OR_RETURN(
      const std::string text,
      Annotate(SummaryText(bytes, options.limits), options.model));
  return PrintData(text);
}

// "class_net/class-predict/BiasAdd" is written to class_net_class-predict_...
std::string FileNameOf(const std::string& tensor) {
  std::string name = tensor;
  std::replace(name.begin(), name.end(), '/', '_');
  return name + ".npy";
}

StatusOr<std::pair<std::string, NpyArray>> ReadInput(
    FileSystem& files, const std::string& argument, const Limits& limits) {
  const size_t equals = argument.find('=');
  if (equals == std::string::npos || equals == 0) {
    return InvalidArgument("--input " + argument +
                           ": must have the form NAME=FILE.npy");
  }
  std::string name = argument.substr(0, equals);
  if (name.ends_with(":0")) name.resize(name.size() - 2);
  const std::string path = argument.substr(equals + 1);
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_tensor_bytes));
  CYTO8_ASSIGN_OR_RETURN(NpyArray array,
                         Annotate(ParseNpy(bytes, limits), path));
  return std::pair(std::move(name), std::move(array));
}

// Two tensors whose names differ only in '/' and '_' would be one file.
Status CheckFileNames(const std::vector<NamedArray>& outputs) {
  std::map<std::string, std::string> tensors;  // by file name.
  for (const NamedArray& output : outputs) {
    const auto [entry, is_new] =
        tensors.try_emplace(FileNameOf(output.name), output.name);
    if (!is_new) {
      return InvalidArgument("outputs " + entry->second + " and " +
                             output.name + ": would both be written to " +
                             entry->first);
    }
  }
  return OkStatus();
}

Status WriteArray(FileSystem& files, const std::string& folder,
                  const NamedArray& output) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      SerializeNpy(output.array.type, output.array.shape, output.array.bytes));
  return WriteFileAtomically(files, folder + "/" + FileNameOf(output.name),
                             bytes);
}

Status Run(FileSystem& files, const GraphRunOptions& options) {
  GraphRunRequest request;
  request.outputs = options.outputs;
  request.engine = options.engine;
  request.rewriting = options.fused ? Rewriting::kAll : Rewriting::kNone;
  request.limits = options.limits;
  for (const std::string& argument : options.inputs) {
    CYTO8_ASSIGN_OR_RETURN(auto input,
                           ReadInput(files, argument, options.limits));
    const std::string name = input.first;
    if (!request.inputs.insert(std::move(input)).second) {
      return InvalidArgument("--input " + name + ": is given twice");
    }
  }
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> model,
      ReadWholeFile(files, options.model, options.limits.max_model_bytes));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<NamedArray> outputs,
                         Annotate(RunGraphDef(model, request), options.model));
  CYTO8_RETURN_IF_ERROR(CheckFileNames(outputs));
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, options.output));
  for (const NamedArray& output : outputs) {
    CYTO8_RETURN_IF_ERROR(WriteArray(files, options.output, output));
  }
  return OkStatus();
}

}  // namespace

ExitCode RunGraphSummarize(FileSystem& files,
                           const GraphSummarizeOptions& options) {
  return Finish(Summarize(files, options));
}

ExitCode RunGraph(FileSystem& files, const GraphRunOptions& options) {
  return Finish(Run(files, options));
}

}  // namespace cyto8
