// SPDX-License-Identifier: Apache-2.0
// Which instructions our own kernels may use. Chosen once, when a model is
// compiled; a test forces each in turn. Tested by
// tests/detector/kernels/isa_test.cc.
#pragma once

#include <string_view>
#include <vector>

namespace cyto8 {

// From the least to the best: each has the instructions of those before it.
enum class Isa {
  kPlain,       // whatever the compiler's baseline is: the naive kernels.
  kAvx2,        // AVX2 and FMA.
  kAvx512,      // AVX-512 F, BW, DQ and VL, besides AVX2 and FMA.
  kAvx512Vnni,  // besides, vpdpbusd.
  kAvx512Vbmi,  // besides, vpermb and vpmultishiftqb (AVX512-VBMI).
  kAmxInt8,     // besides, tiles of bytes (AMX), if Linux lets us use them.
};

std::string_view IsaName(Isa isa);  // "avx512".

// What this CPU and its operating system can run, kPlain first, the best last.
std::vector<Isa> UsableIsas();
Isa BestIsa();

}  // namespace cyto8
