// SPDX-License-Identifier: Apache-2.0
// The table of passes; see passes.h.
#include "detector/passes/passes.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/nearest_word.h"
#include "base/numbers.h"
#include "detector/passes/fold_batch_norms.h"
#include "detector/passes/fold_constants.h"
#include "detector/passes/fuse_activations.h"
#include "detector/passes/recognize_squeeze_excite.h"
#include "detector/passes/recognize_swish.h"
#include "detector/passes/recognize_upsampling.h"
#include "detector/passes/recognize_weighted_fusion.h"
#include "detector/passes/remove_nodes.h"
#include "detector/passes/strip_unused_nodes.h"
#include "detector/passes/unshare_constants.h"

namespace cyto8 {
namespace {

using Arguments = std::vector<TransformArgument>;

std::vector<std::string> ValuesOf(const Arguments& arguments,
                                  std::string_view key) {
  std::vector<std::string> values;
  for (const TransformArgument& argument : arguments) {
    if (argument.key == key) values.push_back(argument.value);
  }
  return values;
}

StatusOr<DataType> ParseType(const std::string& text) {
  constexpr std::array kTypes = {DataType::kFloat32, DataType::kInt32,
                                 DataType::kInt64,   DataType::kUint8,
                                 DataType::kInt8,    DataType::kBool};
  if (text == "float") return DataType::kFloat32;  // TensorFlow's word for it.
  for (const DataType type : kTypes) {
    if (text == DataTypeName(type)) return type;
  }
  return InvalidArgument("type = \"" + text +
                         "\": must be one of float, int32, int64, uint8, "
                         "int8, bool");
}

StatusOr<Shape> ParseShape(const std::string& text) {
  Shape shape;
  size_t start = 0;
  while (start < text.size()) {
    const size_t end = std::min(text.find(',', start), text.size());
    const StatusOr<int64_t> side = ParseInt64(text.substr(start, end - start));
    if (!side.ok() || *side < kUnknownDim || end + 1 == text.size()) {
      return InvalidArgument("shape = \"" + text +
                             "\": must be sides >= 0, or -1 if unknown, with "
                             "commas between");
    }
    shape.push_back(*side);
    start = end + 1;
  }
  return shape;
}

// The i-th value belongs to the i-th name.
template <typename T, typename Parse>
StatusOr<std::map<std::string, T>> ByName(const Arguments& arguments,
                                          std::string_view key,
                                          const Parse& parse) {
  const std::vector<std::string> names = ValuesOf(arguments, "name");
  const std::vector<std::string> values = ValuesOf(arguments, key);
  std::map<std::string, T> result;
  if (values.size() > names.size()) {
    return InvalidArgument(std::string(key) + ": " +
                           std::to_string(values.size()) + " values for " +
                           std::to_string(names.size()) + " names");
  }
  for (size_t i = 0; i < values.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(T value, parse(values[i]));
    result.insert_or_assign(names[i], std::move(value));
  }
  return result;
}

StatusOr<Graph> RunStripUnusedNodes(Graph graph, const Arguments& arguments,
                                    const TransformContext& context) {
  StripOptions options;
  options.inputs = context.inputs;
  options.outputs = context.outputs;
  for (const std::string& text : ValuesOf(arguments, "type")) {
    CYTO8_ASSIGN_OR_RETURN(options.type, ParseType(text));
  }
  for (const std::string& text : ValuesOf(arguments, "shape")) {
    CYTO8_ASSIGN_OR_RETURN(options.shape, ParseShape(text));
  }
  CYTO8_ASSIGN_OR_RETURN(
      options.types, ByName<DataType>(arguments, "type_for_name", ParseType));
  CYTO8_ASSIGN_OR_RETURN(
      options.shapes, ByName<Shape>(arguments, "shape_for_name", ParseShape));
  return StripUnusedNodes(std::move(graph), options);
}

StatusOr<Graph> RunRemoveNodes(Graph graph, const Arguments& arguments,
                               const TransformContext&) {
  const std::vector<std::string> ops = ValuesOf(arguments, "op");
  if (ops.empty()) return InvalidArgument("op: must be given at least once");
  return RemoveNodes(std::move(graph), ops);
}

StatusOr<Graph> RunFoldConstants(Graph graph, const Arguments& arguments,
                                 const TransformContext& context) {
  return FoldConstants(std::move(graph), context.evaluator,
                       {.exclude_ops = ValuesOf(arguments, "exclude_op"),
                        .exclude_nodes = ValuesOf(arguments, "exclude_node"),
                        .limits = context.limits});
}

// A pass that takes nothing but the graph.
template <StatusOr<Graph> (*pass)(Graph)>
StatusOr<Graph> RunPlain(Graph graph, const Arguments&,
                         const TransformContext&) {
  return pass(std::move(graph));
}

struct Entry {
  std::string_view name;
  StatusOr<Graph> (*run)(Graph, const Arguments&, const TransformContext&);
  std::string_view keys = "";  // the arguments it takes, a comma after each.
};

// In alphabetical order.
constexpr Entry kTable[] = {
    {"fold_batch_norms", RunPlain<FoldBatchNorms>},
    {"fold_constants", RunFoldConstants, "exclude_node,exclude_op,"},
    {"fold_old_batch_norms", RunPlain<FoldBatchNorms>},
    {"fuse_activations", RunPlain<FuseActivations>},
    {"recognize_squeeze_excite", RunPlain<RecognizeSqueezeExcite>},
    {"recognize_swish", RunPlain<RecognizeSwish>},
    {"recognize_upsampling", RunPlain<RecognizeUpsampling>},
    {"recognize_weighted_fusion", RunPlain<RecognizeWeightedFusion>},
    {"remove_nodes", RunRemoveNodes, "op,"},
    {"strip_unused_nodes", RunStripUnusedNodes,
     "name,shape,shape_for_name,type,type_for_name,"},
    {"unshare_constants", RunPlain<UnshareConstants>},
};

constexpr std::string_view kIgnoreErrors = "ignore_errors";

StatusOr<const Entry*> FindEntry(std::string_view name) {
  for (const Entry& entry : kTable) {
    if (entry.name == name) return &entry;
  }
  return InvalidArgument("transform \"" + std::string(name) +
                         "\" is not known" +
                         DidYouMean(name, TransformNames()));
}

Status CheckArguments(const Entry& entry, const Arguments& arguments) {
  const std::string keys = std::string(entry.keys) + std::string(kIgnoreErrors);
  for (const auto& [key, value] : arguments) {
    if (("," + keys + ",").find("," + key + ",") == std::string::npos) {
      return InvalidArgument("argument \"" + key + "\": must be one of " +
                             keys);
    }
    if (key == kIgnoreErrors && value != "true" && value != "false") {
      return InvalidArgument("ignore_errors = \"" + value +
                             "\": must be true or false");
    }
  }
  return OkStatus();
}

StatusOr<Graph> ApplyOne(Graph graph, const Transform& transform,
                         const TransformContext& context) {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, FindEntry(transform.name));
  CYTO8_RETURN_IF_ERROR(
      Annotate(CheckArguments(*entry, transform.arguments), transform.name));
  const auto ignore = ValuesOf(transform.arguments, kIgnoreErrors);
  if (ignore.empty() || ignore.back() != "true") {
    return Annotate(entry->run(std::move(graph), transform.arguments, context),
                    transform.name);
  }
  StatusOr<Graph> result = entry->run(graph, transform.arguments, context);
  return result.ok() ? std::move(result) : StatusOr<Graph>(std::move(graph));
}

}  // namespace

std::vector<std::string_view> TransformNames() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kTable) names.push_back(entry.name);
  return names;
}

StatusOr<Graph> ApplyTransforms(Graph graph,
                                std::span<const Transform> transforms,
                                const TransformContext& context) {
  for (const Transform& transform : transforms) {
    CYTO8_ASSIGN_OR_RETURN(graph,
                           ApplyOne(std::move(graph), transform, context));
  }
  return graph;
}

StatusOr<Graph> ApplyTransforms(Graph graph, std::string_view transforms,
                                const TransformContext& context) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Transform> list,
                         ParseTransforms(transforms));
  return ApplyTransforms(std::move(graph), list, context);
}

}  // namespace cyto8
