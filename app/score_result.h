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

// Wall-clock seconds of one image.
struct StageSeconds {
  double read = 0;      // file to decoded pixels.
  double resample = 0;  // to the scale of the model.
  double infer = 0;     // network, box decoding, suppression inside tiles.
  double merge = 0;     // across tiles.
  double write = 0;     // results and overlay.

  double total() const { return read + resample + infer + merge + write; }
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
  int64_t tiles = 0;
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
