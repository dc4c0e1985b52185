// SPDX-License-Identifier: Apache-2.0
// Following shapes at two sizes; see reshape_network.h.
#include "detector/passes/reshape_network.h"

#include <algorithm>
#include <utility>

#include "base/checked_math.h"
#include "detector/graph/shape_inference.h"
#include "detector/graph/shape_rules.h"
#include "detector/passes/reshape_rules.h"
#include "detector/passes/rewrite.h"

namespace cyto8 {
namespace {

constexpr size_t kImageRank = 4;

bool HasBit(int64_t mask, size_t bit) { return (mask >> bit & 1) != 0; }

std::string Pixels(int64_t side) { return std::to_string(side) + " px"; }

// True if all values along `axis` are equal, whatever the other indices.
bool IsUniformAlong(const Tensor& tensor, size_t axis) {
  const Shape& shape = tensor.shape();
  const auto element = static_cast<size_t>(ByteSize(tensor.type()));
  size_t inner = element;
  for (size_t i = axis + 1; i < shape.size(); ++i) {
    inner *= static_cast<size_t>(shape[i]);
  }
  const size_t step = inner * static_cast<size_t>(shape[axis]);
  const std::span<const std::byte> bytes = tensor.bytes();
  for (size_t start = 0; start < bytes.size(); start += step) {
    const auto block = bytes.subspan(start, step);
    if (!std::equal(block.begin() + static_cast<std::ptrdiff_t>(inner),
                    block.end(), block.begin())) {
      return false;
    }
  }
  return true;
}

// The same tensor with another side along an axis on which it is uniform.
StatusOr<Tensor> WithSide(const Tensor& tensor, size_t axis, int64_t side,
                          const Limits& limits) {
  Shape shape = tensor.shape();
  const int64_t before = std::exchange(shape[axis], side);
  CYTO8_ASSIGN_OR_RETURN(Tensor result,
                         Tensor::Create(tensor.type(), shape, limits));
  int64_t inner = ByteSize(tensor.type());
  for (size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  const std::span<std::byte> bytes = result.mutable_bytes();
  for (int64_t at = 0; at < result.byte_size(); at += inner) {
    const int64_t row = at / (inner * side) * before * inner;
    const auto src = tensor.bytes().subspan(static_cast<size_t>(row),
                                            static_cast<size_t>(inner));
    std::copy(src.begin(), src.end(), bytes.begin() + at);
  }
  return result;
}

// What a StridedSlice takes of one axis, its end aside.
struct StridedPart {
  int64_t begin = 0;
  int64_t stride = 1;
  bool single = false;  // one place; the axis goes.
  bool open = false;    // no end.
};

class Reshaper {
 public:
  // `graph` is inferred and free of dead nodes.
  Reshaper(Graph graph, const Limits& limits)
      : before_(graph),
        graph_(std::move(graph)),
        names_(graph_),
        readers_(ReadersOf(graph_)),
        limits_(limits) {}

  StatusOr<Graph> Run(int64_t height, int64_t width) {
    CYTO8_RETURN_IF_ERROR(ResizeInput(height, width));
    const auto count = static_cast<int64_t>(before_.nodes.size());
    for (number_ = 0; number_ < count; ++number_) {
      Status status = Carry();
      if (!status.ok()) {
        return Annotate(status, "node \"" + node().name + "\" (" +
                                    std::string(OpName(node().op)) +
                                    "): cannot be carried over to " +
                                    std::to_string(width) + " x " +
                                    std::to_string(height) + " px");
      }
      CYTO8_RETURN_IF_ERROR(InferNode(graph_, number_, limits_));
      CYTO8_RETURN_IF_ERROR(
          Annotate(CheckOutputs(), "node \"" + node().name + "\""));
      NoteMap();
    }
    return RemoveDeadNodes(std::move(graph_));
  }

 private:
  Node& node() { return graph_.nodes[static_cast<size_t>(number_)]; }
  const Node& old_node() const {
    return before_.nodes[static_cast<size_t>(number_)];
  }
  const Shape& Before(ValueRef value) const {
    return *before_.desc(value).shape;
  }
  const Shape& After(ValueRef value) const { return *graph_.desc(value).shape; }
  const Shape& BeforeIn(size_t i) const { return Before(old_node().inputs[i]); }
  const Shape& AfterIn(size_t i) const { return After(old_node().inputs[i]); }
  const Shape& BeforeOut() const { return *old_node().outputs[0].shape; }
  bool InputChanges(size_t i) const { return BeforeIn(i) != AfterIn(i); }

  Status ResizeInput(int64_t height, int64_t width);
  Status CheckOutputs();
  void NoteMap();
  bool IsMap(size_t i) const;

  Status Carry();
  Status CarryResize();
  Status CarryReshape();
  Status CarryFilled(size_t shape_input);
  Status CarryTile();
  Status CarrySlice();
  Status CarryStridedSlice();
  Status CarryPad();
  Status CarryPool(size_t input, const Shape& pooled, PoolAttributes& pool);
  Status CarrySum();
  Status CarryConstants();
  Status CarryConstant(size_t i, size_t axis, size_t map);
  Status RefuseChangedAxes(size_t axes_input, const std::string& why);
  Status CheckSqueeze();

  StatusOr<std::vector<int64_t>> Ints(size_t input) const;
  Status SetInts(size_t input, const std::vector<int64_t>& values);
  StatusOr<int64_t> StridedEnd(size_t axis, const StridedPart& part,
                               int64_t end) const;
  StatusOr<int64_t> SliceEnd(size_t axis, int64_t end) const;
  std::vector<int64_t> ReadersOfCodes(int64_t node) const;
  WindowShape WindowOf(const Node& reader) const;
  // Of a window on input `i`.
  Status CheckFixedPads(size_t i, const WindowShape& window) const;
  Status CheckFixedPads(size_t i, const WindowShape& window, size_t axis,
                        int64_t first, int64_t last) const;

  const Graph before_;
  Graph graph_;
  NamePool names_;
  std::vector<std::vector<int64_t>> readers_;
  const Limits& limits_;
  SideTable sides_;
  int64_t number_ = 0;  // of the node in hand.
};

Status Reshaper::ResizeInput(int64_t height, int64_t width) {
  const std::vector<int64_t> inputs = InputNodes(graph_);
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs of the network", std::ssize(inputs), 1, 1));
  Node& input = graph_.nodes[static_cast<size_t>(inputs[0])];
  TensorDesc& desc = input.As<InputAttributes>().desc;
  if (!desc.shape || desc.shape->size() != kImageRank ||
      !IsStatic(*desc.shape)) {
    return InvalidArgument("input \"" + input.name +
                           "\": must have a static shape [N,H,W,C]");
  }
  CYTO8_RETURN_IF_ERROR(CheckRange("height", height, 1, limits_.max_side_px));
  CYTO8_RETURN_IF_ERROR(CheckRange("width", width, 1, limits_.max_side_px));
  (*desc.shape)[kHeightAxis] = height;
  (*desc.shape)[kWidthAxis] = width;
  return OkStatus();
}

Status Reshaper::CheckOutputs() {
  for (size_t i = 0; i < node().outputs.size(); ++i) {
    const std::optional<Shape>& before = old_node().outputs[i].shape;
    const std::optional<Shape>& after = node().outputs[i].shape;
    if (!before || !IsStatic(*before)) {
      return InvalidArgument("its shape is not known; fold constants first");
    }
    if (!after || !IsStatic(*after) || after->size() != before->size()) {
      return InvalidArgument("its shape is lost at the new size");
    }
    const bool was_empty = std::count(before->begin(), before->end(), 0) > 0;
    if (!was_empty && std::count(after->begin(), after->end(), 0) > 0) {
      return InvalidArgument("no pixels are left: " + ShapeToString(*after));
    }
  }
  return OkStatus();
}

// Maps are what image operators give; other values of rank 4 need not be.
void Reshaper::NoteMap() {
  switch (node().op) {
    case Op::kInput:
    case Op::kNormalize:
    case Op::kConv2D:
    case Op::kDepthwiseConv2D:
    case Op::kMaxPool:
    case Op::kAvgPool:
    case Op::kResizeNearest:
    case Op::kResizeBilinear:
    case Op::kUpsampleNearest:
    case Op::kQuantizedConv2D:
    case Op::kQuantizedConv2DFloat:
    case Op::kGatedConv2D:
    case Op::kQuantizedDepthwiseConv2D:
    case Op::kQuantizedWeightedSum:
      return sides_.Note(BeforeOut(), *node().outputs[0].shape);
    default:
      return;
  }
}

// True if input `i` has the sides of a map, old and new: not so for values of
// rank 4 whose axes mean something else.
bool Reshaper::IsMap(size_t i) const {
  return BeforeIn(i).size() == kImageRank &&
         sides_.Find(kHeightAxis, BeforeIn(i)[kHeightAxis])
             .contains(AfterIn(i)[kHeightAxis]) &&
         sides_.Find(kWidthAxis, BeforeIn(i)[kWidthAxis])
             .contains(AfterIn(i)[kWidthAxis]);
}

Status Reshaper::Carry() {
  switch (node().op) {
    case Op::kOpaque:
      return InvalidArgument("the operator is not supported");
    case Op::kConv2D:
    case Op::kDepthwiseConv2D:
    case Op::kQuantizedConv2D:
    case Op::kQuantizedConv2DFloat:
    case Op::kGatedConv2D:
    case Op::kQuantizedDepthwiseConv2D:
      return CheckFixedPads(0, WindowOf(old_node()));
    case Op::kMaxPool:
    case Op::kAvgPool:
      CYTO8_RETURN_IF_ERROR(CheckFixedPads(0, WindowOf(old_node())));
      return CarryPool(0, BeforeOut(), node().As<PoolAttributes>());
    case Op::kQuantizedWeightedSum:
      return CarrySum();
    case Op::kResizeNearest:
    case Op::kResizeBilinear:
      return CarryResize();
    case Op::kReshape:
      return CarryReshape();
    case Op::kFill:
      return CarryFilled(0);
    case Op::kBroadcastTo:
      return CarryFilled(1);
    case Op::kTile:
      return CarryTile();
    case Op::kSlice:
      return CarrySlice();
    case Op::kStridedSlice:
      return CarryStridedSlice();
    case Op::kPad:
      return CarryPad();
    case Op::kSqueeze:
      return CheckSqueeze();
    case Op::kSum:
    case Op::kProd:
      return RefuseChangedAxes(1, "a factor may count its pixels");
    case Op::kGather:
      return RefuseChangedAxes(2, "its indices are fixed places");
    default:
      return CarryConstants();
  }
}

StatusOr<std::vector<int64_t>> Reshaper::Ints(size_t input) const {
  const Tensor* tensor = ConstantOf(before_, old_node().inputs[input]);
  if (tensor != nullptr) return tensor->ToInt64s();
  return InvalidArgument("input " + std::to_string(input) +
                         " is computed; fold constants first");
}

// Gives the node an own constant; the old one may have other readers.
Status Reshaper::SetInts(size_t input, const std::vector<int64_t>& values) {
  const ValueRef old = old_node().inputs[input];
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> known, Ints(input));
  if (known == values) return OkStatus();
  const Tensor& model = *ConstantOf(before_, old);
  CYTO8_ASSIGN_OR_RETURN(Tensor tensor,
                         Tensor::Create(model.type(), model.shape(), limits_));
  for (size_t i = 0; i < values.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(CheckRange("size", values[i], INT32_MIN, INT32_MAX));
    if (model.type() == DataType::kInt64) {
      tensor.mutable_data<int64_t>()[i] = values[i];
    } else {
      tensor.mutable_data<int32_t>()[i] = static_cast<int32_t>(values[i]);
    }
  }
  std::string name = names_.TakeCopy(before_.node(old).name);
  const ValueRef constant = graph_.AddConst(std::move(name), std::move(tensor));
  node().inputs[input] = constant;
  return OkStatus();
}

Status Reshaper::CarryResize() {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> size, Ints(1));
  for (const size_t axis : {kHeightAxis, kWidthAxis}) {
    const SideChange map = {BeforeIn(0)[axis], AfterIn(0)[axis]};
    CYTO8_RETURN_IF_ERROR(
        CheckRange("side of its map", map.before, 1, limits_.max_side_px));
    CYTO8_ASSIGN_OR_RETURN(
        size[axis - kHeightAxis],
        sides_.ResizeTarget(axis, map, size[axis - kHeightAxis]));
  }
  return SetInts(1, size);
}

Status Reshaper::CarryReshape() {
  if (!InputChanges(0)) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> wanted, Ints(1));
  std::optional<Shape> shape =
      FollowReshape(BeforeIn(0), AfterIn(0), BeforeOut());
  if (!shape && BeforeOut().size() == kImageRank) {
    // Flattened pixels become a map again.
    shape = BeforeOut();
    for (const size_t axis : {kHeightAxis, kWidthAxis}) {
      CYTO8_ASSIGN_OR_RETURN((*shape)[axis],
                             sides_.Only(axis, BeforeOut()[axis]));
    }
  }
  if (!shape ||
      ElementCount(*shape).value() != ElementCount(AfterIn(0)).value()) {
    return InvalidArgument("from " + ShapeToString(BeforeIn(0)) + " to " +
                           ShapeToString(BeforeOut()) +
                           ": where its sides go cannot be told");
  }
  for (size_t i = 0; i < shape->size(); ++i) {
    if (wanted[i] == kUnknownDim) (*shape)[i] = kUnknownDim;
  }
  return SetInts(1, *shape);
}

