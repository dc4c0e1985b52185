// SPDX-License-Identifier: Apache-2.0
// The vectors of the instruction set that an island is compiled for. Included
// by the loops (*_loops.h) that the islands share, and by nobody else: what is
// compiled with -mavx2 and the like must not be linked into other code, so
// islands include nothing but intrinsics, <cstdint>, <cstddef>, a contract
// without templates, and loops that are in an unnamed namespace.
#pragma once

#if defined(__AVX512F__)
#include "detector/kernels/vector_avx512.h"
#elif defined(__AVX2__)
#include "detector/kernels/vector_avx2.h"
#else
#error "an island needs its own instruction set: see CMakeLists.txt"
#endif
