// SPDX-License-Identifier: Apache-2.0
// The network starts at the first convolution over three channels and ends at
// the convolutions that no other one follows: those are the predictions, one
// per head and level. Everything before is image preparation, everything after
// post-processing. Tested by tests/detector/efficientdet/export_layout_test.cc.
#include "detector/efficientdet/export_layout.h"

#include <algorithm>
#include <charconv>

#include "base/checked_math.h"
#include "detector/efficientdet/graph_walk.h"
#include "detector/efficientdet/serving_parts.h"

namespace cyto8 {
namespace {

constexpr int64_t kUsualBoxChannels = 36;  // 9 anchors of 4 numbers.

bool IsConvolution(const Node& node) {
  return node.op == Op::kConv2D || node.op == Op::kDepthwiseConv2D;
}

// The shape of a convolution's kernel, empty if it is not constant.
Shape KernelShape(const Graph& graph, const Node& node) {
  const Tensor* kernel = ConstantBehind(graph, node.inputs[1]);
  return kernel == nullptr ? Shape() : kernel->shape();
}

// The nodes from which a convolution is computed, itself excepted.
NodeSet BeforeConvolutions(const Graph& graph) {
  NodeSet found(graph.nodes.size(), false);
  std::vector<int64_t> open;
  const auto push_inputs = [&](const Node& node) {
    for (const ValueRef input : node.inputs) open.push_back(input.node);
  };
  for (const Node& node : graph.nodes) {
    if (IsConvolution(node)) push_inputs(node);
  }
  while (!open.empty()) {
    const auto node = static_cast<size_t>(open.back());
    open.pop_back();
    if (found[node]) continue;
    found[node] = true;
    push_inputs(graph.nodes[node]);
  }
  return found;
}

StatusOr<int64_t> FindStem(const Graph& graph) {
  std::vector<int64_t> convolutions;
  for (int64_t i = 0; i < std::ssize(graph.nodes); ++i) {
    if (IsConvolution(graph.nodes[static_cast<size_t>(i)])) {
      convolutions.push_back(i);
    }
  }
  for (const int64_t i : convolutions) {
    const Node& node = graph.nodes[static_cast<size_t>(i)];
    const Shape kernel = KernelShape(graph, node);
    if (node.op != Op::kConv2D || kernel.size() != 4 || kernel[2] != 3) {
      continue;
    }
    const NodeSet before = AncestorsOf(graph, node.inputs[0]);
    const bool first = std::none_of(
        convolutions.begin(), convolutions.end(),
        [&](int64_t other) { return before[static_cast<size_t>(other)]; });
    if (first) return i;
  }
  return InvalidArgument(
      "no convolution over 3 channels: not a network on RGB images");
}

// The value that the stem reads, before paddings that belong to it.
ValueRef PeelNetworkInput(const Graph& graph, ValueRef value) {
  while (true) {
    const Node& node = graph.node(value);
    const bool constant_pad =
        node.op == Op::kPad && ConstantBehind(graph, node.inputs[1]) != nullptr;
    if (node.op != Op::kIdentity && node.op != Op::kCast && !constant_pad) {
      return value;
    }
    value = node.inputs[0];
  }
}

// One prediction: a last convolution with its bias.
struct Head {
  ValueRef value;
  std::string name;
  int64_t channels = 0;
};

bool IsBiasOf(const Graph& graph, const Node& reader, ValueRef value) {
  if (reader.op == Op::kBiasAdd) return reader.inputs[0] == value;
  if (reader.op != Op::kAdd) return false;
  const ValueRef other =
      reader.inputs[0] == value ? reader.inputs[1] : reader.inputs[0];
  return ConstantBehind(graph, other) != nullptr;
}

ValueRef WithBias(const Graph& graph, std::span<const int64_t> readers,
                  ValueRef convolution) {
  for (const int64_t reader : readers) {
    if (IsBiasOf(graph, graph.nodes[static_cast<size_t>(reader)],
                 convolution)) {
      return {.node = reader, .port = 0};
    }
  }
  return convolution;
}

StatusOr<std::vector<Head>> FindHeads(const Graph& graph, int64_t stem) {
  const NodeSet before = BeforeConvolutions(graph);
  const NodeSet network = DescendantsOf(graph, std::span(&stem, 1));
  const std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  std::vector<Head> heads;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (node.op != Op::kConv2D || before[i] || !network[i]) continue;
    const Shape kernel = KernelShape(graph, node);
    if (kernel.size() != 4) {
      return InvalidArgument(NodeLabel(graph, static_cast<int64_t>(i)) +
                             ": the kernel must be a constant of rank 4");
    }
    const ValueRef value = WithBias(
        graph, readers[i], {.node = static_cast<int64_t>(i), .port = 0});
    heads.push_back({.value = value,
                     .name = ValueName(graph, value),
                     .channels = kernel[3]});
  }
  return heads;
}

// Both heads, not yet in the order of levels.
struct TwoHeads {
  std::vector<Head> classes;
  std::vector<Head> boxes;
};

template <typename Predicate>
TwoHeads SplitBy(const std::vector<Head>& heads, Predicate is_box) {
  TwoHeads two;
  for (const Head& head : heads) {
    (is_box(head) ? two.boxes : two.classes).push_back(head);
  }
  return two;
}

bool SameChannels(const std::vector<Head>& heads) {
  return std::all_of(heads.begin(), heads.end(), [&](const Head& head) {
    return head.channels == heads.front().channels;
  });
}

bool IsPlausible(const TwoHeads& two) {
  return !two.boxes.empty() && two.boxes.size() == two.classes.size() &&
         SameChannels(two.boxes) && SameChannels(two.classes);
}

// By name; where names do not say it, by the usual number of box channels.
StatusOr<TwoHeads> SplitHeads(const std::vector<Head>& heads) {
  TwoHeads two = SplitBy(heads, [](const Head& head) {
    return head.name.find("box") != std::string::npos;
  });
  if (IsPlausible(two)) return two;
  two = SplitBy(heads, [](const Head& head) {
    return head.channels == kUsualBoxChannels;
  });
  if (IsPlausible(two)) return two;
  std::string list;
  for (const Head& head : heads) {
    list += (list.empty() ? "'" : ", '") + head.name + "' (" +
            std::to_string(head.channels) + " channels)";
  }
  return InvalidArgument(
      "predictions " + (list.empty() ? "(none)" : list) +
      ": must be as many for classes as for boxes, told apart by 'box' in the "
      "name or by 36 channels");
}

// The position of a prediction in the concatenation of all levels, if the
// graph has one: readers are followed through reshapes.
std::optional<int64_t> ConcatPosition(
    const Graph& graph, const std::vector<std::vector<int64_t>>& readers,
    ValueRef value) {
  for (const int64_t reader : readers[static_cast<size_t>(value.node)]) {
    const Node& node = graph.nodes[static_cast<size_t>(reader)];
    if (node.op == Op::kConcat) {
      const auto at = std::find(node.inputs.begin(), node.inputs.end(), value);
      if (at != node.inputs.end()) return at - node.inputs.begin();
    }
    if ((node.op == Op::kReshape || node.op == Op::kIdentity) &&
        node.inputs[0] == value) {
      const auto position =
          ConcatPosition(graph, readers, {.node = reader, .port = 0});
      if (position) return position;
    }
  }
  return std::nullopt;
}

// The number that TensorFlow put behind the last "_" of a name's parts, as in
// "class-predict_3/BiasAdd"; 0 without one.
int64_t NameNumber(const std::string& name) {
  const size_t underscore = name.rfind('_');
  if (underscore == std::string::npos) return 0;
  const char* begin = name.data() + underscore + 1;
  const char* end = name.data() + name.size();
  int64_t number = 0;
  const auto [next, error] = std::from_chars(begin, end, number);
  const bool whole = error == std::errc() && (next == end || *next == '/');
  return whole ? number : 0;
}

// Finest level first: the order of concatenation, else that of the names.
void SortByLevel(const Graph& graph, std::vector<Head>& heads) {
  const std::vector<std::vector<int64_t>> readers = ReadersOf(graph);
  std::vector<std::pair<int64_t, Head>> keyed;
  for (const Head& head : heads) {
    const auto position = ConcatPosition(graph, readers, head.value);
    keyed.emplace_back(position ? *position : NameNumber(head.name), head);
  }
  std::stable_sort(
      keyed.begin(), keyed.end(),
      [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t i = 0; i < keyed.size(); ++i) heads[i] = keyed[i].second;
}

Status CountClasses(const TwoHeads& heads, ExportLayout& layout) {
  const int64_t boxes = heads.boxes.front().channels;
  if (boxes < 4 || boxes % 4 != 0) {
    return InvalidArgument("'" + heads.boxes.front().name +
                           "': " + std::to_string(boxes) +
                           " channels: must be a multiple of 4");
  }
  layout.anchors_per_cell = boxes / 4;
  const int64_t classes = heads.classes.front().channels;
  if (classes % layout.anchors_per_cell != 0) {
    return InvalidArgument("'" + heads.classes.front().name +
                           "': " + std::to_string(classes) +
                           " channels: must be a multiple of the " +
                           std::to_string(layout.anchors_per_cell) +
                           " anchors of '" + heads.boxes.front().name + "'");
  }
  layout.classes = classes / layout.anchors_per_cell;
  return OkStatus();
}

Status FillLevels(const Graph& graph, int64_t stem, ExportLayout& layout) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Head> found, FindHeads(graph, stem));
  CYTO8_ASSIGN_OR_RETURN(TwoHeads heads, SplitHeads(found));
  CYTO8_RETURN_IF_ERROR(CountClasses(heads, layout));
  SortByLevel(graph, heads.classes);
  SortByLevel(graph, heads.boxes);
  for (size_t i = 0; i < heads.classes.size(); ++i) {
    layout.levels.push_back(
        {.classes = NamedOutput(graph, heads.classes[i].value),
         .boxes = NamedOutput(graph, heads.boxes[i].value)});
  }
  return OkStatus();
}

