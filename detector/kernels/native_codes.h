// SPDX-License-Identifier: Apache-2.0
// Vectors of codes and of 16-bit words of the instruction set that an island is
// compiled for. As native_vector.h: included by loops (*_loops.h) that islands
// share, and by nobody else.
#pragma once

#if defined(__AVX512BW__)
#include "detector/kernels/vector_codes_avx512.h"
#elif defined(__AVX2__)
#include "detector/kernels/vector_codes_avx2.h"
#else
#error "an island needs its own instruction set: see CMakeLists.txt"
#endif
