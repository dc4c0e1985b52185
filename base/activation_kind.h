// SPDX-License-Identifier: Apache-2.0
// The activations that a convolution may apply to its result: one word for the
// graph and the kernels. Formulas are those of TensorFlow. Alone in its file,
// so that kernels for one instruction set include nothing with it. Names are in
// base/activation.h.
#pragma once

namespace cyto8 {

enum class Activation {
  kNone,
  kRelu,       // max(x, 0).
  kRelu6,      // min(max(x, 0), 6).
  kSwish,      // x * sigmoid(x).
  kHardSwish,  // x * relu6(x + 3) / 6.
  kSigmoid,    // 1 / (1 + exp(-x)).
};

}  // namespace cyto8
