// SPDX-License-Identifier: Apache-2.0
// The contract of the islands depthwise_u8s8_*.cc; everybody else begins with
// depthwise_u8s8.h.
#pragma once

#include <cstdint>

#include "detector/kernels/requantize.h"

namespace cyto8 {}  // namespace cyto8
