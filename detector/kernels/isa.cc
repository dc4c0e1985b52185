// SPDX-License-Identifier: Apache-2.0
// Asks CPUID, by way of the compiler; see isa.h.
#include "detector/kernels/isa.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

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
    case Isa::kAvx512Vbmi:
      return "avx512vbmi";
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

// Each needs what the ones before it need. The compiler's test covers the
// operating system's part, saved registers, too.
std::vector<Isa> UsableIsas() {
  __builtin_cpu_init();
  const bool avx512 =
      __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const std::pair<Isa, bool> candidates[] = {
      {Isa::kAvx2,
       __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")},
      {Isa::kAvx512, avx512},
      {Isa::kAvx512Vnni, __builtin_cpu_supports("avx512vnni")},
      {Isa::kAvx512Vbmi, __builtin_cpu_supports("avx512vbmi")},
      {Isa::kAmxInt8, HasTiles() && MayUseTiles()}};
  std::vector<Isa> isas = {Isa::kPlain};
  for (const auto& [isa, usable] : candidates) {
    if (!usable) break;
    isas.push_back(isa);
  }
  return isas;
}

Isa BestIsa() { return UsableIsas().back(); }

}  // namespace cyto8
