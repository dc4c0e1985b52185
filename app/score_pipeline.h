// SPDX-License-Identifier: Apache-2.0
// Many images through the detector by a bounded oneTBB pipeline. A tile is a
// token: read, decode, resample, infer, find its boxes; the last tile of an
// image merges its boxes and hands the result over. Tiles of neighbouring
// images are in work at the same time, so small images keep all threads busy;
// no more tiles are in work than there are threads, whatever the number and
// size of the inputs. Tested by tests/app/score_pipeline_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "app/score_result.h"
#include "app/score_settings.h"
#include "app/slide_planner.h"
#include "base/limits.h"
#include "base/status.h"
#include "detector/efficientdet/detector.h"
#include "tiling/detection_merger.h"

namespace cyto8 {

// Takes the results. Begin is called by one thread at a time, the others from
// any thread, for different images at the same time; must not throw.
class SlideSink {
 public:
  virtual ~SlideSink() = default;
  // An image was opened, which `tiles` tiles will follow.
  virtual void Begin(size_t input, const SlidePlan& plan) = 0;
  // One tile of an image is done, whole or failed.
  virtual void TileDone(size_t input) = 0;
  // The image is done or has failed (result.status). Once per input, but for
  // those that a stop cut short.
  virtual void Finish(size_t input, SlideResult result) = 0;
};

// A detector whose input holds a tile of that size; thread-safe.
using DetectorSource = std::function<StatusOr<std::shared_ptr<const Detector>>(
    int64_t width_px, int64_t height_px)>;

struct ScorePipelineOptions {
  int64_t threads = 1;
  // kLatency: one tile at a time is in the network, which gets an executor of
  // all threads, while the next ones are read. Else every thread has a tile and
  // shares none.
  Schedule schedule = Schedule::kThroughput;
  MergeOptions merge = {};
  // False: the boxes of an image of one tile stay as they are, since the
  // detector has suppressed already. True if it has not.
  bool merge_single_tiles = false;
  Limits limits = {};
};

class ScorePipeline {
 public:
  ScorePipeline(const SlidePlanner& planner, DetectorSource detectors,
                const ScorePipelineOptions& options);
  ~ScorePipeline();

  // Scores the inputs in this order. An image that fails is a result with that
  // status; kResourceExhausted if the pipeline itself runs out of memory,
  // kInternal for an exception that nobody expected. Once `stopped` returns
  // true no tile is begun any more and images that are not complete are left
  // out.
  Status Run(FileSystem& files, std::span<const SlideInput> inputs,
             SlideSink& sink, const std::function<bool()>& stopped);

 private:
  const SlidePlanner* planner_;
  DetectorSource detectors_;
  ScorePipelineOptions options_;
};

}  // namespace cyto8
