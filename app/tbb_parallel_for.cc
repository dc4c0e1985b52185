// SPDX-License-Identifier: Apache-2.0
// Pieces are counted through the life of the team, never from 0 again: so one
// number says which piece is next and of which Run it is. See
// tbb_parallel_for.h.
#include "app/tbb_parallel_for.h"

#include <immintrin.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <new>
#include <thread>

namespace cyto8 {
namespace {

// So long a helper without work stays, in which it does nothing else. Longer
// than what runs between two shared steps, far shorter than a tile.
constexpr std::chrono::microseconds kStay(200);

// Looks so often, about 3 us, before it lets others have the core.
constexpr int kLooks = 64;

// Waits a little; the longer it has waited the more politely.
void Pause(int looks) {
  if (looks < kLooks) {
    _mm_pause();
  } else {
    std::this_thread::yield();
  }
}

}  // namespace

class TbbParallelFor::Team {
 public:
  using Body = std::function<void(int64_t)>;

  explicit Team(int64_t helpers) : most_helpers_(helpers) {}
  ~Team() {
    closed_.store(true, std::memory_order_relaxed);
    group_.wait();
  }

  void Run(int64_t count, const Body& body);

 private:
  void Summon();
  void Help();
  bool TakePiece();

  static constexpr size_t kLine = 64;  // bytes that cores pass to each other.
  const int64_t most_helpers_;
  // What a Run is, written before end_.
  std::atomic<const Body*> body_ = nullptr;
  std::atomic<int64_t> first_ = 0;                // number of its first piece.
  alignas(kLine) std::atomic<int64_t> end_ = 0;   // behind its last piece.
  alignas(kLine) std::atomic<int64_t> next_ = 0;  // that nobody has taken.
  alignas(kLine) std::atomic<int64_t> done_ = 0;
  std::atomic<int64_t> helpers_ = 0;  // there, or asked to come.
  std::atomic<bool> closed_ = false;
  // Not cancelled with the pipeline whose task calls Run.
  tbb::task_group_context context_{tbb::task_group_context::isolated};
  tbb::task_group group_{context_};
};

// Runs one piece; false if there is none. A piece below end_ that can still be
// taken belongs to a Run that has not returned, so body_ and first_, written
// before that end_, are its own.
bool TbbParallelFor::Team::TakePiece() {
  const int64_t end = end_.load(std::memory_order_acquire);
  int64_t piece = next_.load(std::memory_order_relaxed);
  while (piece < end) {
    const Body* body = body_.load(std::memory_order_relaxed);
    const int64_t first = first_.load(std::memory_order_relaxed);
    if (!next_.compare_exchange_weak(piece, piece + 1,
                                     std::memory_order_acq_rel)) {
      continue;
    }
    (*body)(piece - first);
    done_.fetch_add(1, std::memory_order_release);
    return true;
  }
  return false;
}

void TbbParallelFor::Team::Help() {
  using Clock = std::chrono::steady_clock;
  int looks = 0;
  Clock::time_point idle_since = Clock::now();
  while (!closed_.load(std::memory_order_relaxed)) {
    if (TakePiece()) {
      looks = 0;
      continue;
    }
    if (looks == 0) idle_since = Clock::now();
    if (looks > kLooks && Clock::now() - idle_since > kStay) break;
    Pause(looks++);
  }
  helpers_.fetch_sub(1, std::memory_order_relaxed);
}

// Those that left, or never were there. Without memory for a task the caller
// works alone.
void TbbParallelFor::Team::Summon() {
  while (helpers_.load(std::memory_order_relaxed) < most_helpers_) {
    helpers_.fetch_add(1, std::memory_order_relaxed);
    try {
      group_.run([this] { Help(); });
    } catch (const std::bad_alloc&) {
      helpers_.fetch_sub(1, std::memory_order_relaxed);
      return;
    }
  }
}

void TbbParallelFor::Team::Run(int64_t count, const Body& body) {
  const int64_t first = end_.load(std::memory_order_relaxed);
  body_.store(&body, std::memory_order_relaxed);
  first_.store(first, std::memory_order_relaxed);
  end_.store(first + count, std::memory_order_release);
  Summon();
  while (TakePiece()) {
  }
  for (int looks = 0; done_.load(std::memory_order_acquire) < first + count;
       ++looks) {
    Pause(looks);
  }
}

TbbParallelFor::TbbParallelFor(int64_t workers)
    : workers_(std::max<int64_t>(workers, 1)),
      team_(std::make_unique<Team>(workers_ - 1)) {}
TbbParallelFor::~TbbParallelFor() = default;

void TbbParallelFor::Run(int64_t count,
                         const std::function<void(int64_t)>& body) {
  if (count > 0) team_->Run(count, body);
}

}  // namespace cyto8
