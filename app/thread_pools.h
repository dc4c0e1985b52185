// SPDX-License-Identifier: Apache-2.0
// The thread pools that libraries bring along. Cyto8 owns the threads
// (--threads), so each of these is held at one; oneDNN's OpenMP is held by its
// adapter, on the thread that calls it. Tested by
// tests/app/thread_pools_test.cc.
#pragma once

namespace cyto8 {

// OpenCV's pool, and that of OpenBLAS where the system's BLAS, which OpenCV's
// core links, is that one. Called once, before any other thread exists.
void HoldLibraryPoolsAtOneThread();

}  // namespace cyto8