// A shape that stands for a map's: both sides are those of maps, or 1.
Status Reshaper::CarryFilled(size_t shape_input) {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> shape, Ints(shape_input));
  const auto known = [&](size_t axis) {
    return shape[axis] <= 1 || !sides_.Find(axis, shape[axis]).empty();
  };
  if (shape.size() != kImageRank || !known(kHeightAxis) || !known(kWidthAxis)) {
    return OkStatus();
  }
  for (const size_t axis : {kHeightAxis, kWidthAxis}) {
    if (shape[axis] <= 1) continue;
    CYTO8_ASSIGN_OR_RETURN(shape[axis], sides_.Only(axis, shape[axis]));
  }
  return SetInts(shape_input, shape);
}

// A single value that is spread over a map; anything else is a factor.
Status Reshaper::CarryTile() {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> multiples, Ints(1));
  if (multiples.size() != kImageRank) return OkStatus();
  for (const size_t axis : {kHeightAxis, kWidthAxis}) {
    const bool single = BeforeIn(0)[axis] == 1 && AfterIn(0)[axis] == 1;
    if (!single || multiples[axis] <= 1 ||
        sides_.Find(axis, multiples[axis]).empty()) {
      continue;
    }
    CYTO8_ASSIGN_OR_RETURN(multiples[axis], sides_.Only(axis, multiples[axis]));
  }
  return SetInts(1, multiples);
}

