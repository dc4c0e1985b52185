// SPDX-License-Identifier: Apache-2.0
// The working state of one conversion from TensorFlow's nodes to ours: what a
// rule (op_rules.h) sees of the node it converts and what it may add. Internal
// to node_conversion.cc and the rules; tested by
// tests/detector/import/node_conversion_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/import/attribute_scope.h"
#include "detector/import/function_inlining.h"

namespace cyto8 {

// The node being converted and what it may touch.
class Conversion {
 public:
  Conversion(FlatGraph flat, int64_t file_bytes, const Limits& limits);

  StatusOr<Graph> Run();

  // Of the node being converted. References hold until the next Add().
  const FlatNode& source() const { return flat_.nodes[current_]; }
  const AttributeScope& attributes() const { return *source().attributes; }
  Node& node() { return graph_.nodes[current_]; }
  const Limits& limits() const { return limits_; }

  // Appends a step before the node; its name is "node/suffix", or that with _2,
  // _3, ... if taken.
  ValueRef Add(const std::string& suffix, Op op, std::vector<ValueRef> inputs,
               Attributes attributes = {});
  // Makes the node itself the last step.
  void Finish(Op op, std::vector<ValueRef> inputs, Attributes attributes = {});
  // For an operator that has no counterpart after all.
  void MakeOpaque();
  // The constant behind identities, null if there is none.
  const Tensor* Constant(ValueRef value) const;
  // The same; kUnimplemented if there is none.
  StatusOr<std::vector<int64_t>> ConstantInts(ValueRef value) const;
  StatusOr<std::shared_ptr<const Tensor>> Decode(const tf::TensorProto& proto);

 private:
  void StartNodes();
  void DropBackEdges();
  Status ConvertNode(size_t index);
  Status ConvertAll(bool sources);
  Status CheckOutputs();
  Status CheckKernels() const;
  Status CheckKernel(const Node& reader) const;
  int64_t SourceOf(ValueRef value) const;

  const Limits& limits_;
  FlatGraph flat_;
  Graph graph_;
  size_t current_ = 0;
  int64_t repeat_budget_bytes_;
  std::unordered_set<std::string> names_;
  // A constant in a function body is decoded once, however often it is called.
  std::map<const tf::TensorProto*, std::shared_ptr<const Tensor>> decoded_;
  std::set<const Tensor*> left_out_;  // the file holds no value of them.
};

}  // namespace cyto8
