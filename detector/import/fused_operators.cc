// SPDX-License-Identifier: Apache-2.0
// What TensorFlow's fused operators consist of; see fused_operators.h.
#include "detector/import/fused_operators.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "detector/import/shared_attributes.h"

namespace cyto8 {
namespace {

// One step after another; the last one is the node itself.
class StepChain {
 public:
  StepChain(Conversion& c, size_t steps) : c_(c), left_(steps) {}

  void Append(const std::string& name, Op op, std::vector<ValueRef> inputs,
              Attributes attributes = {}) {
    if (--left_ == 0) {
      c_.Finish(op, std::move(inputs), std::move(attributes));
    } else {
      value_ = c_.Add(name, op, std::move(inputs), std::move(attributes));
    }
  }
  ValueRef value() const { return value_; }

 private:
  Conversion& c_;
  size_t left_;
  ValueRef value_;
};

struct FusedActivation {
  std::string_view name;
  Op op;
};
constexpr FusedActivation kFusedActivations[] = {
    {"Relu", Op::kRelu}, {"Relu6", Op::kRelu6},
    {"Elu", Op::kElu},   {"Sigmoid", Op::kSigmoid},
    {"Tanh", Op::kTanh}, {"_FusedHardSwish", Op::kHardSwish},
};

// The extra arguments of a fused operator, taken in order.
class ArgumentQueue {
 public:
  explicit ArgumentQueue(std::span<const ValueRef> arguments)
      : arguments_(arguments) {}

  StatusOr<ValueRef> Next() {
    if (arguments_.empty()) {
      return InvalidArgument("fewer arguments than 'fused_ops' need");
    }
    const ValueRef value = arguments_.front();
    arguments_ = arguments_.subspan(1);
    return value;
  }
  bool empty() const { return arguments_.empty(); }

 private:
  std::span<const ValueRef> arguments_;
};

Status AppendBatchNorm(const Conversion& c, ArgumentQueue& arguments,
                       StepChain& chain) {
  BatchNormAttributes norm;
  CYTO8_ASSIGN_OR_RETURN(norm.epsilon, c.attributes().Float("epsilon", 1e-4f));
  std::vector<ValueRef> inputs = {chain.value()};
  for (int i = 0; i < 4; ++i) {  // gamma, beta, mean, variance.
    CYTO8_ASSIGN_OR_RETURN(const ValueRef argument, arguments.Next());
    inputs.push_back(argument);
  }
  chain.Append("FusedBatchNorm", Op::kBatchNorm, std::move(inputs), norm);
  return OkStatus();
}

Status AppendLeakyRelu(const Conversion& c, StepChain& chain) {
  LeakyReluAttributes leaky;
  CYTO8_ASSIGN_OR_RETURN(leaky.alpha,
                         c.attributes().Float("leakyrelu_alpha", 0.2f));
  chain.Append("LeakyRelu", Op::kLeakyRelu, {chain.value()}, leaky);
  return OkStatus();
}

Status AppendFusedOp(const Conversion& c, const std::string& name,
                     ArgumentQueue& arguments, StepChain& chain) {
  if (name == "FusedBatchNorm") return AppendBatchNorm(c, arguments, chain);
  if (name == "LeakyRelu") return AppendLeakyRelu(c, chain);
  if (name == "BiasAdd" || name == "Add") {
    CYTO8_ASSIGN_OR_RETURN(const ValueRef argument, arguments.Next());
    const Op op = name == "Add" ? Op::kAdd : Op::kBiasAdd;
    chain.Append(name, op, {chain.value(), argument});
    return OkStatus();
  }
  for (const FusedActivation& activation : kFusedActivations) {
    if (name != activation.name) continue;
    chain.Append(name, activation.op, {chain.value()});
    return OkStatus();
  }
  return Unimplemented("fused_ops holds \"" + name +
                       "\", which is not supported");
}

// The operator `op` on inputs 0 and 1, then each of fused_ops.
Status ConvertFused(Conversion& c, const std::string& name, Op op,
                    Attributes attributes) {
  const std::vector<ValueRef> in = c.node().inputs;
  if (in.size() < 2) {
    return InvalidArgument("inputs = " + std::to_string(in.size()) +
                           ": must be at least 2");
  }
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::string> fused_ops,
                         c.attributes().Strings("fused_ops"));
  StepChain chain(c, fused_ops.size() + 1);
  ArgumentQueue arguments(std::span<const ValueRef>(in).subspan(2));
  chain.Append(name, op, {in[0], in[1]}, std::move(attributes));
  for (const std::string& fused : fused_ops) {
    CYTO8_RETURN_IF_ERROR(AppendFusedOp(c, fused, arguments, chain));
  }
  if (arguments.empty()) return OkStatus();
  return InvalidArgument("more arguments than 'fused_ops' need");
}

Status CheckKernelFormat(const Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const std::string format,
                         c.attributes().String("filter_format", "HWIO"));
  return Require(format == "HWIO",
                 "filter_format = " + format + ": must be HWIO");
}

}  // namespace

Status ConvertFusedConv2D(Conversion& c) {
  CYTO8_RETURN_IF_ERROR(CheckKernelFormat(c));
  CYTO8_ASSIGN_OR_RETURN(const ConvAttributes conv,
                         ConvolutionAttributes(c.attributes()));
  return ConvertFused(c, "Conv2D", Op::kConv2D, conv);
}

Status ConvertFusedDepthwise(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const ConvAttributes conv,
                         ConvolutionAttributes(c.attributes()));
  return ConvertFused(c, "DepthwiseConv2d", Op::kDepthwiseConv2D, conv);
}

Status ConvertFusedMatMul(Conversion& c) {
  CYTO8_ASSIGN_OR_RETURN(const MatMulAttributes matmul,
                         MatrixAttributes(c.attributes()));
  return ConvertFused(c, "MatMul", Op::kMatMul, matmul);
}

// x, gamma, beta, mean, variance[, side input], then an activation.
Status ConvertFusedBatchNormEx(Conversion& c) {
  const std::vector<ValueRef> in = c.node().inputs;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("inputs", static_cast<int64_t>(in.size()), 5, 6));
  CYTO8_RETURN_IF_ERROR(CheckOnlyFirstOutputRead(c));
  CYTO8_ASSIGN_OR_RETURN(const BatchNormAttributes norm,
                         FusedBatchNormAttributes(c.attributes()));
  CYTO8_ASSIGN_OR_RETURN(const std::string activation,
                         c.attributes().String("activation_mode", "Identity"));
  CYTO8_RETURN_IF_ERROR(Require(
      activation == "Identity" || activation == "Relu",
      "activation_mode = " + activation + ": must be Identity or Relu"));
  const bool has_relu = activation == "Relu";
  StepChain chain(c, in.size() - 4 + (has_relu ? 1 : 0));
  chain.Append("FusedBatchNorm", Op::kBatchNorm,
               {in[0], in[1], in[2], in[3], in[4]}, norm);
  if (in.size() == 6) chain.Append("Add", Op::kAdd, {chain.value(), in[5]});
  if (has_relu) chain.Append("Relu", Op::kRelu, {chain.value()});
  return OkStatus();
}

Status CheckOnlyFirstOutputRead(const Conversion& c) {
  return Require(c.source().read_ports == 1,
                 "output " + std::to_string(c.source().read_ports - 1) +
                     " is read: only output 0 exists outside training");
}

}  // namespace cyto8