// Where a slice from the start of an axis ends.
StatusOr<int64_t> Reshaper::SliceEnd(size_t axis, int64_t end) const {
  const SideChange side = {BeforeIn(0)[axis], AfterIn(0)[axis]};
  if (end >= side.before) return side.after;
  const bool of_map = IsMap(0) && (axis == kHeightAxis || axis == kWidthAxis);
  if (of_map && !sides_.Find(axis, end).empty()) return sides_.Only(axis, end);
  if (side.before == side.after) return end;
  return InvalidArgument(
      "end " + std::to_string(end) + " of " + Pixels(side.before) +
      " on axis " + std::to_string(axis) + ": no map before it has this side");
}

Status Reshaper::CarrySlice() {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> begin, Ints(1));
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> size, Ints(2));
  for (size_t axis = 0; axis < size.size(); ++axis) {
    if (size[axis] == -1) continue;
    const int64_t end = begin[axis] + size[axis];
    CYTO8_ASSIGN_OR_RETURN(const int64_t after, SliceEnd(axis, end));
    if (begin[axis] != 0 && after != end && end < BeforeIn(0)[axis]) {
      return InvalidArgument("begins at " + std::to_string(begin[axis]) +
                             ": its middle is not known at the new size");
    }
    size[axis] = after - begin[axis];
    CYTO8_RETURN_IF_ERROR(
        CheckRange("size", size[axis], 0, limits_.max_side_px));
  }
  return SetInts(2, size);
}

