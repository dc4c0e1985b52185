// SPDX-License-Identifier: Apache-2.0
// What a model file says about itself that the imported graph no longer holds:
// for `cyto8 graph summarize`. Tested by
// tests/detector/import/graph_source_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "detector/graph/tensor.h"
#include "detector/import/graph_def.pb.h"
#include "detector/import/graph_def_parse.h"

namespace cyto8 {

struct FunctionSource {
  std::string name;
  std::map<std::string, int64_t> op_counts = {};  // of its body.
};

struct VariableSource {
  std::string name;
  std::string op;                   // VariableV2, VarHandleOp, ...
  std::optional<Shape> shape = {};  // nullopt: unknown rank.
};

struct GraphSource {
  GraphDefFormat format = GraphDefFormat::kBinary;
  std::optional<int64_t> producer_version = {};  // nullopt: the file has none.
  int64_t node_count = 0;                        // without function bodies.
  int64_t control_edge_count = 0;
  std::map<std::string, int64_t> nodes_per_device = {};  // "" for none.
  std::map<std::string, int64_t> op_counts =
      {};  // by TensorFlow's operator names.
  std::vector<FunctionSource> functions = {};  // of the library, in file order.
  std::vector<VariableSource> variables = {};
};

// kInvalidArgument if a variable's shape is malformed.
StatusOr<GraphSource> DescribeSource(const tf::GraphDef& graph_def,
                                     GraphDefFormat format,
                                     const Limits& limits);

}  // namespace cyto8