// The batch that a network-only export declares.
int64_t DeclaredBatch(const Graph& graph, ValueRef network_input) {
  const std::optional<Shape>& shape = graph.desc(network_input).shape;
  return shape && !shape->empty() ? shape->front() : kUnknownDim;
}

}  // namespace

StatusOr<ExportLayout> FindExportLayout(const Graph& imported) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t stem, FindStem(imported));
  ExportLayout layout;
  const ValueRef input = PeelNetworkInput(
      imported, imported.nodes[static_cast<size_t>(stem)].inputs[0]);
  layout.network_input = NamedOutput(imported, input);
  CYTO8_RETURN_IF_ERROR(FillLevels(imported, stem, layout));
  layout.batch = DeclaredBatch(imported, input);
  if (IsServingInput(imported, input)) {
    CYTO8_ASSIGN_OR_RETURN(layout.serving_input,
                           FindServingInput(imported, input));
    layout.batch = ServingBatch(imported, input);
  }
  CYTO8_ASSIGN_OR_RETURN(layout.detections, FindServingDetections(imported));
  if (layout.detections) {
    layout.anchors =
        FindAnchorConstant(imported, layout.detections->table.value);
  }
  return layout;
}

std::vector<GraphOutput> HeadOutputs(const ExportLayout& layout) {
  std::vector<GraphOutput> outputs;
  for (const HeadLevel& level : layout.levels) outputs.push_back(level.classes);
  for (const HeadLevel& level : layout.levels) outputs.push_back(level.boxes);
  return outputs;
}

}  // namespace cyto8
