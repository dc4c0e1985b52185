// SPDX-License-Identifier: Apache-2.0
// What `cyto8 score --dry-run` says: every image is opened, none is decoded.
// Tested by tests/app/score_command_test.cc.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "app/slide_planner.h"
#include "base/status.h"

namespace cyto8 {

// What opening all inputs showed.
struct DryRun {
  int64_t images = 0;
  std::vector<Status> failures = {};  // of those that cannot be read.
  int64_t tiles = 0;
  // Of the image that takes most: rows, tile and decoder.
  int64_t pixel_bytes = 0;
};

// `in_flight` tiles are in work at a time.
DryRun PlanAll(const SlidePlanner& planner, std::span<const SlideInput> inputs,
               int64_t in_flight);

}  // namespace cyto8
