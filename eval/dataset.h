// SPDX-License-Identifier: Apache-2.0
// Truth and detections as the evaluators take them: plain data, as read. Boxes
// keep x, y, width and height bit for bit, since a corner computed and taken
// back would differ in the last bit from what other evaluators see. Tested
// through tests/eval.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cyto8 {

// [x, x + width) x [y, y + height) in pixels of the image, as in COCO files.
struct EvalBox {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
  friend bool operator==(const EvalBox&, const EvalBox&) = default;
};

struct EvalImage {
  int64_t id = 0;
  std::string file_name = {};
  int64_t width_px = 0;  // 0: not stated.
  int64_t height_px = 0;
};

struct EvalClass {
  int64_t id = 0;
  std::string name = {};
};

struct TruthBox {
  int64_t id = 0;
  int64_t image_id = 0;
  int64_t class_id = 0;
  EvalBox box = {};
  double area = 0;  // as stated in the file, not width * height.
  bool is_crowd = false;
};

struct FoundBox {
  int64_t image_id = 0;
  int64_t class_id = 0;
  EvalBox box = {};
  double score = 0;
};

// In the order of the file; ids are unique within each list.
struct TruthSet {
  std::vector<EvalImage> images = {};
  std::vector<EvalClass> classes = {};
  std::vector<TruthBox> boxes = {};
};

}  // namespace cyto8
