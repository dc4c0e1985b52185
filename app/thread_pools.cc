// SPDX-License-Identifier: Apache-2.0
// Other libraries' pools; see thread_pools.h.
#include "app/thread_pools.h"

#include <dlfcn.h>

#include <opencv2/core/utility.hpp>

namespace cyto8 {

void HoldLibraryPoolsAtOneThread() {
  cv::setNumThreads(1);
  using SetNumThreads = void (*)(int);
  const auto set_blas_threads = reinterpret_cast<SetNumThreads>(
      dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (set_blas_threads != nullptr) set_blas_threads(1);
}

}  // namespace cyto8
