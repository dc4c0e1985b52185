// SPDX-License-Identifier: Apache-2.0
// Idle sessions by detector; see session_pool.h.
#include "app/session_pool.h"

#include <algorithm>

namespace cyto8 {

std::unique_ptr<DetectorSession> SessionPool::TakeIdle(
    const Detector* detector) {
  const auto found = std::find_if(
      idle_.rbegin(), idle_.rend(),
      [&](const Idle& idle) { return idle.detector.get() == detector; });
  if (found == idle_.rend()) return nullptr;
  std::unique_ptr<DetectorSession> session = std::move(found->session);
  idle_.erase(std::next(found).base());
  return session;
}

StatusOr<std::unique_ptr<DetectorSession>> SessionPool::Take(
    const std::shared_ptr<const Detector>& detector) {
  {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<DetectorSession> session = TakeIdle(detector.get());
    if (session) return session;
    if (count_ >= capacity_ && !idle_.empty()) {
      idle_.erase(idle_.begin());
      --count_;
    }
    ++count_;
  }
  StatusOr<DetectorSession> made = DetectorSession::Create(detector);
  if (!made.ok()) {
    const std::lock_guard lock(mutex_);
    --count_;
    return made.status();
  }
  return std::make_unique<DetectorSession>(*std::move(made));
}

void SessionPool::Return(const std::shared_ptr<const Detector>& detector,
                         std::unique_ptr<DetectorSession> session) {
  const std::lock_guard lock(mutex_);
  idle_.push_back({.detector = detector, .session = std::move(session)});
}

}  // namespace cyto8
