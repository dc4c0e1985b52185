// SPDX-License-Identifier: Apache-2.0
// Post-processing of google/automl's tf2/postprocess.py and det_post_process()
// as it looks in a graph: suppression operators, before them the choice of
// candidates, behind them offset, clipping, scaling and the table of seven
// columns. Tested by tests/detector/efficientdet/export_layout_test.cc.
#include <algorithm>
#include <array>
#include <cmath>

#include "detector/efficientdet/graph_walk.h"
#include "detector/efficientdet/serving_parts.h"

namespace cyto8 {
namespace {

constexpr std::string_view kCombined = "CombinedNonMaxSuppression";
constexpr std::string_view kPlain = "NonMaxSuppression";
constexpr size_t kColumns = 7;

// The parameters of one suppression operator.
struct Suppression {
  double max_per_class = 0;
  double max_output = 0;
  double iou_threshold = 0;
  double score_threshold = -std::numeric_limits<double>::infinity();
  double sigma = 0;
  friend bool operator==(const Suppression&, const Suppression&) = default;
};

// A loop that runs the operator once per image (dynamic batch) takes its
// parameters as inputs under their names.
bool IsSuppressionLoop(const Graph& graph, const Node& node) {
  if (!IsOpaque(node, "StatelessWhile") && !IsOpaque(node, "While")) {
    return false;
  }
  return std::any_of(node.inputs.begin(), node.inputs.end(), [&](ValueRef in) {
    return graph.node(in).name.ends_with("/iou_threshold");
  });
}

bool IsSuppression(const Graph& graph, const Node& node) {
  if (node.op != Op::kOpaque) return false;
  return node.source_op == kCombined || node.source_op.starts_with(kPlain) ||
         IsSuppressionLoop(graph, node);
}

std::vector<int64_t> FindSuppressions(const Graph& graph) {
  std::vector<int64_t> found;
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    if (IsSuppression(graph, graph.nodes[static_cast<size_t>(i)])) {
      found.push_back(i);
    }
  }
  return found;
}

// Where one parameter goes, and how to find it: by position in an operator, by
// name in a loop.
struct Parameter {
  size_t position = 0;
  std::string_view name;
  double* value = nullptr;
};

std::vector<Parameter> ParametersOf(const Node& node, Suppression& values) {
  if (node.source_op == kCombined) {
    return {{2, "max_output_size_per_class", &values.max_per_class},
            {3, "max_total_size", &values.max_output},
            {4, "iou_threshold", &values.iou_threshold},
            {5, "score_threshold", &values.score_threshold}};
  }
  return {{2, "max_output_size", &values.max_output},
          {3, "iou_threshold", &values.iou_threshold},
          {4, "score_threshold", &values.score_threshold},
          {5, "soft_nms_sigma", &values.sigma}};
}

std::optional<ValueRef> FindParameter(const Graph& graph, const Node& node,
                                      const Parameter& parameter) {
  if (!IsSuppressionLoop(graph, node)) {
    if (parameter.position >= node.inputs.size()) return std::nullopt;
    return node.inputs[parameter.position];
  }
  for (const ValueRef input : node.inputs) {
    if (graph.node(input).name.ends_with("/" + std::string(parameter.name))) {
      return input;
    }
  }
  return std::nullopt;
}

// Operators of older versions lack the last parameters; those keep their
// defaults.
StatusOr<Suppression> ReadSuppression(const Graph& graph, int64_t index) {
  const Node& node = graph.nodes[static_cast<size_t>(index)];
  Suppression values;
  for (const Parameter& parameter : ParametersOf(node, values)) {
    const auto input = FindParameter(graph, node, parameter);
    if (!input) continue;
    const std::optional<double> number = NumberBehind(graph, *input);
    if (!number) {
      return Unimplemented(NodeLabel(graph, index) + ": " +
                           std::string(parameter.name) +
                           " must be a constant number");
    }
    *parameter.value = *number;
  }
  return values;
}

// One operator per image and class, or one per image: all alike.
StatusOr<Suppression> ReadSuppressions(const Graph& graph,
                                       std::span<const int64_t> nodes) {
  CYTO8_ASSIGN_OR_RETURN(const Suppression first,
                         ReadSuppression(graph, nodes.front()));
  for (const int64_t node : nodes.subspan(1)) {
    CYTO8_ASSIGN_OR_RETURN(const Suppression other,
                           ReadSuppression(graph, node));
    if (other != first) {
      return Unimplemented(NodeLabel(graph, node) +
                           ": its parameters differ from those of " +
                           NodeLabel(graph, nodes.front()));
    }
  }
  if (first.max_per_class > 0 && first.max_per_class < first.max_output) {
    return Unimplemented(NodeLabel(graph, nodes.front()) +
                         ": max_output_size_per_class must not be below "
                         "max_total_size");
  }
  return first;
}

// The boxes of one class are gathered at the places where the class is equal.
bool IsPerClass(const Graph& graph, int64_t suppression) {
  const Node& node = graph.nodes[static_cast<size_t>(suppression)];
  if (node.source_op == kCombined) return true;
  const Node& boxes = graph.node(node.inputs[0]);
  return IsOpaque(boxes, "GatherNd") &&
         IsOpaque(graph.node(boxes.inputs[1]), "Where");
}

// The best candidates are taken before the suppression; the best class of each
// anchor is only seen in the column of classes.
Status FillCandidates(const Graph& graph, int64_t suppression, ValueRef classes,
                      PostprocessOptions& options) {
  const NodeSet before = AncestorsOf(graph, {.node = suppression, .port = 0});
  const NodeSet before_classes = AncestorsOf(graph, classes);
  options.classes = ClassChoice::kEveryClass;
  if (graph.nodes[static_cast<size_t>(suppression)].source_op == kCombined) {
    return OkStatus();
  }
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (before_classes[static_cast<size_t>(i)] && node.op == Op::kArgMax) {
      options.classes = ClassChoice::kBestPerAnchor;
      return OkStatus();
    }
    if (!before[static_cast<size_t>(i)] || !IsOpaque(node, "TopKV2")) continue;
    const std::optional<double> count = NumberBehind(graph, node.inputs[1]);
    if (!count || !(*count >= 1 && *count <= 1e9)) {
      return Unimplemented(NodeLabel(graph, i) +
                           ": k must be a constant of at least 1");
    }
    options.max_candidates = static_cast<int64_t>(*count);
    return OkStatus();
  }
  return Unimplemented(NodeLabel(graph, suppression) +
                       ": neither ArgMax nor TopKV2 chooses its candidates");
}

