// SPDX-License-Identifier: Apache-2.0
// Attributes that several of TensorFlow's operators have in common, read and
// checked. Tested by tests/detector/import/node_conversion_test.cc.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/import/attribute_scope.h"

namespace cyto8 {

// kUnimplemented with that message unless the condition holds.
Status Require(bool condition, const std::string& message);

// data_format: absent or NHWC.
Status CheckChannelsLast(const AttributeScope& attributes);

// [1, y, x, 1] as {y, x}; each in [1, 1024].
StatusOr<std::array<int64_t, 2>> ToSpatial(const std::string& name,
                                           const std::vector<int64_t>& all);
StatusOr<std::array<int64_t, 2>> SpatialAttribute(
    const AttributeScope& attributes, const std::string& name,
    std::optional<std::vector<int64_t>> fallback = {});

// padding and explicit_paddings.
StatusOr<Padding> PaddingAttribute(const AttributeScope& attributes);

StatusOr<ConvAttributes> ConvolutionAttributes(
    const AttributeScope& attributes);
StatusOr<MatMulAttributes> MatrixAttributes(const AttributeScope& attributes);
// kUnimplemented if the node is in training.
StatusOr<BatchNormAttributes> FusedBatchNormAttributes(
    const AttributeScope& attributes);

// The type an operator is asked to give; nullopt if we have none such.
StatusOr<std::optional<DataType>> ResultType(
    const AttributeScope& attributes, const std::string& name,
    std::optional<tf::DataType> fallback = {});

}  // namespace cyto8
