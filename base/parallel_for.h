// SPDX-License-Identifier: Apache-2.0
// How library code runs independent pieces of work without owning threads: the
// application passes an executor. Tested by tests/base/parallel_for_test.cc.
#pragma once

#include <cstdint>
#include <functional>

namespace cyto8 {

class ParallelFor {
 public:
  virtual ~ParallelFor() = default;
  // Calls body(i) once for every i in [0, count), in any order, from any
  // thread, and returns when all calls have returned. The body does not throw.
  virtual void Run(int64_t count, const std::function<void(int64_t)>& body) = 0;
  // How many calls may run at the same time: what splitting work may gain.
  virtual int64_t workers() const { return 1; }
};

// Runs everything on the calling thread, in rising order.
class SerialFor final : public ParallelFor {
 public:
  void Run(int64_t count, const std::function<void(int64_t)>& body) override {
    for (int64_t i = 0; i < count; ++i) body(i);
  }
};

}  // namespace cyto8