// The ends of a StridedSlice, one entry per axis but for new axes and "...".
Status Reshaper::CarryStridedSlice() {
  if (!InputChanges(0) && BeforeIn(0).size() != kImageRank) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> begin, Ints(1));
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> end, Ints(2));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> strides, Ints(3));
  const auto& masks = old_node().As<StridedSliceAttributes>();
  size_t axis = 0;
  for (size_t i = 0; i < end.size(); ++i) {
    if (HasBit(masks.ellipsis_mask, i)) {
      size_t axes_left = 0;
      for (size_t j = i + 1; j < end.size(); ++j) {
        if (!HasBit(masks.new_axis_mask, j)) ++axes_left;
      }
      axis = BeforeIn(0).size() - axes_left;
      continue;
    }
    if (HasBit(masks.new_axis_mask, i)) continue;
    const StridedPart part = {
        .begin = HasBit(masks.begin_mask, i) ? 0 : begin[i],
        .stride = strides[i],
        .single = HasBit(masks.shrink_axis_mask, i),
        .open = HasBit(masks.end_mask, i)};
    CYTO8_ASSIGN_OR_RETURN(end[i], StridedEnd(axis++, part, end[i]));
  }
  return SetInts(2, end);
}

StatusOr<int64_t> Reshaper::StridedEnd(size_t axis, const StridedPart& part,
                                       int64_t end) const {
  const bool stays = BeforeIn(0)[axis] == AfterIn(0)[axis];
  if (part.single) {
    if (stays || part.begin == 0 || part.begin == -1) return end;
    return InvalidArgument("takes place " + std::to_string(part.begin) +
                           " of an axis that changes");
  }
  if (part.open || end < 0) return end;
  const bool to_end = end >= BeforeIn(0)[axis];
  if (part.stride >= 1 && (part.begin == 0 || to_end)) {
    return SliceEnd(axis, end);
  }
  if (stays) return end;
  return InvalidArgument("takes part of an axis that changes");
}

