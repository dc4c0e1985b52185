// SPDX-License-Identifier: Apache-2.0
// See quantized_constants.h.
#include "detector/runtime/quantized_constants.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/checked_math.h"
#include "detector/runtime/memory_plan.h"

namespace cyto8 {
namespace {

StatusOr<std::shared_ptr<const PackedBytes>> AlignedCopy(
    const StepContext& context, size_t i, std::span<const std::byte> bytes) {
  return context.PackedConstant(i)("aligned", std::ssize(bytes),
                                   [bytes](std::span<std::byte> dst) {
                                     std::ranges::copy(bytes, dst.begin());
                                     return OkStatus();
                                   });
}

}  // namespace

StatusOr<AlignedConstant> AlignedConstant::Create(const StepContext& context,
                                                  size_t i, DataType type,
                                                  int64_t count) {
  const std::string name = "input " + std::to_string(i);
  const Tensor* tensor = context.constant(i);
  if (tensor == nullptr) return InvalidArgument(name + ": must be constant");
  if (tensor->type() != type) {
    return InvalidArgument(name + " = " +
                           std::string(DataTypeName(tensor->type())) +
                           ": must be " + std::string(DataTypeName(type)));
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRange("elements of " + name, tensor->element_count(), count, count));
  AlignedConstant aligned;
  aligned.bytes_ = tensor->bytes().data();
  const auto address = reinterpret_cast<uintptr_t>(aligned.bytes_);
  if (address % static_cast<uintptr_t>(kBufferAlignment) == 0) {
    aligned.owner_ = context.shared_constant(i);
    return aligned;
  }
  CYTO8_ASSIGN_OR_RETURN(const auto copy,
                         AlignedCopy(context, i, tensor->bytes()));
  aligned.bytes_ = copy->bytes().data();
  aligned.owner_ = copy;
  return aligned;
}

CodeScale CodeScaleOf(const QuantParams& params) {
  return {.scale = params.scale, .zero_point = params.zero_point};
}

RequantizationOf MakeRequantization(const RequantizeAttributes& attributes) {
  RequantizationOf made;
  made.layer.left_shift = static_cast<int32_t>(attributes.left_shift);
  made.layer.fraction_bits = static_cast<int32_t>(attributes.fraction_bits);
  if (attributes.intercepts.empty()) return made;
  auto table = std::make_shared<EvenTable>();
  table->segment_shift = static_cast<int32_t>(attributes.segment_shift);
  for (size_t i = 0; i < kEvenSegments; ++i) {
    table->intercept[i] = static_cast<int16_t>(attributes.intercepts[i]);
    table->slope[i] = static_cast<int16_t>(attributes.slopes[i]);
  }
  made.layer.table = table.get();
  made.table = std::move(table);
  return made;
}

StatusOr<std::vector<ChannelFactor>> FactorsOf(const StepContext& context,
                                               size_t i, int64_t count) {
  CYTO8_ASSIGN_OR_RETURN(
      const AlignedConstant constant,
      AlignedConstant::Create(context, i, DataType::kInt32, 3 * count));
  const int32_t* const numbers = constant.data<int32_t>();
  std::vector<ChannelFactor> factors(static_cast<size_t>(count));
  for (size_t c = 0; c < factors.size(); ++c) {
    factors[c] = {.bias = numbers[c],
                  .shift = numbers[factors.size() + c],
                  .multiplier = numbers[2 * factors.size() + c]};
    CYTO8_RETURN_IF_ERROR(
        CheckRange("shift", int64_t{factors[c].shift}, 0, 31));
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "multiplier", int64_t{factors[c].multiplier}, 0, (1 << 14) - 1));
  }
  return factors;
}

}  // namespace cyto8
