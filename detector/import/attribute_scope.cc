// SPDX-License-Identifier: Apache-2.0
// Attributes of a node with placeholders resolved; see attribute_scope.h.
#include "detector/import/attribute_scope.h"

namespace cyto8 {
namespace {

using tf::AttrValue;

std::string KindName(AttrValue::ValueCase kind) {
  const auto* field =
      AttrValue::descriptor()->FindFieldByNumber(static_cast<int>(kind));
  return field == nullptr ? "nothing" : field->name();
}

Status Missing(const std::string& name) {
  return InvalidArgument("attribute '" + name + "' is missing");
}

// The value that `get` takes from the attribute, or the fallback.
template <typename T, typename Get>
StatusOr<T> ValueOr(const StatusOr<const AttrValue*>& found,
                    const std::string& name, const std::optional<T>& fallback,
                    Get get) {
  if (!found.ok()) return found.status();
  if (*found != nullptr) return get(**found);
  if (fallback.has_value()) return *fallback;
  return Missing(name);
}

}  // namespace

const AttrValue* AttributeScope::Find(const std::string& name) const {
  const auto found = attributes_->find(name);
  if (found == attributes_->end()) return nullptr;
  const AttrValue& value = found->second;
  if (value.value_case() != AttrValue::kPlaceholder) return &value;
  return caller_ == nullptr ? nullptr : caller_->Find(value.placeholder());
}

StatusOr<const AttrValue*> AttributeScope::FindKind(
    const std::string& name, AttrValue::ValueCase kind) const {
  const AttrValue* value = Find(name);
  if (value == nullptr || value->value_case() == kind) return value;
  return InvalidArgument("attribute '" + name + "' holds '" +
                         KindName(value->value_case()) + "': must hold '" +
                         KindName(kind) + "'");
}

StatusOr<int64_t> AttributeScope::Int(const std::string& name,
                                      std::optional<int64_t> fallback) const {
  return ValueOr(FindKind(name, AttrValue::kI), name, fallback,
                 [](const AttrValue& value) { return int64_t{value.i()}; });
}

StatusOr<float> AttributeScope::Float(const std::string& name,
                                      std::optional<float> fallback) const {
  return ValueOr(FindKind(name, AttrValue::kF), name, fallback,
                 [](const AttrValue& value) { return value.f(); });
}

StatusOr<bool> AttributeScope::Bool(const std::string& name,
                                    std::optional<bool> fallback) const {
  return ValueOr(FindKind(name, AttrValue::kB), name, fallback,
                 [](const AttrValue& value) { return value.b(); });
}

StatusOr<std::string> AttributeScope::String(
    const std::string& name, std::optional<std::string> fallback) const {
  return ValueOr(FindKind(name, AttrValue::kS), name, fallback,
                 [](const AttrValue& value) { return value.s(); });
}

StatusOr<tf::DataType> AttributeScope::Type(
    const std::string& name, std::optional<tf::DataType> fallback) const {
  return ValueOr(FindKind(name, AttrValue::kType), name, fallback,
                 [](const AttrValue& value) { return value.type(); });
}

StatusOr<std::vector<int64_t>> AttributeScope::Ints(
    const std::string& name,
    std::optional<std::vector<int64_t>> fallback) const {
  return ValueOr(FindKind(name, AttrValue::kList), name, fallback,
                 [](const AttrValue& value) {
                   const auto& list = value.list().i();
                   return std::vector<int64_t>(list.begin(), list.end());
                 });
}

StatusOr<std::vector<std::string>> AttributeScope::Strings(
    const std::string& name) const {
  return ValueOr(FindKind(name, AttrValue::kList), name,
                 std::optional<std::vector<std::string>>(),
                 [](const AttrValue& value) {
                   const auto& list = value.list().s();
                   return std::vector<std::string>(list.begin(), list.end());
                 });
}

StatusOr<const tf::TensorShapeProto*> AttributeScope::Shape(
    const std::string& name) const {
  return ValueOr(FindKind(name, AttrValue::kShape), name,
                 std::optional<const tf::TensorShapeProto*>(nullptr),
                 [](const AttrValue& value) { return &value.shape(); });
}

StatusOr<const tf::TensorProto*> AttributeScope::Tensor(
    const std::string& name) const {
  return ValueOr(FindKind(name, AttrValue::kTensor), name,
                 std::optional<const tf::TensorProto*>(),
                 [](const AttrValue& value) { return &value.tensor(); });
}

StatusOr<const tf::NameAttrList*> AttributeScope::Function(
    const std::string& name) const {
  return ValueOr(FindKind(name, AttrValue::kFunc), name,
                 std::optional<const tf::NameAttrList*>(),
                 [](const AttrValue& value) { return &value.func(); });
}

}  // namespace cyto8