Status FillSuppression(const Graph& graph, int64_t node,
                       const Suppression& values, PostprocessOptions& options) {
  if (!(values.max_output >= 1 && values.max_output <= 1e9)) {
    return Unimplemented(NodeLabel(graph, node) +
                         ": its largest output size must be at least 1");
  }
  options.max_detections = static_cast<int64_t>(values.max_output);
  options.score_threshold = static_cast<float>(values.score_threshold);
  if (values.sigma > 0) {
    options.method = SuppressionMethod::kGaussian;
    options.sigma = static_cast<float>(2 * values.sigma);
  } else {
    options.iou_threshold = static_cast<float>(values.iou_threshold);
  }
  return OkStatus();
}

StatusOr<int64_t> FindTable(const Graph& graph, const NodeSet& after,
                            int64_t suppression) {
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    if (after[static_cast<size_t>(i)] && node.op == Op::kPack &&
        node.inputs.size() == kColumns && node.As<AxisAttributes>().axis != 0) {
      return i;
    }
  }
  return Unimplemented(NodeLabel(graph, suppression) +
                       ": no table of 7 columns follows it");
}

// In 2020 every image had a table of its own and a Pack joined them.
ValueRef JoinedTables(const Graph& graph, int64_t table) {
  const ValueRef own = {.node = table, .port = 0};
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    const bool reads = std::find(node.inputs.begin(), node.inputs.end(), own) !=
                       node.inputs.end();
    if (reads && node.op == Op::kPack && node.As<AxisAttributes>().axis == 0) {
      return {.node = static_cast<int64_t>(i), .port = 0};
    }
  }
  return own;
}

// What happens to one side of the boxes between suppression and table.
struct ColumnSteps {
  std::optional<ValueRef> sliced;  // the boxes, of which it is column `index`.
  int64_t index = -1;
  std::optional<int64_t> limit_px;  // it is clipped to [0, limit].
  bool scaled = false;
};

// The operand that comes from the suppression.
ValueRef MainOperand(const Node& node, const NodeSet& after) {
  return after[static_cast<size_t>(node.inputs[0].node)] ? node.inputs[0]
                                                         : node.inputs[1];
}

