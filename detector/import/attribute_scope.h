// SPDX-License-Identifier: Apache-2.0
// Reads the attributes of a node by name and kind, with TensorFlow's defaults
// given by the caller. Knows no operators. Tested by
// tests/detector/import/attribute_scope_test.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "detector/import/graph_def.pb.h"

namespace cyto8 {

using AttributeMap = google::protobuf::Map<std::string, cyto8::tf::AttrValue>;

// The attributes of a node and, inside a function body, those of the call, to
// which a placeholder such as "$T" points. Refers to its arguments.
class AttributeScope {
 public:
  explicit AttributeScope(const AttributeMap& attributes,
                          const AttributeScope* caller = nullptr)
      : attributes_(&attributes), caller_(caller) {}

  // Without a fallback the attribute must be there. Every error names it.
  StatusOr<int64_t> Int(const std::string& name,
                        std::optional<int64_t> fallback = {}) const;
  StatusOr<float> Float(const std::string& name,
                        std::optional<float> fallback = {}) const;
  StatusOr<bool> Bool(const std::string& name,
                      std::optional<bool> fallback = {}) const;
  StatusOr<std::string> String(const std::string& name,
                               std::optional<std::string> fallback = {}) const;
  StatusOr<tf::DataType> Type(const std::string& name,
                              std::optional<tf::DataType> fallback = {}) const;
  StatusOr<std::vector<int64_t>> Ints(
      const std::string& name,
      std::optional<std::vector<int64_t>> fallback = {}) const;
  StatusOr<std::vector<std::string>> Strings(const std::string& name) const;
  StatusOr<const tf::TensorProto*> Tensor(const std::string& name) const;
  StatusOr<const tf::NameAttrList*> Function(const std::string& name) const;
  // Null if there is none.
  StatusOr<const tf::TensorShapeProto*> Shape(const std::string& name) const;

 private:
  // Null if there is none, also behind a placeholder.
  const tf::AttrValue* Find(const std::string& name) const;
  // Null if there is none; kInvalidArgument if it is of another kind.
  StatusOr<const tf::AttrValue*> FindKind(const std::string& name,
                                          tf::AttrValue::ValueCase kind) const;

  const AttributeMap* attributes_;
  const AttributeScope* caller_;
};

}  // namespace cyto8
