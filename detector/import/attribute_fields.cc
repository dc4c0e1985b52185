// SPDX-License-Identifier: Apache-2.0
// The fields of attributes; see attribute_fields.h.
#include "detector/import/attribute_fields.h"

#include <array>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "detector/graph/op_table.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxStep = 1024;  // as ValidateGraph allows.
constexpr int64_t kMaxWindow = int64_t{1} << 20;
constexpr int64_t kMaxPorts = 1024;
constexpr int64_t kMaxChannels = 65'536;
constexpr int64_t kMaxFactor = 1024;
constexpr int64_t kMaxCode = 255;
constexpr int64_t kMaxSegments = 32;
constexpr double kMaxFloat = std::numeric_limits<float>::max();
constexpr double kMinPositive = std::numeric_limits<float>::denorm_min();

constexpr std::array kTypes = {
    DataType::kFloat32, DataType::kInt32, DataType::kInt64, DataType::kUint8,
    DataType::kInt8,    DataType::kBool,  DataType::kInt16};
constexpr std::array kActivations = {
    Activation::kNone,  Activation::kRelu,      Activation::kRelu6,
    Activation::kSwish, Activation::kHardSwish, Activation::kSigmoid};
constexpr std::array kPaddings = {PaddingKind::kValid, PaddingKind::kSame,
                                  PaddingKind::kExplicit};

std::string_view PaddingName(PaddingKind kind) {
  switch (kind) {
    case PaddingKind::kValid:
      return "valid";
    case PaddingKind::kSame:
      return "same";
    case PaddingKind::kExplicit:
      return "explicit";
  }
  return "unknown";
}

template <typename Enum>
StatusOr<Enum> FindWord(const char* name, std::string_view word,
                        std::span<const Enum> all,
                        std::string_view (*name_of)(Enum)) {
  std::string names;
  for (const Enum candidate : all) {
    if (name_of(candidate) == word) return candidate;
    names += (names.empty() ? "" : ", ") + std::string(name_of(candidate));
  }
  return InvalidArgument(std::string(name) + " = \"" + std::string(word) +
                         "\": must be one of " + names);
}

// Keeps the first error; after it nothing is passed any more.
class Fields {
 public:
  Fields(FieldStream& stream, const Limits& limits)
      : stream_(stream), limits_(limits) {}

  const Status& status() const { return status_; }

  template <typename T>
  void Int(const char* name, T& value, int64_t low, int64_t high) {
    int64_t number = value;
    if (!Keep(stream_.Number(number))) return;
    if (Keep(CheckRange(name, number, low, high))) {
      value = static_cast<T>(number);
    }
  }

  void Real(const char* name, float& value, double low = -kMaxFloat) {
    float real = value;
    if (!Keep(stream_.Real(real))) return;
    if (Keep(CheckRange(name, static_cast<double>(real), low, kMaxFloat))) {
      value = real;
    }
  }

  template <typename Enum>
  void Word(const char* name, Enum& value, std::span<const Enum> all,
            std::string_view (*name_of)(Enum)) {
    std::string word(name_of(value));
    if (!Keep(stream_.Word(word))) return;
    const StatusOr<Enum> found = FindWord(name, word, all, name_of);
    if (Keep(found.status())) value = *found;
  }

  // Their number, then each.
  template <typename T, typename Visitor>
  void List(const char* name, std::vector<T>& values, int64_t most,
            const Visitor& visit) {
    int64_t count = std::ssize(values);
    Int(name, count, 0, most);
    if (!status_.ok()) return;
    values.resize(static_cast<size_t>(count));
    for (T& value : values) visit(value);
  }

  // Whether there is one, then the value itself.
  template <typename T>
  void Optional(const char* name, std::optional<T>& value) {
    bool present = value.has_value();
    Flag(name, present);
    if (!status_.ok()) return;
    if (!present) return value.reset();
    if (!value) value.emplace();
    Visit(*value);
  }

  void Flag(const char* name, bool& value) { Int(name, value, 0, 1); }
  void Type(DataType& value) {
    Word<DataType>("type", value, kTypes, DataTypeName);
  }
  void ActivationOf(Activation& value) {
    Word<Activation>("activation", value, kActivations, ActivationName);
  }

