// SPDX-License-Identifier: Apache-2.0
// Takes the results of the pipeline: writes each image's files, says what
// failed, keeps what the files of the run need. Tested by
// tests/app/score_command_test.cc and score_fault_test.cc.
#pragma once

#include <mutex>
#include <span>
#include <vector>

#include "app/load_model.h"
#include "app/score_pipeline.h"
#include "app/score_result.h"
#include "app/score_settings.h"
#include "app/slide_reader.h"
#include "base/file_system.h"
#include "base/limits.h"

namespace cyto8 {

// Thread-safe as the pipeline demands.
class ScoreSink final : public SlideSink {
 public:
  ScoreSink(FileSystem& files, const OutputSettings& settings,
            const ModelCard& card, const Limits& limits,
            std::span<const SlideInput> inputs);

  void Begin(size_t input, const SlidePlan& plan) override;
  void TileDone(size_t input) override;
  void Finish(size_t input, SlideResult result) override;

  // One per input, in their order. Images that a stop cut short have the
  // status kUnavailable.
  const std::vector<SlideResult>& results() const { return results_; }

 private:
  FileSystem* files_;
  const OutputSettings* settings_;
  const ModelCard* card_;
  const Limits* limits_;
  std::vector<SlideResult> results_;
  std::mutex mutex_;
};

}  // namespace cyto8
