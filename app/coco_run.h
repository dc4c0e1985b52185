// SPDX-License-Identifier: Apache-2.0
// coco_results.json of a run, put together from the coco.json of its images, so
// that the cells of all images are never in memory. Tested by
// tests/app/slide_files_test.cc.
#pragma once

#include <span>
#include <string>

#include "app/score_result.h"
#include "app/sink.h"
#include "base/file_system.h"
#include "base/status.h"

namespace cyto8 {

// By rising image_id; images without a result are left out. Reads
// "<folder>/<id>/coco.json" block by block. kDataLoss if one is not what
// WriteCoco wrote: brackets, and as many entries as the image has boxes.
Status WriteCocoRun(FileSystem& files, const std::string& folder,
                    std::span<const SlideSummary> slides, const Sink& sink);

}  // namespace cyto8
