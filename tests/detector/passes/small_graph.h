// SPDX-License-Identifier: Apache-2.0
// Small graphs for the tests of the passes: built in a line per node, printed,
// run before and after. Test code only.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "detector/graph/graph.h"
#include "detector/passes/node_evaluator.h"

namespace cyto8 {

class GraphBuilder {
 public:
  ValueRef Input(std::string name, Shape shape);
  ValueRef Scalar(std::string name, float value);
  // Numbers that look random but are the same in every run, around `center`.
  ValueRef Noise(std::string name, Shape shape, float center = 0);
  ValueRef Floats(std::string name, Shape shape, std::vector<float> values);
  ValueRef Ints(std::string name, const std::vector<int32_t>& values);
  ValueRef Add(Op op, std::string name, std::vector<ValueRef> inputs,
               Attributes attributes = {});
  // A 1x1 Conv2D with SAME padding from `in` to `out` channels; its kernel is
  // "<name>/kernel".
  ValueRef Conv1x1(std::string name, ValueRef x, int64_t in, int64_t out);
  // BiasAdd with "<name>/bias".
  ValueRef Bias(std::string name, ValueRef x, int64_t channels);
  // BatchNorm with "<name>/gamma" and so on.
  ValueRef BatchNorm(std::string name, ValueRef x, int64_t channels);

  // With outputs named like the nodes; valid, shapes inferred.
  Graph Finish(const std::vector<ValueRef>& outputs);

 private:
  Graph graph_;
  uint32_t seed_ = 1;
};

// A line per node that is no constant, "name = Op(input, ...)", in brackets
// behind Op what matters of its attributes; then "-> output = value".
std::string Structure(const Graph& graph);

// The names of all constants, a space between.
std::string ConstantNames(const Graph& graph);

// The values of the constant of that name; empty if there is none.
std::vector<float> FloatsOf(const Graph& graph, const std::string& name);

// The evaluator of the naive kernels.
NodeEvaluator NaiveEvaluator();

// The outputs of a graph for inputs filled with noise; the same for equal
// inputs of different graphs.
StatusOr<std::vector<Tensor>> RunOnNoise(const Graph& graph);

// The largest difference between the float outputs of two graphs, as a share
// of the largest absolute value; a large number if they cannot be compared.
double LargestDifference(const Graph& before, const Graph& after);

// What a pass made of `before`, once it is seen to be valid and to compute the
// same up to `rounding`; an empty graph if the pass failed.
Graph Checked(const Graph& before, StatusOr<Graph> after, double rounding);

}  // namespace cyto8
