// SPDX-License-Identifier: Apache-2.0
// Takes the results of the pipeline: writes each image's files, tells progress
// and log, keeps what the files of the run need. A thread of its own does the
// writing, which is mostly waiting for the disk to sync, so that the threads
// of the pipeline need not wait. Tested by tests/app/score_command_test.cc and
// score_fault_test.cc.
#pragma once

#include <tbb/concurrent_queue.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "app/isolated_run.h"
#include "app/log.h"
#include "app/model_card.h"
#include "app/progress.h"
#include "app/score_pipeline.h"
#include "app/score_result.h"
#include "app/score_settings.h"
#include "app/slide_ledger.h"
#include "app/slide_planner.h"
#include "base/file_system.h"
#include "base/limits.h"

namespace cyto8 {

// What the sink works with; all of it outlives the sink.
struct ScoreSinkContext {
  FileSystem* files = nullptr;
  const OutputSettings* settings = nullptr;
  const ModelCard* card = nullptr;
  const Limits* limits = nullptr;
  int64_t threads = 1;
  SlideLedger* ledger = nullptr;
  Progress* progress = nullptr;
  Log* log = nullptr;
};

// Thread-safe as the pipeline demands.
class ScoreSink final : public SlideSink {
 public:
  ScoreSink(const ScoreSinkContext& context,
            std::span<const SlideInput> inputs);
  ScoreSink(const ScoreSink&) = delete;
  ScoreSink& operator=(const ScoreSink&) = delete;
  ~ScoreSink() override;  // Close().

  StatusOr<SlideTask> Take(size_t input) override;
  void Begin(size_t input, const SlidePlan& plan, int64_t tiles) override;
  void TileDone(size_t input) override;
  void Finish(size_t input, SlideResult result) override;

  // Waits until all is written. Nothing may come afterwards.
  void Close();

  // An image was given to a child process, which ended like this.
  void EndedElsewhere(size_t input, const IsolatedEnd& child);

  // After Close(): how images that other processes had have ended since.
  void LookAgain();

  // Of this process, so far. Thread-safe.
  int64_t failures() const { return failures_; }

  // After Close(). One per input, in their order. Images that a stop cut short
  // have the status kUnavailable.
  const std::vector<SlideSummary>& slides() const { return slides_; }
  // Of the image that took most; see SlidePlan::PixelBytes.
  int64_t most_pixel_bytes() const { return most_pixel_bytes_; }

 private:
  struct Finished {
    size_t input = 0;
    SlideResult result;
  };

  void WriteAll();
  void WriteOne(Finished finished);
  SlideSummary EndOfCrash(const SlideInput& input, const Status& crash);
  std::string FolderOf(const SlideFacts& slide) const;
  std::unique_ptr<SlideReader> OpenAgain(const SlideInput& input,
                                         SlideFacts& slide) const;
  Status Write(const SlideInput& input, SlideResult& result);
  void Record(SlideSummary& slide);
  void Tell(size_t input);

  ScoreSinkContext context_;
  std::span<const SlideInput> inputs_;
  std::vector<SlideSummary> slides_;
  int64_t most_pixel_bytes_ = 0;  // changed by Begin alone.
  std::atomic<int64_t> failures_ = 0;
  // A null ends it. Bounded, so that results do not pile up in memory.
  tbb::concurrent_bounded_queue<std::shared_ptr<Finished>> queue_;
  std::once_flag started_;
  std::thread writer_;  // from the first result on.
};

}  // namespace cyto8
