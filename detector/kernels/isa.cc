// SPDX-License-Identifier: Apache-2.0
// Asks CPUID, by way of the compiler; see isa.h.
#include "detector/kernels/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

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
    case Isa::kAmxInt8:
      return "amxint8";
  }
  return "unknown";
}

namespace {

// AMX-TILE and AMX-INT8; GCC 12 has no name for them.
bool HasTiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return (d >> 24 & 1) != 0 && (d >> 25 & 1) != 0;
}

// Linux saves tiles only for processes that ask; that they asked holds for all
// threads. Asking again changes nothing.
bool MayUseTiles() {
  constexpr int kAskPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;
  return syscall(SYS_arch_prctl, kAskPermission, kTileData) == 0;
}

}  // namespace

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
      if (HasTiles() && MayUseTiles()) isas.push_back(Isa::kAmxInt8);
    }
  }
  return isas;
}

Isa BestIsa() { return UsableIsas().back(); }

}  // namespace cyto8
