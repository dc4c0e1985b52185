// SPDX-License-Identifier: Apache-2.0
// The activations that a convolution may apply to its result: one word for the
// graph and the kernels. Formulas are those of TensorFlow.
#pragma once

#include <string_view>

namespace cyto8 {

enum class Activation {
  kNone,
  kRelu,       // max(x, 0).
  kRelu6,      // min(max(x, 0), 6).
  kSwish,      // x * sigmoid(x).
  kHardSwish,  // x * relu6(x + 3) / 6.
  kSigmoid,    // 1 / (1 + exp(-x)).
};

std::string_view ActivationName(Activation activation);  // "swish", ...

}  // namespace cyto8
