// SPDX-License-Identifier: Apache-2.0
// Asks CPUID, by way of the compiler; see isa.h.
#include "detector/kernels/isa.h"

namespace cyto8 {

std::string_view IsaName(Isa isa) {
  switch (isa) {
    case Isa::kPlain:
      return "plain";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
    case Isa::kAvx512Vnni:
      return "avx512vnni";
  }
  return "unknown";
}

// The compiler's test covers the operating system's part, saved registers, too.
std::vector<Isa> UsableIsas() {
  std::vector<Isa> isas = {Isa::kPlain};
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    return isas;
  }
  isas.push_back(Isa::kAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    isas.push_back(Isa::kAvx512);
    if (__builtin_cpu_supports("avx512vnni")) {
      isas.push_back(Isa::kAvx512Vnni);
    }
  }
  return isas;
}

Isa BestIsa() { return UsableIsas().back(); }

}  // namespace cyto8
