// SPDX-License-Identifier: Apache-2.0
// Detector sessions that threads take in turn: as many as there are threads,
// whatever the number of detectors. Tested through
// tests/app/score_pipeline_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/status.h"
#include "detector/efficientdet/detector.h"

namespace cyto8 {

// Thread-safe.
class SessionPool {
 public:
  // At most `capacity` sessions exist; as many threads may hold one.
  explicit SessionPool(int64_t capacity) : capacity_(capacity) {}

  // A session of that detector, an idle one if there is one. Where the pool is
  // full, an idle session of another detector goes.
  StatusOr<std::unique_ptr<DetectorSession>> Take(
      const std::shared_ptr<const Detector>& detector);
  void Return(const std::shared_ptr<const Detector>& detector,
              std::unique_ptr<DetectorSession> session);

 private:
  struct Idle {
    std::shared_ptr<const Detector> detector;
    std::unique_ptr<DetectorSession> session;
  };
  std::unique_ptr<DetectorSession> TakeIdle(const Detector* detector);

  std::mutex mutex_;
  std::vector<Idle> idle_;  // the last one returned is at the end.
  int64_t count_ = 0;       // of idle sessions and of those taken.
  int64_t capacity_;
};

}  // namespace cyto8
