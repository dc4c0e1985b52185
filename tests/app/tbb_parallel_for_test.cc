// SPDX-License-Identifier: Apache-2.0
// Tests of app/tbb_parallel_for.h.
#include "app/tbb_parallel_for.h"

#include <gtest/gtest.h>
#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace cyto8 {
namespace {

using std::chrono::seconds;

// Calls work(executor) as the pipeline does: in an arena of so many threads.
template <typename Work>
void WithWorkers(int64_t workers, const Work& work) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                  static_cast<size_t>(workers));
  tbb::task_arena arena(static_cast<int>(workers));
  arena.execute([&] {
    TbbParallelFor executor(workers);
    work(executor);
  });
}

// False if it did not happen in a time that no machine needs.
template <typename Condition>
bool Await(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Two pieces, each of which ends only when the other has begun.
bool TwoThreadsShare(ParallelFor& executor) {
  std::atomic<int> begun = 0;
  std::atomic<bool> met = true;
  executor.Run(2, [&](int64_t) {
    ++begun;
    if (!Await([&] { return begun == 2; })) met = false;
  });
  return met;
}

TEST(TbbParallelForTest, EveryPieceRunsOnceAndBeforeTheReturn) {
  for (const int64_t workers : {1, 2, 3, 8}) {
    WithWorkers(workers, [&](TbbParallelFor& executor) {
      EXPECT_EQ(executor.workers(), workers);
      for (const int64_t count : {0, 1, 2, 3, 8, 1000}) {
        for (int round = 0; round < 200; ++round) {
          std::vector<int> calls(static_cast<size_t>(count));
          executor.Run(count,
                       [&](int64_t i) { ++calls[static_cast<size_t>(i)]; });
          ASSERT_EQ(calls, std::vector<int>(static_cast<size_t>(count), 1))
              << workers << " workers, round " << round;
        }
      }
    });
  }
}

TEST(TbbParallelForTest, NoWorkersAreOne) {
  WithWorkers(1, [](TbbParallelFor&) {
    TbbParallelFor none(0);
    EXPECT_EQ(none.workers(), 1);
    int calls = 0;
    none.Run(3, [&](int64_t) { ++calls; });
    EXPECT_EQ(calls, 3);
  });
}

TEST(TbbParallelForTest, WorkersShareTheWorkAndComeBackAfterAPause) {
  WithWorkers(2, [](TbbParallelFor& executor) {
    EXPECT_TRUE(TwoThreadsShare(executor));
    EXPECT_TRUE(TwoThreadsShare(executor));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(TwoThreadsShare(executor));
  });
}

TEST(TbbParallelForTest, TheCallerWorksAloneWhereTheOthersAreBusy) {
  WithWorkers(2, [](TbbParallelFor& executor) {
    tbb::task_group busy;
    std::atomic<bool> started = false;
    std::atomic<bool> release = false;
    busy.run([&] {
      started = true;
      Await([&] { return release.load(); });
    });
    EXPECT_TRUE(Await([&] { return started.load(); }));
    int64_t sum = 0;  // one thread: no lock.
    for (int round = 0; round < 100; ++round) {
      executor.Run(8, [&](int64_t i) { sum += i; });
    }
    EXPECT_EQ(sum, 2800);
    release = true;
    busy.wait();
  });
}

// As in latency mode: one Run at a time, called by whoever has the tile.
TEST(TbbParallelForTest, AnyThreadOfTheArenaMayCallRun) {
  constexpr int kTiles = 200;
  constexpr int kSteps = 20;
  std::atomic<int64_t> sum = 0;
  WithWorkers(3, [&](TbbParallelFor& executor) {
    int tiles = 0;
    const auto feed = [&](tbb::flow_control& control) {
      if (tiles == kTiles) control.stop();
      return tiles++;
    };
    const auto fetch = [](int tile) {
      std::this_thread::yield();
      return tile;
    };
    const auto detect = [&](int) {
      for (int step = 0; step < kSteps; ++step) {
        executor.Run(8, [&](int64_t i) { sum += i; });
      }
    };
    using tbb::filter_mode;
    tbb::parallel_pipeline(
        3, tbb::make_filter<void, int>(filter_mode::serial_in_order, feed) &
               tbb::make_filter<int, int>(filter_mode::parallel, fetch) &
               tbb::make_filter<int, void>(filter_mode::serial_out_of_order,
                                           detect));
  });
  EXPECT_EQ(sum, int64_t{kTiles} * kSteps * 28);
}

}  // namespace
}  // namespace cyto8
