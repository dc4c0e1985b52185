// SPDX-License-Identifier: Apache-2.0
// The bounds on what input files may claim. Checked before any allocation, loop
// or cast; a refusal names the limit. Raised by whoever builds the struct.
#pragma once

#include <cstdint>

namespace cyto8 {

struct Limits {
  int64_t max_side_px = 1'000'000;               // either side of an image.
  int64_t max_row_side_px = 200'000;             // of an image read as rows.
  int64_t max_slide_pixels = int64_t{1} << 36;   // of an image read as rows.
  int64_t max_image_pixels = int64_t{1} << 28;   // decoded as one piece.
  int64_t max_image_bytes = int64_t{1} << 30;    // encoded, in memory whole.
  int64_t max_decoder_bytes = int64_t{1} << 29;  // held while rows are read.
  int64_t max_images = 1'000'000;                // of one run.
  int64_t max_folder_depth = 64;                 // below an argument.
  int64_t max_boxes = 2'000'000;                 // of one image, at a time.
  int64_t max_tiles = 4'000'000;                 // of one image.
  int64_t max_model_bytes = int64_t{1} << 30;    // a GraphDef or a .cy8.
  int64_t max_section_bytes = int64_t{1} << 26;  // of a .cy8, but its weights.
  int64_t max_nodes = 100'000;                   // of one graph.
  int64_t max_rank = 8;                          // of one tensor.
  int64_t max_tensor_bytes = int64_t{1} << 31;   // of one tensor.
  int64_t max_config_bytes = int64_t{1} << 20;   // configuration, model card.
  int64_t max_labels = 10'000;                   // classes of one model.
  int64_t max_truth_bytes = int64_t{1} << 30;    // a COCO or CSV side file.
};

}  // namespace cyto8
