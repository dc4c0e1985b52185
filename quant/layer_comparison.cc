// SPDX-License-Identifier: Apache-2.0
// See layer_comparison.h.
#include "quant/layer_comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>

namespace cyto8 {
namespace {

constexpr int kCodes = 256;

// What codes stand for, if one scale says so.
std::optional<QuantParams> ParamsOf(const Graph& graph, ValueRef value) {
  const Node& node = graph.node(value);
  switch (node.op) {
    case Op::kQuantizedConv2D:
    case Op::kGatedConv2D:
    case Op::kQuantizedDepthwiseConv2D:
      return node.As<QuantizedConvAttributes>().requantize.dst;
    case Op::kQuantizedWeightedSum:
      return node.As<QuantizedSumAttributes>().requantize.dst;
    case Op::kQuantize:
      return node.As<CodeAttributes>().codes;
    case Op::kMaxPool:
    case Op::kUpsampleNearest:
      return ParamsOf(graph, node.inputs[0]);
    default:
      return std::nullopt;
  }
}

std::optional<ResultCodes> CodesOf(const Graph& graph, int64_t number) {
  const ValueRef value{.node = number};
  const Node& node = graph.node(value);
  if (node.op == Op::kQuantizedGate || node.op == Op::kQuantize ||
      node.op == Op::kDequantize) {
    return std::nullopt;
  }
  const DataType type = graph.desc(value).type;
  if (type == DataType::kFloat32) return ResultCodes{.are_floats = true};
  const auto params = ParamsOf(graph, value);
  if (type != DataType::kUint8 || !params) return std::nullopt;
  return ResultCodes{.params = *params};
}

double RealOf(const QuantParams& params, double code) {
  return static_cast<double>(params.scale) *
         (code - static_cast<double>(params.zero_point));
}

// Sums of one tile of one result; real(i) is the INT8 network's value.
template <typename Real>
void Sum(std::span<const float> fp32, const Real& real, LayerError& error) {
  if (error.values == 0 && !fp32.empty()) {
    error.fp32_min = error.fp32_max = static_cast<double>(fp32[0]);
  }
  for (size_t i = 0; i < fp32.size(); ++i) {
    const double wanted = static_cast<double>(fp32[i]);
    const double difference = wanted - real(i);
    error.signal += wanted * wanted;
    error.noise += difference * difference;
    error.max_error = std::max(error.max_error, std::abs(difference));
    error.fp32_min = std::min(error.fp32_min, wanted);
    error.fp32_max = std::max(error.fp32_max, wanted);
  }
  error.values += std::ssize(fp32);
}

void SumCodes(std::span<const uint8_t> codes, const QuantParams& params,
              std::span<const float> fp32, LayerError& error) {
  std::array<double, kCodes> reals = {};
  for (size_t code = 0; code < reals.size(); ++code) {
    reals[code] = RealOf(params, static_cast<double>(code));
  }
  Sum(
      fp32, [&](size_t i) { return reals[codes[i]]; }, error);
  error.range = {.min = reals.front(), .max = reals.back()};
  const double half_step = static_cast<double>(params.scale) / 2;
  const double low = reals.front() - half_step;
  const double high = reals.back() + half_step;
  error.saturated += std::ranges::count_if(fp32, [=](float value) {
    return static_cast<double>(value) < low ||
           static_cast<double>(value) > high;
  });
}

// The input's elements, or why they are none.
StatusOr<std::span<uint8_t>> PixelsOf(InferRequest& request) {
  const std::vector<ModelPort>& inputs = request.model().inputs();
  if (inputs.size() != 1 || inputs[0].type != DataType::kUint8) {
    return InvalidArgument("network: must have one input, of 8-bit pixels");
  }
  return request.input_as<uint8_t>(0);
}

Status Fill(std::span<const uint8_t> pixels, InferRequest& request) {
  CYTO8_ASSIGN_OR_RETURN(const std::span<uint8_t> input, PixelsOf(request));
  if (pixels.size() != input.size()) {
    return InvalidArgument("pixels: " + std::to_string(pixels.size()) +
                           " bytes: the network takes " +
                           std::to_string(input.size()));
  }
  std::ranges::copy(pixels, input.begin());
  return OkStatus();
}

}  // namespace

std::optional<double> LayerError::sqnr_db() const {
  if (signal <= 0 || noise <= 0) return std::nullopt;
  return 10 * std::log10(signal / noise);
}

std::map<std::string, ResultCodes> ComparableResults(
    const QuantizedGraph& quantized) {
  std::set<std::string> per_channel;
  for (const QuantizedLayer& layer : quantized.layers) {
    if (layer.equalized) per_channel.insert(layer.name);
  }
  std::map<std::string, ResultCodes> results;
  for (int64_t i = 0; i < std::ssize(quantized.graph.nodes); ++i) {
    const std::string& name =
        quantized.graph.nodes[static_cast<size_t>(i)].name;
    const auto codes = CodesOf(quantized.graph, i);
    if (codes && !per_channel.contains(name)) results.emplace(name, *codes);
  }
  return results;
}

Status CompareResult(std::span<const std::byte> int8, const ResultCodes& codes,
                     std::span<const float> fp32, LayerError& error) {
  const size_t bytes = codes.are_floats ? sizeof(float) : sizeof(uint8_t);
  if (int8.size() != fp32.size() * bytes) {
    return InvalidArgument(std::to_string(int8.size()) +
                           " bytes of the INT8 network: must be " +
                           std::to_string(fp32.size() * bytes));
  }
  if (codes.are_floats) {
    const auto* const floats = reinterpret_cast<const float*>(int8.data());
    Sum(
        fp32, [=](size_t i) { return static_cast<double>(floats[i]); }, error);
  } else {
    const auto* const first = reinterpret_cast<const uint8_t*>(int8.data());
    SumCodes({first, int8.size()}, codes.params, fp32, error);
  }
  if (std::isfinite(error.signal) && std::isfinite(error.noise)) {
    return OkStatus();
  }
  return InvalidArgument("values must be finite");
}

StatusOr<LayerComparison> LayerComparison::Create(
    const Graph& fp32, const QuantizedGraph& quantized,
    const CompileOptions& compile) {
  CompileOptions whole = compile;
  whole.whole_values = true;
  std::vector<InferRequest> requests;
  for (const Graph* graph : {&fp32, &quantized.graph}) {
    CYTO8_ASSIGN_OR_RETURN(const auto model,
                           CompiledModel::Create(*graph, whole));
    CYTO8_ASSIGN_OR_RETURN(InferRequest request, InferRequest::Create(model));
    CYTO8_RETURN_IF_ERROR(PixelsOf(request).status());
    requests.push_back(std::move(request));
  }
  return LayerComparison(ComparableResults(quantized), std::move(requests[0]),
                         std::move(requests[1]));
}

Status LayerComparison::Observe(std::span<const uint8_t> pixels,
                                ParallelFor& executor) {
  CYTO8_RETURN_IF_ERROR(Fill(pixels, fp32_));
  CYTO8_RETURN_IF_ERROR(Fill(pixels, int8_));
  CYTO8_RETURN_IF_ERROR(int8_.Run(
      executor,
      [this](const std::string& node, std::span<const std::byte> result) {
        if (!codes_.contains(node)) return OkStatus();
        results_[node].assign(result.begin(), result.end());
        return OkStatus();
      }));
  return fp32_.Run(executor, [this](const std::string& node,
                                    std::span<const std::byte> result) {
    const auto found = results_.find(node);
    if (found == results_.end()) return OkStatus();
    return Annotate(
        CompareResult(found->second, codes_.at(node),
                      {reinterpret_cast<const float*>(result.data()),
                       result.size() / sizeof(float)},
                      errors_[node]),
        "value \"" + node + "\"");
  });
}

}  // namespace cyto8
