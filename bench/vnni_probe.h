// SPDX-License-Identifier: Apache-2.0
// What this CPU multiplies at most: a loop of 8-bit dot products that touches
// registers only. What an INT8 network's rate is measured against, and what a
// second core is worth on this machine. Used by
// bench/int8_network_benchmark.cc.
#pragma once

#include <string_view>

namespace cyto8 {

// "vpdpbusd zmm"; "vpmaddwd ymm" (16-bit operands, as our exact sums need
// them) where that is missing; empty where AVX2 is missing too: then the
// functions below must not be called.
std::string_view ProbeInstruction();

// Multiply-adds per second of the calling thread's CPU time: the median of
// three runs of about 5 ms, so call it often between other measurements.
double VnniProbeMacsPerSecond();

// How much faster two threads, each on a CPU of its own, are than one: the
// median of three pairs of runs of about 5 ms, by the clock on the wall, so
// only on a machine with nothing else to do. CPUs are the first two that this
// process may use; 1 if it may use one only.
double SecondCoreGain();

}  // namespace cyto8
