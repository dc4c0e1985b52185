// SPDX-License-Identifier: Apache-2.0
// Each step from model bytes to a compiled model, on what the steps before it
// leave; see pass_benchmark.h.
#include "bench/pass_benchmark.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "detector/efficientdet/export_layout.h"
#include "detector/import/graph_def_import.h"
#include "detector/passes/passes.h"
#include "detector/runtime/compiled_model.h"
#include "detector/runtime/evaluate.h"

namespace cyto8 {
namespace {

constexpr const char* kModel = "data/models/d2-cells.pb";

using Bytes = std::shared_ptr<const std::vector<std::byte>>;

void Import(benchmark::State& state, const Bytes& bytes) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(ImportGraphDef(*bytes, Limits()).ok());
  }
}

void Pass(benchmark::State& state, const Graph& graph,
          const Transform& transform, const TransformContext& context) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        ApplyTransforms(graph, std::span(&transform, 1), context).ok());
  }
}

void Compile(benchmark::State& state, const Graph& graph) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(CompiledModel::Create(graph, {}).ok());
  }
}

TransformContext ContextOf(const ExportLayout& layout) {
  TransformContext context;
  context.evaluator = [](const Node& node,
                         std::span<const Tensor* const> inputs) {
    return EvaluateNode(node, inputs);
  };
  context.inputs = {layout.network_input.name};
  for (const GraphOutput& output : HeadOutputs(layout)) {
    context.outputs.push_back(output.name);
  }
  return context;
}

}  // namespace

Status RegisterPassBenchmarks() {
  CYTO8_ASSIGN_OR_RETURN(
      std::vector<std::byte> read,
      ReadWholeFile(RealFileSystem(), kModel, Limits().max_model_bytes));
  const auto bytes =
      std::make_shared<const std::vector<std::byte>>(std::move(read));
  benchmark::RegisterBenchmark("import", Import, bytes);
  CYTO8_ASSIGN_OR_RETURN(const ImportedGraph imported, ImportGraphDef(*bytes));
  CYTO8_ASSIGN_OR_RETURN(const ExportLayout layout,
                         FindExportLayout(imported.graph));
  const TransformContext context = ContextOf(layout);
  CYTO8_ASSIGN_OR_RETURN(std::vector<Transform> transforms,
                         ParseTransforms(kInferenceTransforms));
  transforms.front().arguments = {{"type", "float"}, {"shape", "1,768,768,3"}};
  Graph graph = imported.graph;
  for (const Transform& transform : transforms) {
    benchmark::RegisterBenchmark(("pass/" + transform.name).c_str(), Pass,
                                 graph, transform, context);
    CYTO8_ASSIGN_OR_RETURN(
        graph, ApplyTransforms(graph, std::span(&transform, 1), context));
  }
  benchmark::RegisterBenchmark("compile", Compile, graph);
  return OkStatus();
}

}  // namespace cyto8