// Refuses explicit padding that is only good at the old size: it is what SAME
// gives there, with a stride above 1, and SAME would give another at the new
// size.
Status Reshaper::CheckFixedPads(size_t i, const WindowShape& window) const {
  const Padding& pads = window.padding;
  if (pads.kind != PaddingKind::kExplicit) return OkStatus();
  CYTO8_RETURN_IF_ERROR(
      CheckFixedPads(i, window, kHeightAxis, pads.top, pads.bottom));
  return CheckFixedPads(i, window, kWidthAxis, pads.left, pads.right);
}

Status Reshaper::CheckFixedPads(size_t i, const WindowShape& window,
                                size_t axis, int64_t first,
                                int64_t last) const {
  const int64_t side = BeforeIn(i)[axis];
  const int64_t new_side = AfterIn(i)[axis];
  const size_t at = axis - kHeightAxis;
  if (side == new_side || window.strides[at] == 1) return OkStatus();
  const auto same = [&](int64_t in) {
    return ResolveWindow(in, window.kernel[at], window.strides[at],
                         window.dilations[at], PaddingKind::kSame, 0, 0);
  };
  CYTO8_ASSIGN_OR_RETURN(const WindowGeometry before, same(side));
  CYTO8_ASSIGN_OR_RETURN(const WindowGeometry after, same(new_side));
  if (before.before != first || before.after != last ||
      (after.before == first && after.after == last)) {
    return OkStatus();
  }
  const auto pair = [](int64_t a, int64_t b) {
    return "[" + std::to_string(a) + "," + std::to_string(b) + "]";
  };
  return InvalidArgument(
      "paddings " + pair(first, last) + " on axis " + std::to_string(axis) +
      ": fixed, or SAME at " + Pixels(side) + ", which is " +
      pair(after.before, after.after) + " at " + Pixels(new_side) + "?");
}

