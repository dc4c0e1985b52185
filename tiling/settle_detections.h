// SPDX-License-Identifier: Apache-2.0
// The core of merging: which of the detections seen so far have an answer that
// nothing still to come can change, and what it is. Tested by
// tests/tiling/detection_merger_test.cc and stream_merger_test.cc.
#pragma once

#include <span>
#include <vector>

#include "base/detection.h"
#include "tiling/detection_merger.h"

namespace cyto8 {

// Takes out of `held` all detections whose fate is sealed, and returns those of
// them that are results, in the order of DetectionBefore; in `held` stay those
// that another call needs, in no promised order. What will still come lies in
// the areas of `open`; with none of them nothing stays. Whatever the calls and
// the order in which detections come, all results together are those of one
// call with all detections.
//
// Options and detections are as StreamMerger lets them in: within their ranges,
// at most 2^31 - 1, -0 is +0. The work is that of merging `held` once; over it
// at most 50 bytes a detection are taken (30 if nothing is open), and 104 for
// each group of two or more where boxes are fused.
std::vector<Detection> SettleDetections(const MergeOptions& options,
                                        std::span<const Box> open,
                                        std::vector<Detection>& held);

}  // namespace cyto8
