// SPDX-License-Identifier: Apache-2.0
// Attributes that several operators have; see shared_attributes.h.
#include "detector/import/shared_attributes.h"

#include <utility>

#include "base/checked_math.h"
#include "detector/import/tensor_proto.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxWindowStep = 1024;  // strides, dilations, kernel sides.
constexpr int64_t kMaxPaddingPx = int64_t{1} << 20;

StatusOr<Padding> ExplicitPadding(const AttributeScope& attributes) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> all,
                         attributes.Ints("explicit_paddings"));
  CYTO8_RETURN_IF_ERROR(CheckRange("length of 'explicit_paddings'",
                                   static_cast<int64_t>(all.size()), 8, 8));
  for (const int64_t value : all) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("explicit_paddings", value, 0, kMaxPaddingPx));
  }
  CYTO8_RETURN_IF_ERROR(
      Require(all[0] == 0 && all[1] == 0 && all[6] == 0 && all[7] == 0,
              "explicit_paddings = " + ShapeToString(all) +
                  ": must be 0 along batch and channels"));
  return Padding{.kind = PaddingKind::kExplicit,
                 .top = all[2],
                 .bottom = all[3],
                 .left = all[4],
                 .right = all[5]};
}

}  // namespace

Status Require(bool condition, const std::string& message) {
  return condition ? OkStatus() : Unimplemented(message);
}

Status CheckChannelsLast(const AttributeScope& attributes) {
  CYTO8_ASSIGN_OR_RETURN(const std::string format,
                         attributes.String("data_format", "NHWC"));
  return Require(format == "NHWC",
                 "data_format = " + format + ": must be NHWC");
}

StatusOr<std::array<int64_t, 2>> ToSpatial(const std::string& name,
                                           const std::vector<int64_t>& all) {
  CYTO8_RETURN_IF_ERROR(CheckRange("length of '" + name + "'",
                                   static_cast<int64_t>(all.size()), 4, 4));
  CYTO8_RETURN_IF_ERROR(Require(all[0] == 1 && all[3] == 1,
                                name + " = " + ShapeToString(all) +
                                    ": must be 1 along batch and channels"));
  for (const int64_t value : {all[1], all[2]}) {
    CYTO8_RETURN_IF_ERROR(CheckRange(name, value, 1, kMaxWindowStep));
  }
  return std::array<int64_t, 2>{all[1], all[2]};
}

StatusOr<std::array<int64_t, 2>> SpatialAttribute(
    const AttributeScope& attributes, const std::string& name,
    std::optional<std::vector<int64_t>> fallback) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> all,
                         attributes.Ints(name, std::move(fallback)));
  return ToSpatial(name, all);
}

StatusOr<Padding> PaddingAttribute(const AttributeScope& attributes) {
  CYTO8_ASSIGN_OR_RETURN(const std::string kind, attributes.String("padding"));
  if (kind == "SAME") return Padding{.kind = PaddingKind::kSame};
  if (kind == "VALID") return Padding{.kind = PaddingKind::kValid};
  if (kind == "EXPLICIT") return ExplicitPadding(attributes);
  return InvalidArgument("padding = \"" + kind +
                         "\": must be SAME, VALID or EXPLICIT");
}

StatusOr<ConvAttributes> ConvolutionAttributes(
    const AttributeScope& attributes) {
  CYTO8_RETURN_IF_ERROR(CheckChannelsLast(attributes));
  ConvAttributes conv;
  CYTO8_ASSIGN_OR_RETURN(conv.strides, SpatialAttribute(attributes, "strides"));
  CYTO8_ASSIGN_OR_RETURN(
      conv.dilations,
      SpatialAttribute(attributes, "dilations", {{1, 1, 1, 1}}));
  CYTO8_ASSIGN_OR_RETURN(conv.padding, PaddingAttribute(attributes));
  return conv;
}

StatusOr<std::optional<DataType>> ResultType(
    const AttributeScope& attributes, const std::string& name,
    std::optional<tf::DataType> fallback) {
  CYTO8_ASSIGN_OR_RETURN(const tf::DataType type,
                         attributes.Type(name, fallback));
  return Annotate(ToDataType(type), "attribute '" + name + "'");
}

StatusOr<MatMulAttributes> MatrixAttributes(const AttributeScope& attributes) {
  MatMulAttributes matmul;
  CYTO8_ASSIGN_OR_RETURN(matmul.transpose_a,
                         attributes.Bool("transpose_a", false));
  CYTO8_ASSIGN_OR_RETURN(matmul.transpose_b,
                         attributes.Bool("transpose_b", false));
  return matmul;
}

// TensorFlow's default is training; its default epsilon is not Keras'.
StatusOr<BatchNormAttributes> FusedBatchNormAttributes(
    const AttributeScope& attributes) {
  CYTO8_RETURN_IF_ERROR(CheckChannelsLast(attributes));
  CYTO8_ASSIGN_OR_RETURN(const bool is_training,
                         attributes.Bool("is_training", true));
  CYTO8_RETURN_IF_ERROR(
      Require(!is_training, "is_training = true: must be false"));
  BatchNormAttributes norm;
  CYTO8_ASSIGN_OR_RETURN(norm.epsilon, attributes.Float("epsilon", 1e-4f));
  return norm;
}

}  // namespace cyto8