  void Visit(std::monostate&) {}
  void Visit(InputAttributes& a) {
    Type(a.desc.type);
    Optional("shape", a.desc.shape);
    Optional("codes", a.desc.quant);
  }
  void Visit(ConstAttributes& a) { Keep(stream_.Constant(a.value)); }
  void Visit(Shape& shape) {
    List("rank", shape, limits_.max_rank,
         [&](int64_t& dim) { Int("dimension", dim, kUnknownDim, INT32_MAX); });
  }
  void Visit(QuantParams& codes) {
    Real("scale", codes.scale, kMinPositive);
    Int("zero point", codes.zero_point, 0, kMaxCode);
  }
  void Visit(Padding& padding) {
    Word<PaddingKind>("padding", padding.kind, kPaddings, PaddingName);
    for (int64_t* side :
         {&padding.top, &padding.bottom, &padding.left, &padding.right}) {
      Int("padding", *side, 0, kMaxWindow);
    }
  }
  void Visit(ConvAttributes& a) {
    for (int64_t& stride : a.strides) Int("stride", stride, 1, kMaxStep);
    for (int64_t& step : a.dilations) Int("dilation", step, 1, kMaxStep);
    Visit(a.padding);
    ActivationOf(a.activation);
  }
  void Visit(PoolAttributes& a) {
    for (int64_t& side : a.kernel) Int("kernel", side, 1, kMaxWindow);
    for (int64_t& stride : a.strides) Int("stride", stride, 1, kMaxWindow);
    Visit(a.padding);
  }
  void Visit(MatMulAttributes& a) {
    Flag("transpose_a", a.transpose_a);
    Flag("transpose_b", a.transpose_b);
  }
  void Visit(BatchNormAttributes& a) { Real("epsilon", a.epsilon); }
  void Visit(LeakyReluAttributes& a) { Real("alpha", a.alpha); }
  void Visit(CastAttributes& a) { Type(a.to); }
  void Visit(AxisAttributes& a) {
    Int("axis", a.axis, -limits_.max_rank - 1, limits_.max_rank);
  }
  void Visit(AxesAttributes& a) {
    List("number of axes", a.axes, limits_.max_rank, [&](int64_t& axis) {
      Int("axis", axis, -limits_.max_rank, limits_.max_rank - 1);
    });
  }
  void Visit(UnpackAttributes& a) {
    Int("axis", a.axis, -limits_.max_rank, limits_.max_rank - 1);
    Int("number of outputs", a.count, 1, kMaxPorts);
  }
  void Visit(StridedSliceAttributes& a) {
    for (int64_t* mask : {&a.begin_mask, &a.end_mask, &a.ellipsis_mask,
                          &a.new_axis_mask, &a.shrink_axis_mask}) {
      Int("mask", *mask, 0, INT32_MAX);
    }
  }
  void Visit(GatherAttributes& a) {
    Int("batch_dims", a.batch_dims, -limits_.max_rank, limits_.max_rank);
  }
  void Visit(ReduceAttributes& a) { Flag("keep_dims", a.keep_dims); }
  void Visit(ResizeAttributes& a) {
    Flag("align_corners", a.align_corners);
    Flag("half_pixel_centers", a.half_pixel_centers);
  }
  void Visit(SwishAttributes& a) { Real("beta", a.beta); }
  void Visit(UpsampleAttributes& a) {
    Int("factor", a.factor_y, 1, kMaxFactor);
    Int("factor", a.factor_x, 1, kMaxFactor);
  }
  void Visit(SqueezeExciteAttributes& a) { ActivationOf(a.activation); }
  void Visit(NormalizeAttributes& a) {
    for (float& mean : a.mean) Real("mean", mean);
    for (float& deviation : a.deviation) {
      Real("deviation", deviation, kMinPositive);
    }
  }
  void Visit(CodeAttributes& a) { Visit(a.codes); }
  void Visit(RequantizeAttributes& a) {
    Visit(a.dst);
    Int("left shift", a.left_shift, 0, 15);
    Int("fraction bits", a.fraction_bits, 0, 5);
    Int("segment shift", a.segment_shift, 0, 15);
    List("number of intercepts", a.intercepts, kMaxSegments,
         [&](int64_t& x) { Int("intercept", x, -(1 << 14), (1 << 14) - 1); });
    List("number of slopes", a.slopes, kMaxSegments,
         [&](int64_t& x) { Int("slope", x, INT16_MIN, INT16_MAX); });
  }
  void Visit(QuantizedConvAttributes& a) {
    Visit(a.conv);
    for (int64_t& side : a.kernel) Int("kernel", side, 1, kMaxChannels);
    Visit(a.src);
    List("number of pad codes", a.pad, kMaxChannels,
         [&](int64_t& code) { Int("pad code", code, 0, kMaxCode); });
    Visit(a.requantize);
    Int("addend multiplier", a.addend_multiplier, INT16_MIN, INT16_MAX);
    Real("addend offset", a.addend_offset_codes);
  }
  void Visit(QuantizedGateAttributes& a) {
    Visit(a.gate);
    Visit(a.src);
  }
  void Visit(SourceResize& a) {
    Visit(a.upsample);
    Optional("pool", a.pool);
  }
  void Visit(QuantizedSumAttributes& a) {
    List("number of resizes", a.sources, kMaxPorts,
         [&](SourceResize& source) { Visit(source); });
    ActivationOf(a.activation);
    Visit(a.requantize);
  }

 private:
  bool Keep(Status status) {
    if (status_.ok()) status_ = std::move(status);
    return status_.ok();
  }

  FieldStream& stream_;
  const Limits& limits_;
  Status status_;
};

template <size_t... kIndices>
Attributes OfIndex(size_t index, std::index_sequence<kIndices...> /*all*/) {
  Attributes attributes;
  static_cast<void>(
      ((kIndices == index && (attributes.emplace<kIndices>(), true)) || ...));
  return attributes;
}

}  // namespace

Status VisitAttributes(Attributes& attributes, FieldStream& stream,
                       const Limits& limits) {
  Fields fields(stream, limits);
  std::visit([&](auto& kind) { fields.Visit(kind); }, attributes);
  return fields.status();
}

StatusOr<DataType> DataTypeNamed(std::string_view name) {
  return FindWord<DataType>("type", name, kTypes, DataTypeName);
}

Attributes DefaultAttributes(Op op) {
  return OfIndex(InfoOf(op).attribute_index,
                 std::make_index_sequence<std::variant_size_v<Attributes>>());
}

}  // namespace cyto8
