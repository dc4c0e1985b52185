// SPDX-License-Identifier: Apache-2.0
// What scoring found, as plain data: the words that the scoring job, the
// writers and the table share.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "app/mpp_source.h"
#include "base/detection.h"
#include "base/status.h"

namespace cyto8 {

// A detection in level-0 pixels and the tile (row-major) that found it.
struct FoundCell {
  Detection detection;
  int64_t tile = 0;
};

// Seconds of work on one image, by stage; summed over the threads that worked
// on it, so their total may exceed the time that passed.
struct StageSeconds {
  double read = 0;      // file: open, hash.
  double decode = 0;    // bytes to pixels.
  double resample = 0;  // to the scale of the model, and cutting tiles.
  double infer = 0;     // network.
  double boxes = 0;     // box decoding, suppression inside tiles.
  double merge = 0;     // across tiles.
  double write = 0;     // results and overlay.

  double total() const {
    return read + decode + resample + infer + boxes + merge + write;
  }
};

// How an input is known to the outside.
struct SlideIdentity {
  std::string path = {};  // as given.
  std::string id = {};    // folder name below slides/.
  int64_t image_id = 0;   // in COCO files.
};

struct SlideResult {
  SlideIdentity identity;
  Status status;  // of this image; nothing below `sha256` holds on failure.
  std::string sha256;
  int64_t width_px = 0;
  int64_t height_px = 0;
  Mpp mpp;
  int64_t tiles = 0;         // of the grid.
  int64_t tiles_failed = 0;  // of those, without a result.
  std::vector<FoundCell> cells = {};  // in the order of DetectionBefore.
  StageSeconds seconds;
};

inline int64_t CellsOfClass(const SlideResult& slide, int class_id) {
  return std::count_if(slide.cells.begin(), slide.cells.end(),
                       [class_id](const FoundCell& cell) {
                         return cell.detection.class_id == class_id;
                       });
}

}  // namespace cyto8
