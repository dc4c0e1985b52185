// SPDX-License-Identifier: Apache-2.0
// Benchmarks of import, passes and compiling on the bundled model.
#pragma once

#include "base/status.h"

namespace cyto8 {

// Registers them with Google Benchmark. Run in the repository root.
Status RegisterPassBenchmarks();

}  // namespace cyto8
