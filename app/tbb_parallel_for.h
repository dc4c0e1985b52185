// SPDX-License-Identifier: Apache-2.0
// One tile over many threads: a ParallelFor whose workers are those of the
// oneTBB arena in which it is used. A network is hundreds of short steps, so
// that a barrier must cost next to nothing: helpers stay a moment after a step
// and take the pieces of the next one without being woken. Tested by
// tests/app/tbb_parallel_for_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/parallel_for.h"

namespace cyto8 {

// Made, used and destroyed in the same arena. One Run at a time, which may come
// from any thread of the arena, and none from within a body.
class TbbParallelFor final : public ParallelFor {
 public:
  // `workers` includes the thread that calls Run; from 1.
  explicit TbbParallelFor(int64_t workers);
  // Waits for the helpers to leave.
  ~TbbParallelFor() override;

  // Threads that are busy with other tasks do not hold it up: the caller takes
  // what nobody else takes. Throws nothing.
  void Run(int64_t count, const std::function<void(int64_t)>& body) override;
  int64_t workers() const override { return workers_; }

 private:
  class Team;

  int64_t workers_;
  std::unique_ptr<Team> team_;
};

}  // namespace cyto8
