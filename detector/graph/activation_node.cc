// SPDX-License-Identifier: Apache-2.0
// Activations among nodes; see activation_node.h.
#include "detector/graph/activation_node.h"

namespace cyto8 {

std::optional<Activation> ActivationOf(const Node& node) {
  switch (node.op) {
    case Op::kRelu:
      return Activation::kRelu;
    case Op::kRelu6:
      return Activation::kRelu6;
    case Op::kSigmoid:
      return Activation::kSigmoid;
    case Op::kHardSwish:
      return Activation::kHardSwish;
    case Op::kSwish:
      if (node.As<SwishAttributes>().beta != 1) return std::nullopt;
      return Activation::kSwish;
    default:
      return std::nullopt;
  }
}

}  // namespace cyto8
