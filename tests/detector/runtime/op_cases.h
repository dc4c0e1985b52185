// SPDX-License-Identifier: Apache-2.0
// One or more small cases of every operator, with literal results. Data of the
// tests in this folder.
#pragma once

#include <string>
#include <vector>

#include "detector/graph/graph.h"

namespace cyto8 {

struct OpCase {
  std::string name;
  Op op;
  Attributes attributes;
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  // The inputs that a model may get at run time; the others are constants.
  std::vector<size_t> runtime;
};

// Covers every operator but Input, Const and Opaque.
std::vector<OpCase> AllOpCases();

}  // namespace cyto8
