// SPDX-License-Identifier: Apache-2.0
// Activations and their names. Tested by tests/base/activation_test.cc.
#pragma once

#include <string_view>

#include "base/activation_kind.h"

namespace cyto8 {

std::string_view ActivationName(Activation activation);  // "swish", ...

}  // namespace cyto8
