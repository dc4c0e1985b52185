// SPDX-License-Identifier: Apache-2.0
// Names of activations; see activation.h.
#include "base/activation.h"

namespace cyto8 {

std::string_view ActivationName(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
    case Activation::kSwish:
      return "swish";
    case Activation::kHardSwish:
      return "hard_swish";
    case Activation::kSigmoid:
      return "sigmoid";
  }
  return "unknown";
}

}  // namespace cyto8
