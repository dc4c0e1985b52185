// SPDX-License-Identifier: Apache-2.0
// Assembly of the INT8 graph; see quantize_graph.h.
//
// Every value of the old graph may exist in the new one as codes, as floats, or
// as both; each is made when it is first asked for. Units (layer_units.h) read
// and make codes, all other nodes floats. What nobody asked for is dead.
#include "quant/quantize_graph.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

#include "base/nearest_word.h"
#include "detector/graph/shape_inference.h"
#include "detector/kernels/pointwise_u8s8.h"
#include "detector/passes/rewrite.h"
#include "quant/channel_equalization.h"
#include "quant/layer_numbers.h"
#include "quant/layer_units.h"

namespace cyto8 {
namespace {

// Values with fewer layers behind them, those inside of a detector's heads, are
// clipped for the least noise: measured, that makes boxes more exact.
constexpr int64_t kLayersThatAddUp = 8;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

QuantParams ParamsOf(const CodeScale& codes) {
  return {.scale = codes.scale, .zero_point = codes.zero_point};
}

CodeScale CodeScaleOf(const QuantParams& params) {
  return {.scale = params.scale, .zero_point = params.zero_point};
}

// A value of the new graph.
struct Codes {
  ValueRef value = {};
  QuantParams params = {};
  std::vector<CodeScale> channels = {};  // if each has its own.
  std::optional<ValueRef> sums = {};     // of each channel.
};

// For each node the most units of one path from its value to an output.
std::vector<int64_t> LayersBehind(const Graph& graph, const LayerUnits& units) {
  std::vector<int64_t> behind(graph.nodes.size(), 0);
  for (int64_t i = std::ssize(graph.nodes) - 1; i >= 0; --i) {
    const int64_t own = units.unit_of[Index(i)] >= 0 ? 1 : 0;
    for (const ValueRef input : graph.nodes[Index(i)].inputs) {
      int64_t& most = behind[Index(input.node)];
      most = std::max(most, behind[Index(i)] + own);
    }
  }
  return behind;
}

class GraphQuantizer {
 public:
  GraphQuantizer(const Graph& graph, const LayerUnits& units,
                 const Calibration& calibration, const QuantizeOptions& options)
      : graph_(graph),
        units_(units),
        calibration_(calibration),
        options_(options),
        names_(graph),
        layers_behind_(LayersBehind(graph, units)) {}

  StatusOr<QuantizedGraph> Run(const Limits& limits);

 private:
  const Node& At(int64_t i) const { return graph_.nodes[Index(i)]; }
  const Shape& ShapeOf(ValueRef v) const { return *graph_.desc(v).shape; }

  Status AddUnit(const LayerUnit& unit);
  Status AddFloat(int64_t node);
  Status AddConv(const LayerUnit& unit);
  Status AddFloatConv(const LayerUnit& unit, const Codes& src,
                      const SourceCodes& source, const RealLayer& layer);
  Status AddGatedConv(const LayerUnit& unit, const RealLayer& layer);
  Status AddDepthwise(const LayerUnit& unit);
  Status AddSum(const LayerUnit& unit);
  Status AddCodes(const LayerUnit& unit);

  StatusOr<Codes> CodesOf(ValueRef old);
  StatusOr<ValueRef> FloatOf(ValueRef old);
  StatusOr<Codes> PixelsOf(const LayerUnit& unit);
  StatusOr<const ObservedValues*> Observed(ValueRef old) const;
  LayerNumberOptions NumberOptions() const {
    return {.correct_bias = options_.correct_bias,
            .search_weight_scale = options_.search_weights,
            .clip_weight = options_.range.clip_weight};
  }
  // Also notes range and method of the layer.
  StatusOr<CodeScale> ChooseCodes(ValueRef old, Activation activation,
                                  QuantizedLayer* layer) const;
  StatusOr<SourceCodes> SourceOf(const Codes& src, ValueRef old,
                                 const LayerUnit* pixels) const;
  StatusOr<std::optional<Addend>> AddendOf(const LayerUnit& unit,
                                           std::vector<ValueRef>& inputs);
  StatusOr<std::vector<CodeScale>> SeparableCodes(const LayerUnit& unit,
                                                  QuantizedLayer& layer) const;
  RealLayer RealConv(const LayerUnit& unit);
  ValueRef AddConst(const std::string& base, Tensor value) {
    return out_.AddConst(names_.Take(base), std::move(value));
  }
  template <typename T>
  ValueRef AddPacked(const std::string& base, const WeightShape& shape,
                     const std::vector<T>& weights, DataType type);
  void Made(const LayerUnit& unit, Node node, const QuantParams& params,
            QuantizedLayer layer);

