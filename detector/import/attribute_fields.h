// SPDX-License-Identifier: Apache-2.0
// The fields of every kind of attributes, each with its name and range, in the
// order in which a .cy8 holds them. One description serves writer and reader,
// so they cannot differ. Tested by tests/detector/import/model_file_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"

namespace cyto8 {

// Names of nodes, operators and outputs, and words, in bytes.
inline constexpr int64_t kMaxFileNameBytes = 4096;
inline constexpr int64_t kMaxWordBytes = 64;

// Where fields go or come from. A writer notes the value; a reader replaces it
// by the next of its kind and fails if there is none.
class FieldStream {
 public:
  virtual ~FieldStream() = default;
  virtual Status Number(int64_t& value) = 0;
  virtual Status Real(float& value) = 0;
  virtual Status Word(std::string& value) = 0;
  virtual Status Constant(std::shared_ptr<const Tensor>& value) = 0;
};

// Passes every field through the stream and checks its range, in both
// directions. kInvalidArgument names field, value and range; what was visited
// before stays.
Status VisitAttributes(Attributes& attributes, FieldStream& stream,
                       const Limits& limits);
// kInvalidArgument names all that there are.
StatusOr<DataType> DataTypeNamed(std::string_view name);

// The kind of attributes that the operator has, with default values.
Attributes DefaultAttributes(Op op);

}  // namespace cyto8
