// SPDX-License-Identifier: Apache-2.0
// What a run makes of `auto`: which instructions its kernels use and how its
// threads share the tiles. Decided once, before the first tile. Tested by
// tests/app/execution_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "app/score_settings.h"
#include "app/slide_planner.h"
#include "base/status.h"
#include "detector/kernels/isa.h"

namespace cyto8 {

// `word` is that of RunSettings::isa, `usable` as from UsableIsas().
// kInvalidArgument if it is not among them; the message lists them.
StatusOr<Isa> ChooseIsa(std::string_view word, std::span<const Isa> usable);

// What kAuto depends on.
struct ScheduleFacts {
  // Only INT8 steps share their rows out; FP32 ones run on one thread, which
  // kLatency would then keep waiting for nothing.
  bool is_quantized = false;
  int64_t threads = 1;
  int64_t tiles = 0;  // of the whole run; what is above UsefulThreads() is one.
};

// Threads that one tile can keep busy: steps have a bounded number of pieces.
int64_t UsefulThreads(int64_t threads);

// kAuto becomes kLatency if the model is quantized and the run has fewer tiles
// than UsefulThreads(), else kThroughput; the others stay.
Schedule ChooseSchedule(Schedule asked, const ScheduleFacts& facts);

// Tiles of the inputs by their headers, or `enough` if there are at least so
// many: then no more files are opened. What cannot be read has none.
int64_t CountTiles(const SlidePlanner& planner,
                   std::span<const SlideInput> inputs, int64_t enough);

}  // namespace cyto8
