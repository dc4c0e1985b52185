// SPDX-License-Identifier: Apache-2.0
// Many images through the detector by a bounded oneTBB pipeline. A tile is a
// token: read, decode, resample, infer, find its boxes; boxes are merged as the
// sweep over the image passes (cell_collector.h), and the last tile hands the
// result over. Tiles of neighbouring images are in work at the same time, so
// small images keep all threads busy; no more tiles are in work than there are
// threads, whatever the number and size of the inputs. Tested by
// tests/app/score_pipeline_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>

#include "app/score_result.h"
#include "app/score_settings.h"
#include "app/slide_planner.h"
#include "base/limits.h"
#include "base/sha256.h"
#include "base/status.h"
#include "detector/efficientdet/detector.h"
#include "tiling/detection_merger.h"
#include "tiling/slide_verdict.h"

namespace cyto8 {

// What is to be done with an input.
enum class SlideWork {
  kNone,   // it is finished, or somebody else has it.
  kMerge,  // its candidates are there and fit.
  kScore,
};

// What is known of an image once its file was hashed.
struct SlideKey {
  std::string sha256 = {};        // of the file, 64 hex digits.
  Sha256Digest fingerprint = {};  // of its candidates (candidate_file.h).
  double seconds = 0;             // that hashing took.
};

struct SlideTask {
  SlideWork work = SlideWork::kScore;
  // Waits until it is known: a large new image is hashed while it is scored.
  std::function<StatusOr<SlideKey>()> key = {};
  // Where the raw candidates are read from or written to; empty: nowhere.
  std::string candidates = {};
};

// Takes the results. Take and Begin are called by one thread at a time, the
// others from any thread, for different images at the same time; must not
// throw.
class SlideSink {
 public:
  virtual ~SlideSink() = default;
  // Before an image is opened, in their order; a failure is the image's.
  virtual StatusOr<SlideTask> Take(size_t input) = 0;
  // An image was opened, whose `tiles` tiles will be scored.
  virtual void Begin(size_t input, const SlidePlan& plan, int64_t tiles) = 0;
  // One tile of an image is done, whole or failed.
  virtual void TileDone(size_t input) = 0;
  // The image is done or has failed (result.status). Once per input, but for
  // those that need no work or that a stop cut short.
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
  int64_t classes = 0;  // of the detector.
  SlideVerdictOptions verdict = {};
  // Of wall clock for one image; then its tiles that were not begun have no
  // result.
  double budget_s = std::numeric_limits<double>::infinity();
  Limits limits = {};
};

class ScorePipeline {
 public:
  ScorePipeline(const SlidePlanner& planner, DetectorSource detectors,
                const ScorePipelineOptions& options);
  ~ScorePipeline();

  // Scores the inputs in this order. An image that fails is a result with that
  // status; kResourceExhausted if the pipeline itself runs out of memory,
  // kInternal for an exception that nobody expected. Once `closed` returns true
  // no image is taken any more; once `stopped` returns
  // true no tile is begun any more and images that are not complete are left
  // out.
  Status Run(
      FileSystem& files, std::span<const SlideInput> inputs, SlideSink& sink,
      const std::function<bool()>& stopped,
      const std::function<bool()>& closed = [] { return false; });

 private:
  const SlidePlanner* planner_;
  DetectorSource detectors_;
  ScorePipelineOptions options_;
};

}  // namespace cyto8