WindowShape ConvWindow(const ConvAttributes& conv, int64_t kernel_height,
                       int64_t kernel_width) {
  return {.kernel = {kernel_height, kernel_width},
          .strides = conv.strides,
          .dilations = conv.dilations,
          .padding = conv.padding};
}

WindowShape PoolWindow(const PoolAttributes& pool) {
  return {
      .kernel = pool.kernel, .strides = pool.strides, .padding = pool.padding};
}

// The window by which a node reads a map; 1 x 1 if it is no such node.
WindowShape Reshaper::WindowOf(const Node& reader) const {
  const Attributes& attributes = reader.attributes;
  if (const auto* conv = std::get_if<ConvAttributes>(&attributes)) {
    const Shape& kernel = Before(reader.inputs[1]);
    return ConvWindow(*conv, kernel[0], kernel[1]);
  }
  if (const auto* conv = std::get_if<QuantizedConvAttributes>(&attributes)) {
    return ConvWindow(conv->conv, conv->kernel[0], conv->kernel[1]);
  }
  if (const auto* pool = std::get_if<PoolAttributes>(&attributes)) {
    return PoolWindow(*pool);
  }
  return {.kernel = {1, 1}, .strides = {1, 1}, .padding = {}};
}

// Who reads a node, itself or as codes.
std::vector<int64_t> Reshaper::ReadersOfCodes(int64_t node) const {
  std::vector<int64_t> all;
  for (const int64_t reader : readers_[static_cast<size_t>(node)]) {
    const auto at = static_cast<size_t>(reader);
    all.push_back(reader);
    if (before_.nodes[at].op != Op::kQuantize) continue;
    all.insert(all.end(), readers_[at].begin(), readers_[at].end());
  }
  return all;
}

// Padding in front of windows; anything else is taken as meant.
Status Reshaper::CarryPad() {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> pads, Ints(1));
  if (BeforeIn(0).size() != kImageRank) return OkStatus();
  for (const int64_t number : ReadersOfCodes(number_)) {
    WindowShape window = WindowOf(before_.nodes[static_cast<size_t>(number)]);
    window.padding = {.kind = PaddingKind::kExplicit,
                      .top = pads[2],
                      .bottom = pads[3],
                      .left = pads[4],
                      .right = pads[5]};
    CYTO8_RETURN_IF_ERROR(CheckFixedPads(0, window));
  }
  return OkStatus();
}

// The pools inside of a sum of codes.
Status Reshaper::CarrySum() {
  auto& sources = node().As<QuantizedSumAttributes>().sources;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (!sources[i].pool) continue;
    PoolAttributes& pool = *sources[i].pool;
    CYTO8_RETURN_IF_ERROR(CheckFixedPads(i, PoolWindow(pool)));
    CYTO8_RETURN_IF_ERROR(CarryPool(i, BeforeOut(), pool));
  }
  return OkStatus();
}