void ReadLimit(const std::vector<double>& limits, size_t column,
               ColumnSteps& steps) {
  if (limits.empty()) return;
  const double limit = limits[limits.size() == 4 ? column : 0];
  if (limit >= 1 && limit < 1e6) {
    steps.limit_px = static_cast<int64_t>(limit);
  }
}

// Follows a column backwards through scaling, clipping and slicing, in any
// order.
ColumnSteps FollowColumn(const Graph& graph, const NodeSet& after,
                         size_t column, ValueRef value) {
  ColumnSteps steps;
  while (true) {
    const Node& node = graph.node(value);
    const bool binary = node.op == Op::kMul || node.op == Op::kMinimum ||
                        node.op == Op::kMaximum;
    if (binary) {
      const ValueRef main = MainOperand(node, after);
      const std::vector<double> other =
          NumbersBehind(graph, node.inputs[main == node.inputs[0] ? 1 : 0]);
      if (node.op == Op::kMul && other.empty()) steps.scaled = true;
      if (node.op == Op::kMinimum) ReadLimit(other, column, steps);
      value = main;
    } else if (node.op == Op::kStridedSlice && !steps.sliced) {
      const std::vector<double> begin = NumbersBehind(graph, node.inputs[1]);
      steps.index = begin.empty() ? -1 : static_cast<int64_t>(begin.back());
      steps.sliced = value = node.inputs[0];
    } else {
      return steps;
    }
  }
}

Status FillColumns(const Graph& graph, const NodeSet& after, int64_t table,
                   ServingDetections& detections) {
  const Node& node = graph.nodes[static_cast<size_t>(table)];
  std::array<ColumnSteps, 4> sides;
  for (size_t column = 0; column < sides.size(); ++column) {
    sides[column] = FollowColumn(graph, after, column, node.inputs[column + 1]);
    if (sides[column].index != static_cast<int64_t>(column) ||
        sides[column].sliced != sides[0].sliced) {
      return Unimplemented(
          NodeLabel(graph, table) +
          ": columns 1 to 4 must be ymin, xmin, ymax, xmax of one tensor");
    }
  }
  detections.scaled_to_image = sides[0].scaled;
  if (sides[0].limit_px && sides[1].limit_px) {
    detections.postprocess.clip = {.height = *sides[0].limit_px,
                                   .width = *sides[1].limit_px};
  }
  return OkStatus();
}

int ClassOffset(const Graph& graph, const NodeSet& between) {
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!between[i] || node.op != Op::kAdd) continue;
    for (const ValueRef input : node.inputs) {
      const std::optional<double> offset = NumberBehind(graph, input);
      if (offset && std::abs(*offset) < 1e6) return static_cast<int>(*offset);
    }
  }
  return 0;
}

}  // namespace

StatusOr<std::optional<ServingDetections>> FindServingDetections(
    const Graph& graph) {
  const std::vector<int64_t> nodes = FindSuppressions(graph);
  if (nodes.empty()) return std::optional<ServingDetections>();
  const int64_t first = nodes.front();
  ServingDetections found;
  PostprocessOptions& options = found.postprocess;
  found.suppression_op = graph.nodes[static_cast<size_t>(first)].source_op;
  CYTO8_ASSIGN_OR_RETURN(const Suppression values,
                         ReadSuppressions(graph, nodes));
  CYTO8_RETURN_IF_ERROR(FillSuppression(graph, first, values, options));
  if (IsPerClass(graph, first)) options.scope = SuppressionScope::kPerClass;
  const NodeSet after = DescendantsOf(graph, nodes);
  CYTO8_ASSIGN_OR_RETURN(const int64_t table, FindTable(graph, after, first));
  const ValueRef classes =
      graph.nodes[static_cast<size_t>(table)].inputs[kColumns - 1];
  CYTO8_RETURN_IF_ERROR(FillCandidates(graph, first, classes, options));
  CYTO8_RETURN_IF_ERROR(FillColumns(graph, after, table, found));
  options.class_offset =
      ClassOffset(graph, Intersect(after, AncestorsOf(graph, classes)));
  found.table = NamedOutput(graph, JoinedTables(graph, table));
  return std::optional<ServingDetections>(std::move(found));
}

}  // namespace cyto8