  const Graph& graph_;
  const LayerUnits& units_;
  const Calibration& calibration_;
  const QuantizeOptions& options_;
  NamePool names_;
  std::vector<int64_t> layers_behind_;   // by node.
  std::map<ValueRef, Codes> codes_;      // by old value.
  std::map<ValueRef, ValueRef> floats_;  // likewise.
  Graph out_;
  std::vector<QuantizedLayer> layers_;
  std::vector<std::string> float_nodes_;
  std::vector<float> folded_;  // weights and bias of pixels' layer.
  std::vector<float> folded_bias_;
};

StatusOr<const ObservedValues*> GraphQuantizer::Observed(ValueRef old) const {
  const std::string name = ValueName(graph_, old);
  const auto found = calibration_.find(name);
  if (found == calibration_.end()) {
    return InvalidArgument("value \"" + name + "\" was not observed");
  }
  return &found->second;
}

StatusOr<CodeScale> GraphQuantizer::ChooseCodes(ValueRef old,
                                                Activation activation,
                                                QuantizedLayer* layer) const {
  CYTO8_ASSIGN_OR_RETURN(const ObservedValues* seen, Observed(old));
  const auto own = options_.range_of.find(ValueName(graph_, old));
  RangeChoiceOptions how =
      own == options_.range_of.end() ? options_.range : own->second;
  if (layers_behind_[Index(old.node)] < kLayersThatAddUp) how.clip_weight = 1;
  CYTO8_ASSIGN_OR_RETURN(ValueRange range,
                         Annotate(ChooseRange(seen->histogram, how),
                                  "value \"" + ValueName(graph_, old) + "\""));
  const bool cut_at_0 =
      activation == Activation::kRelu || activation == Activation::kRelu6;
  if (cut_at_0) range.min = 0;
  constexpr double kMost = 6;  // the last code is where ReLU6 saturates.
  if (activation == Activation::kRelu6) range.max = std::min(range.max, kMost);
  CYTO8_ASSIGN_OR_RETURN(const AffineU8 codes, QuantParamsOf(range));
  if (layer != nullptr) {
    layer->range = range;
    layer->method = how.method;
  }
  return CodeScale{.scale = codes.scale, .zero_point = codes.zero_point};
}

StatusOr<ValueRef> GraphQuantizer::FloatOf(ValueRef old) {
  const auto made = floats_.find(old);
  if (made != floats_.end()) return made->second;
  const auto codes = codes_.find(old);
  if (codes == codes_.end()) {
    return Internal("value \"" + ValueName(graph_, old) + "\" is not there");
  }
  const ValueRef value =
      out_.Add({.name = names_.Take(ValueName(graph_, old) + "/dequantized"),
                .op = Op::kDequantize,
                .inputs = {codes->second.value},
                .attributes = CodeAttributes{.codes = codes->second.params}});
  floats_[old] = value;
  return value;
}

StatusOr<Codes> GraphQuantizer::CodesOf(ValueRef old) {
  const auto made = codes_.find(old);
  if (made != codes_.end()) return made->second;
  CYTO8_ASSIGN_OR_RETURN(const ValueRef value, FloatOf(old));
  CYTO8_ASSIGN_OR_RETURN(
      const CodeScale scale,
      ChooseCodes(old, Activation::kNone, /*layer=*/nullptr));
  Codes codes = {.params = ParamsOf(scale)};
  codes.value =
      out_.Add({.name = names_.Take(ValueName(graph_, old) + "/quantized"),
                .op = Op::kQuantize,
                .inputs = {value},
                .attributes = CodeAttributes{.codes = codes.params}});
  codes_[old] = codes;
  return codes;
}

// Pixels are codes as they are.
StatusOr<Codes> GraphQuantizer::PixelsOf(const LayerUnit& unit) {
  CYTO8_ASSIGN_OR_RETURN(const ValueRef value,
                         FloatOf(At(unit.normalize).inputs[0]));
  return Codes{.value = value};
}

StatusOr<SourceCodes> GraphQuantizer::SourceOf(const Codes& src, ValueRef old,
                                               const LayerUnit* pixels) const {
  const auto channels = static_cast<size_t>(ShapeOf(old).back());
  SourceCodes source = {.channels = src.channels};
  if (source.channels.empty()) {
    source.channels.assign(channels, CodeScaleOf(src.params));
  }
  if (codes_.contains(old) &&
      calibration_.find(ValueName(graph_, old)) == calibration_.end()) {
    return source;  // pooled codes, say: their means are not known.
  }
  CYTO8_ASSIGN_OR_RETURN(const ObservedValues* seen, Observed(old));
  for (size_t c = 0; c < channels; ++c) {
    source.means.push_back(seen->channels[c].mean);
    source.mean_squares.push_back(seen->channels[c].mean_square);
  }
  if (pixels == nullptr) return source;
  const auto& normalize = At(pixels->normalize).As<NormalizeAttributes>();
  for (size_t c = 0; c < channels; ++c) {
    const double scale = static_cast<double>(normalize.deviation[c]);
    const double mean = static_cast<double>(normalize.mean[c]);
    const double old_mean = source.means[c];
    source.means[c] = old_mean * scale + mean;
    source.mean_squares[c] = source.mean_squares[c] * scale * scale +
                             2 * old_mean * scale * mean + mean * mean;
  }
  return source;
}

// Weights of the unit's convolution; those that read pixels have the
// normalisation in them.
RealLayer GraphQuantizer::RealConv(const LayerUnit& unit) {
  const Node& conv = At(unit.main);
  const Tensor& kernel = *ConstantOf(graph_, conv.inputs[1]);
  const Shape& k = kernel.shape();
  RealLayer layer = {
      .shape = {.taps = k[0] * k[1], .inputs = k[2], .outputs = k[3]},
      .weights = kernel.data<float>(),
      .bias = {},
      .activation = unit.activation};
  if (conv.inputs.size() > 2) {
    layer.bias = ConstantOf(graph_, conv.inputs[2])->data<float>();
  }
  if (unit.normalize == kNoUnitNode) return layer;
  const auto& normalize = At(unit.normalize).As<NormalizeAttributes>();
  folded_.assign(layer.weights.begin(), layer.weights.end());
  std::vector<double> bias(Index(k[3]), 0.0);
  std::ranges::copy(layer.bias, bias.begin());
  for (size_t i = 0; i < folded_.size(); ++i) {
    const size_t channel = i / Index(k[3]) % Index(k[2]);
    folded_[i] /= normalize.deviation[channel];
    bias[i % Index(k[3])] -= static_cast<double>(folded_[i]) *
                             static_cast<double>(normalize.mean[channel]);
  }
  folded_bias_.assign(bias.begin(), bias.end());
  layer.weights = folded_;
  layer.bias = folded_bias_;
  return layer;
}

template <typename T>
ValueRef GraphQuantizer::AddPacked(const std::string& base,
                                   const WeightShape& shape,
                                   const std::vector<T>& weights,
                                   DataType type) {
  const int64_t inputs = shape.taps * shape.inputs;
  Tensor packed =
      *Tensor::Create(type, {PackedPointwiseBytes(inputs, shape.outputs)});
  // Sizes fit: the graph is valid.
  const Status status =
      PackPointwise(inputs, shape.outputs, std::span<const T>(weights),
                    packed.mutable_data<T>());
  static_cast<void>(status);
  return AddConst(base + "/weights", std::move(packed));
}

// bias, shift and multiplier as int32 [3, outputs].
Tensor FactorTensor(std::span<const ChannelFactor> factors, bool packed) {
  std::vector<int32_t> numbers;
  if (packed) {
    const PackedFactors order = PackFactors(factors);
    numbers.assign(order.bias.begin(), order.bias.end());
    numbers.insert(numbers.end(), order.shift.begin(), order.shift.end());
    numbers.insert(numbers.end(), order.multiplier.begin(),
                   order.multiplier.end());
  } else {
    for (const auto& f : factors) numbers.push_back(f.bias);
    for (const auto& f : factors) numbers.push_back(f.shift);
    for (const auto& f : factors) numbers.push_back(f.multiplier);
  }
  const auto columns = static_cast<int64_t>(numbers.size() / 3);
  return Tensor::FromInts({3, columns}, numbers);
}

QuantizedConvAttributes ConvAttributesOf(const Node& conv, const Shape& kernel,
                                         const QuantParams& src) {
  QuantizedConvAttributes attributes;
  attributes.conv = conv.As<ConvAttributes>();
  attributes.kernel = {kernel[0], kernel[1], kernel[2], kernel[3]};
  attributes.src = src;
  return attributes;
}

// Codes of pixels outside of the image: the mean colour.
std::vector<int64_t> PixelPad(const NormalizeAttributes& normalize) {
  std::vector<int64_t> pad;
  for (const float mean : normalize.mean) {
    pad.push_back(std::clamp<int64_t>(std::lrint(mean), 0, 255));
  }
  return pad;
}

void GraphQuantizer::Made(const LayerUnit& unit, Node node,
                          const QuantParams& params, QuantizedLayer layer) {
  node.name = At(unit.last).name;
  layer.name = node.name;
  const Op op = node.op;
  const ValueRef value = out_.Add(std::move(node));
  Codes codes = {.value = value, .params = params};
  if (op == Op::kQuantizedDepthwiseConv2D) {
    out_.node(value).outputs.resize(2);
    codes.sums = ValueRef{.node = value.node, .port = 1};
  }
  codes_[{.node = unit.last}] = std::move(codes);
  layers_.push_back(std::move(layer));
}

StatusOr<std::optional<Addend>> GraphQuantizer::AddendOf(
    const LayerUnit& unit, std::vector<ValueRef>& inputs) {
  if (unit.add == kNoUnitNode) return std::optional<Addend>();
  CYTO8_ASSIGN_OR_RETURN(const Codes codes, CodesOf(unit.addend));
  inputs.push_back(codes.value);
  return std::optional<Addend>(Addend{.codes = CodeScaleOf(codes.params)});
}

Status GraphQuantizer::AddFloatConv(const LayerUnit& unit, const Codes& src,
                                    const SourceCodes& source,
                                    const RealLayer& layer) {
  CYTO8_ASSIGN_OR_RETURN(const LayerNumbers numbers,
                         NumbersForFloats(source, layer, NumberOptions()));
  const Node& conv = At(unit.main);
  const std::string& name = At(unit.last).name;
  QuantizedConvAttributes attributes =
      ConvAttributesOf(conv, ShapeOf(conv.inputs[1]), src.params);
  if (unit.normalize != kNoUnitNode) {
    attributes.pad = PixelPad(At(unit.normalize).As<NormalizeAttributes>());
  }
  const PackedFactors factors = PackFactors(numbers.factors);
  std::vector<float> floats = PackChannels(numbers.scale);
  const std::vector<float> offsets = PackChannels(numbers.offset);
  const auto columns = static_cast<int64_t>(floats.size());
  floats.insert(floats.end(), offsets.begin(), offsets.end());
  Node node = {.name = name, .op = Op::kQuantizedConv2DFloat};
  node.inputs = {
      src.value,
      AddPacked(name, layer.shape, numbers.weights.codes, DataType::kInt8),
      AddConst(name + "/bias", Tensor::FromInts({columns}, factors.bias)),
      AddConst(name + "/scale", Tensor::FromFloats({2, columns}, floats))};
  node.attributes = std::move(attributes);
  floats_[{.node = unit.last}] = out_.Add(std::move(node));
  layers_.push_back({.name = name,
                     .kind = "conv to float",
                     .weight_sqnr_db = numbers.weight_sqnr_db});
  return OkStatus();
}

Status GraphQuantizer::AddGatedConv(const LayerUnit& unit,
                                    const RealLayer& layer) {
  const Node& conv = At(unit.main);
  const Node& gate = At(unit.gate);
  const std::string& name = At(unit.last).name;
  CYTO8_ASSIGN_OR_RETURN(const Codes src, CodesOf(gate.inputs[0]));
  if (!src.sums) return Internal("gate without sums");
  Node gate_node = {.name = gate.name, .op = Op::kQuantizedGate};
  gate_node.inputs = {*src.sums, src.value};
  for (size_t i = 1; i < gate.inputs.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(const ValueRef constant, FloatOf(gate.inputs[i]));
    gate_node.inputs.push_back(constant);
  }
  gate_node.attributes = QuantizedGateAttributes{
      .gate = gate.As<SqueezeExciteAttributes>(), .src = src.params};
  const ValueRef gate_value = out_.Add(std::move(gate_node));
  QuantizedLayer note = {.kind = "gated conv"};
  CYTO8_ASSIGN_OR_RETURN(
      const CodeScale dst,
      ChooseCodes({.node = unit.last}, unit.activation, &note));
  std::vector<ValueRef> addends;
  CYTO8_ASSIGN_OR_RETURN(const auto addend, AddendOf(unit, addends));
  CYTO8_ASSIGN_OR_RETURN(
      const GatedNumbers numbers,
      NumbersForGated(CodeScaleOf(src.params), layer, dst, addend));
  std::vector<float> floats = numbers.scale;
  floats.insert(floats.end(), numbers.bias.begin(), numbers.bias.end());
  QuantizedConvAttributes attributes =
      ConvAttributesOf(conv, ShapeOf(conv.inputs[1]), src.params);
  attributes.requantize = numbers.requantize;
  attributes.addend_multiplier = numbers.addend_multiplier;
  attributes.addend_offset_codes = numbers.addend_offset_codes;
  Node node = {.name = name, .op = Op::kGatedConv2D};
  node.inputs = {
      src.value,
      AddPacked(name, layer.shape, numbers.weights, DataType::kInt16),
      AddConst(name + "/scale",
               Tensor::FromFloats({2, layer.shape.outputs}, floats)),
      gate_value};
  node.inputs.insert(node.inputs.end(), addends.begin(), addends.end());
  node.attributes = std::move(attributes);
  Made(unit, std::move(node), numbers.requantize.dst, std::move(note));
  return OkStatus();
}

Status GraphQuantizer::AddConv(const LayerUnit& unit) {
  const RealLayer layer = RealConv(unit);
  if (unit.gate != kNoUnitNode) return AddGatedConv(unit, layer);
  const Node& conv = At(unit.main);
  const std::string& name = At(unit.last).name;
  const bool pixels = unit.normalize != kNoUnitNode;
  CYTO8_ASSIGN_OR_RETURN(const Codes src,
                         pixels ? PixelsOf(unit) : CodesOf(conv.inputs[0]));
  CYTO8_ASSIGN_OR_RETURN(
      const SourceCodes source,
      SourceOf(src, conv.inputs[0], pixels ? &unit : nullptr));
  if (unit.is_output) return AddFloatConv(unit, src, source, layer);
  QuantizedLayer note = {.kind = pixels ? "stem" : "conv"};
  CYTO8_ASSIGN_OR_RETURN(
      const CodeScale dst,
      ChooseCodes({.node = unit.last}, unit.activation, &note));
  std::vector<ValueRef> addends;
  CYTO8_ASSIGN_OR_RETURN(const auto addend, AddendOf(unit, addends));
  CYTO8_ASSIGN_OR_RETURN(
      const LayerNumbers numbers,
      NumbersForCodes(source, layer, {dst}, addend, NumberOptions()));
  QuantizedConvAttributes attributes =
      ConvAttributesOf(conv, ShapeOf(conv.inputs[1]), src.params);
  attributes.requantize = numbers.requantize;
  attributes.addend_multiplier = numbers.addend_multiplier;
  if (pixels) {
    attributes.pad = PixelPad(At(unit.normalize).As<NormalizeAttributes>());
  }
  Node node = {.name = name, .op = Op::kQuantizedConv2D};
  node.inputs = {
      src.value,
      AddPacked(name, layer.shape, numbers.weights.codes, DataType::kInt8),
      AddConst(name + "/factors", FactorTensor(numbers.factors, true))};
  node.inputs.insert(node.inputs.end(), addends.begin(), addends.end());
  node.attributes = std::move(attributes);
  note.table_error_codes = numbers.table_error_codes;
  note.weight_sqnr_db = numbers.weight_sqnr_db;
  Made(unit, std::move(node), numbers.requantize.dst, std::move(note));
  return OkStatus();
}

// A scale for each channel of what only a 1x1 convolution reads.
StatusOr<std::vector<CodeScale>> GraphQuantizer::SeparableCodes(
    const LayerUnit& unit, QuantizedLayer& layer) const {
  CYTO8_ASSIGN_OR_RETURN(const ObservedValues* seen,
                         Observed({.node = unit.last}));
  std::vector<ValueRange> ranges;
  std::vector<double> variances;
  for (const ChannelStatistics& channel : seen->channels) {
    ranges.push_back({.min = std::min(0.0, static_cast<double>(channel.min)),
                      .max = std::max(0.0, static_cast<double>(channel.max))});
    variances.push_back(
        std::max(0.0, channel.mean_square - channel.mean * channel.mean));
  }
  const Tensor& kernel = *ConstantOf(graph_, At(unit.separable).inputs[1]);
  CYTO8_ASSIGN_OR_RETURN(
      const EqualizedChannels equalized,
      Annotate(EqualizeChannels(ranges, {.weights = kernel.data<float>(),
                                         .outputs = kernel.shape()[3],
                                         .mean_squares = variances}),
               "value \"" + At(unit.last).name + "\""));
  layer.alpha = equalized.alpha;
  layer.equalized = true;
  std::vector<CodeScale> codes;
  for (const AffineU8& params : equalized.params) {
    codes.push_back({.scale = params.scale, .zero_point = params.zero_point});
  }
  return codes;
}

Status GraphQuantizer::AddDepthwise(const LayerUnit& unit) {
  const Node& conv = At(unit.main);
  const std::string& name = At(unit.last).name;
  CYTO8_ASSIGN_OR_RETURN(const Codes src, CodesOf(conv.inputs[0]));
  CYTO8_ASSIGN_OR_RETURN(const SourceCodes source,
                         SourceOf(src, conv.inputs[0], nullptr));
  const Tensor& kernel = *ConstantOf(graph_, conv.inputs[1]);
  const Shape& k = kernel.shape();
  RealLayer layer = {.shape = {.taps = k[0] * k[1],
                               .inputs = 1,
                               .outputs = k[2],
                               .groups = k[2]},
                     .weights = kernel.data<float>(),
                     .bias = {},
                     .activation = unit.activation};
  if (conv.inputs.size() > 2) {
    layer.bias = ConstantOf(graph_, conv.inputs[2])->data<float>();
  }
  QuantizedLayer note = {.kind = "depthwise"};
  const bool separable = options_.equalize && unit.separable != kNoUnitNode;
  std::vector<CodeScale> dst;
  if (separable) {
    CYTO8_ASSIGN_OR_RETURN(dst, SeparableCodes(unit, note));
  } else {
    CYTO8_ASSIGN_OR_RETURN(
        const CodeScale one,
        ChooseCodes({.node = unit.last}, unit.activation, &note));
    dst = {one};
  }
  CYTO8_ASSIGN_OR_RETURN(
      const LayerNumbers numbers,
      NumbersForCodes(source, layer, dst, std::nullopt, NumberOptions()));
  // Should dst have grown, all of its scales have, alike.
  const float growth = numbers.requantize.dst.scale / dst[0].scale;
  for (CodeScale& codes : dst) codes.scale *= growth;
  QuantizedConvAttributes attributes = ConvAttributesOf(conv, k, src.params);
  attributes.requantize = numbers.requantize;
  Tensor codes = *Tensor::Create(DataType::kInt8, {k[0], k[1], k[2]});
  std::ranges::copy(numbers.weights.codes,
                    codes.mutable_data<int8_t>().begin());
  Node node = {.name = name, .op = Op::kQuantizedDepthwiseConv2D};
  node.inputs = {
      src.value, AddConst(name + "/weights", std::move(codes)),
      AddConst(name + "/factors", FactorTensor(numbers.factors, false))};
  node.attributes = std::move(attributes);
  note.table_error_codes = numbers.table_error_codes;
  note.weight_sqnr_db = numbers.weight_sqnr_db;
  Made(unit, std::move(node), numbers.requantize.dst, std::move(note));
  if (separable) codes_[{.node = unit.last}].channels = dst;
  return OkStatus();
}

// Weights [n] or [n, C], or ones of a plain sum, as [n, C].
std::vector<float> TermWeights(const Tensor* weights, size_t terms,
                               size_t channels) {
  std::vector<float> all(terms * channels, 1.0f);
  if (weights == nullptr) return all;
  const std::span<const float> values = weights->data<float>();
  const bool per_channel = values.size() == all.size();
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = values[per_channel ? i : i / channels];
  }
  return all;
}

Status GraphQuantizer::AddSum(const LayerUnit& unit) {
  const Node& sum = At(unit.main);
  const std::string& name = At(unit.last).name;
  QuantizedSumAttributes attributes;
  attributes.activation = unit.activation;
  std::vector<CodeScale> terms;
  Node node = {.name = name, .op = Op::kQuantizedWeightedSum};
  for (size_t i = 0; i < unit.resizers.size(); ++i) {
    const int64_t resizer = unit.resizers[i];
    SourceResize resize;
    ValueRef term = sum.inputs[i];
    if (resizer != kNoUnitNode) {
      term = At(resizer).inputs[0];
      if (At(resizer).op == Op::kMaxPool) {
        resize.pool = At(resizer).As<PoolAttributes>();
      } else {
        resize.upsample = At(resizer).As<UpsampleAttributes>();
      }
    }
    CYTO8_ASSIGN_OR_RETURN(const Codes codes, CodesOf(term));
    terms.push_back(CodeScaleOf(codes.params));
    node.inputs.push_back(codes.value);
    attributes.sources.push_back(resize);
  }
  QuantizedLayer note = {.kind = "sum"};
  CYTO8_ASSIGN_OR_RETURN(
      const CodeScale dst,
      ChooseCodes({.node = unit.last}, unit.activation, &note));
  const auto channels =
      static_cast<size_t>(ShapeOf({.node = unit.main}).back());
  const bool weighted = sum.op == Op::kWeightedSum;
  const std::vector<float> weights =
      TermWeights(weighted ? ConstantOf(graph_, sum.inputs.back()) : nullptr,
                  terms.size(), channels);
  CYTO8_ASSIGN_OR_RETURN(
      const SumNumbers numbers,
      NumbersForSum(terms, weights, static_cast<int64_t>(channels),
                    unit.activation, dst));
  attributes.requantize = numbers.requantize;
  Tensor factors = *Tensor::Create(
      DataType::kInt16,
      {static_cast<int64_t>(terms.size()) + 1, static_cast<int64_t>(channels)});
  std::ranges::copy(numbers.factors, factors.mutable_data<int16_t>().begin());
  node.inputs.push_back(AddConst(name + "/factors", std::move(factors)));
  node.attributes = std::move(attributes);
  Made(unit, std::move(node), numbers.requantize.dst, std::move(note));
  return OkStatus();
}

Status GraphQuantizer::AddCodes(const LayerUnit& unit) {
  const Node& old = At(unit.main);
  CYTO8_ASSIGN_OR_RETURN(const Codes src, CodesOf(old.inputs[0]));
  Node node = {.name = old.name, .op = old.op};
  node.inputs = {src.value};
  node.attributes = old.attributes;
  Made(unit, std::move(node), src.params,
       {.kind = old.op == Op::kMaxPool ? "max pool" : "up-sampling"});
  return OkStatus();
}

Status GraphQuantizer::AddUnit(const LayerUnit& unit) {
  switch (unit.kind) {
    case UnitKind::kConv:
      return AddConv(unit);
    case UnitKind::kDepthwise:
      return AddDepthwise(unit);
    case UnitKind::kSum:
      return AddSum(unit);
    case UnitKind::kCodes:
      return AddCodes(unit);
  }
  return Internal("unknown unit");
}

Status GraphQuantizer::AddFloat(int64_t number) {
  Node node = At(number);
  for (ValueRef& input : node.inputs) {
    CYTO8_ASSIGN_OR_RETURN(input, FloatOf(input));
  }
  if (node.op != Op::kInput && node.op != Op::kConst) {
    float_nodes_.push_back(node.name + " (" + std::string(OpName(node.op)) +
                           ")");
  }
  const auto ports = std::ssize(node.outputs);
  const ValueRef value = out_.Add(std::move(node));
  for (int64_t port = 0; port < ports; ++port) {
    floats_[{.node = number, .port = port}] = {.node = value.node,
                                               .port = port};
  }
  return OkStatus();
}

StatusOr<QuantizedGraph> GraphQuantizer::Run(const Limits& limits) {
  for (int64_t i = 0; i < std::ssize(graph_.nodes); ++i) {
    const int64_t unit = units_.unit_of[Index(i)];
    if (unit < 0 && units_.absorbed[Index(i)]) continue;
    CYTO8_RETURN_IF_ERROR(
        Annotate(unit >= 0 ? AddUnit(units_.units[Index(unit)]) : AddFloat(i),
                 "node \"" + At(i).name + "\""));
  }
  for (const GraphOutput& output : graph_.outputs) {
    CYTO8_ASSIGN_OR_RETURN(const ValueRef value, FloatOf(output.value));
    out_.outputs.push_back({.name = output.name, .value = value});
  }
  CYTO8_ASSIGN_OR_RETURN(Graph live, RemoveDeadNodes(std::move(out_)));
  CYTO8_ASSIGN_OR_RETURN(live, InferShapes(std::move(live), limits));
  CYTO8_RETURN_IF_ERROR(ValidateGraph(live, limits));
  return QuantizedGraph{.graph = std::move(live),
                        .layers = std::move(layers_),
                        .float_nodes = std::move(float_nodes_)};
}

// Every word must match something, or it was misspelt.
StatusOr<std::vector<bool>> ExcludedNodes(const Graph& graph,
                                          const QuantizeOptions& options) {
  std::vector<bool> excluded(graph.nodes.size(), false);
  const auto mark = [&](const std::vector<std::string>& words, const char* what,
                        const auto& word_of) -> Status {
    for (const std::string& word : words) {
      bool matches = false;
      std::vector<std::string_view> known;
      for (size_t i = 0; i < graph.nodes.size(); ++i) {
        const std::string_view own = word_of(graph.nodes[i]);
        known.push_back(own);
        if (own != word) continue;
        excluded[i] = matches = true;
      }
      if (!matches) {
        return InvalidArgument(std::string(what) + " \"" + word +
                               "\" matches nothing in the network" +
                               DidYouMean(word, known));
      }
    }
    return OkStatus();
  };
  CYTO8_RETURN_IF_ERROR(
      mark(options.excluded_nodes, "excluded node",
           [](const Node& node) -> std::string_view { return node.name; }));
  CYTO8_RETURN_IF_ERROR(mark(options.excluded_ops, "excluded operator",
                             [](const Node& node) { return OpName(node.op); }));
  return excluded;
}

}  // namespace

StatusOr<std::vector<ValueRef>> ValuesToCalibrate(
    const Graph& graph, const QuantizeOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<bool> excluded,
                         ExcludedNodes(graph, options));
  return ValuesToObserve(graph, FindLayerUnits(graph, excluded));
}

StatusOr<QuantizedGraph> QuantizeGraph(const Graph& graph,
                                       const Calibration& calibration,
                                       const QuantizeOptions& options,
                                       const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<bool> excluded,
                         ExcludedNodes(graph, options));
  const LayerUnits units = FindLayerUnits(graph, excluded);
  return GraphQuantizer(graph, units, calibration, options).Run(limits);
}

}  // namespace cyto8