// A pool over the whole map stays one.
Status Reshaper::CarryPool(size_t input, const Shape& pooled,
                           PoolAttributes& pool) {
  const Shape& map = BeforeIn(input);
  const Shape& now = AfterIn(input);
  const bool covers = pool.kernel[0] == map[1] && pool.kernel[1] == map[2] &&
                      pooled[1] == 1 && pooled[2] == 1;
  if (pool.padding.kind != PaddingKind::kValid || !covers || map == now) {
    return OkStatus();
  }
  if (pool.strides != std::array<int64_t, 2>{1, 1}) {
    return InvalidArgument("its window covers the map of " + Pixels(map[2]) +
                           " x " + Pixels(map[1]) +
                           ": whether that is meant cannot be told");
  }
  pool.kernel = {now[1], now[2]};
  return OkStatus();
}

// Constants of the old map's size beside a map, such as the zeros of a folded
// Fill: fine if they are the same everywhere on the map.
Status Reshaper::CarryConstants() {
  const size_t count = old_node().inputs.size();
  for (size_t map = 0; map < count; ++map) {
    if (BeforeIn(map).size() != kImageRank || !InputChanges(map)) continue;
    for (size_t i = 0; i < count; ++i) {
      CYTO8_RETURN_IF_ERROR(CarryConstant(i, kHeightAxis, map));
      CYTO8_RETURN_IF_ERROR(CarryConstant(i, kWidthAxis, map));
    }
  }
  return OkStatus();
}

// Input number `i` along one axis of the map that is input number `map`.
Status Reshaper::CarryConstant(size_t i, size_t axis, size_t map) {
  const Tensor* constant = ConstantOf(graph_, node().inputs[i]);
  if (constant == nullptr || constant->shape().size() != kImageRank) {
    return OkStatus();
  }
  const int64_t wanted = AfterIn(map)[axis];
  if (BeforeIn(i)[axis] <= 1 || BeforeIn(i)[axis] != BeforeIn(map)[axis] ||
      constant->shape()[axis] == wanted) {
    return OkStatus();
  }
  const std::string& name = before_.node(old_node().inputs[i]).name;
  if (!IsUniformAlong(*constant, axis)) {
    return InvalidArgument("the constant \"" + name + "\" varies over the map");
  }
  CYTO8_ASSIGN_OR_RETURN(Tensor resized,
                         WithSide(*constant, axis, wanted, limits_));
  const ValueRef value =
      graph_.AddConst(names_.TakeCopy(name), std::move(resized));
  node().inputs[i] = value;
  return OkStatus();
}

Status Reshaper::RefuseChangedAxes(size_t axes_input, const std::string& why) {
  if (!InputChanges(0)) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, Ints(axes_input));
  const auto rank = std::ssize(BeforeIn(0));
  for (const int64_t axis : axes) {
    const auto at = static_cast<size_t>(axis < 0 ? axis + rank : axis);
    if (BeforeIn(0)[at] != AfterIn(0)[at]) {
      return InvalidArgument("axis " + std::to_string(at) + " changes, and " +
                             why);
    }
  }
  return OkStatus();
}

// Without axes all sides of 1 go: a map that happens to have one keeps it now.
Status Reshaper::CheckSqueeze() {
  if (!old_node().As<AxesAttributes>().axes.empty()) return OkStatus();
  for (size_t axis = 0; axis < BeforeIn(0).size(); ++axis) {
    if ((BeforeIn(0)[axis] == 1) != (AfterIn(0)[axis] == 1)) {
      return InvalidArgument("axis " + std::to_string(axis) +
                             " has 1 px at one of the sizes");
    }
  }
  return OkStatus();
}

}  // namespace

StatusOr<Graph> ReshapeNetwork(Graph graph, int64_t height, int64_t width,
                               const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(graph, RemoveDeadNodes(std::move(graph)));
  CYTO8_ASSIGN_OR_RETURN(graph, InferShapes(std::move(graph), limits));
  return Reshaper(std::move(graph), limits).Run(height, width);
}

}  // namespace cyto8
