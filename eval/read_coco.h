// SPDX-License-Identifier: Apache-2.0
// COCO files to truth and detections: the truth with its images and classes,
// and plain lists of results, whoever wrote them. Boxes stay as read, in file
// order. Tested by tests/eval/read_coco_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/limits.h"
#include "base/status.h"
#include "eval/dataset.h"

namespace cyto8 {

// What a truth file may hold.
enum class TruthRules {
  // Every image, class and box must make sense: unique ids and names, known
  // references, sizes not negative, no box wholly outside of its image.
  kStrict,
  // As pycocotools 2.0.11 reads it: of equal ids the last counts, boxes of
  // unknown images or classes are dropped, boxes may lie anywhere,
  // `annotations` may be missing.
  kPycocotools,
};

struct TruthFile {
  TruthSet truth = {};
  int64_t partly_outside = 0;  // boxes that reach past their image.
  int64_t without_extent = 0;  // boxes of zero width or height.
};

// A COCO object with images, categories and annotations; further keys are
// ignored. Missing `iscrowd` is 0, missing `area` is width * height, a missing
// or foreign image size is 0 ("not stated"). kInvalidArgument names list, index
// and field.
StatusOr<TruthFile> ParseCocoTruth(std::span<const std::byte> bytes,
                                   const Limits& limits, TruthRules rules);

// [{"image_id", "category_id", "bbox": [x, y, w, h], "score"}]; further keys
// are ignored. Whether images and classes exist is not checked here, so a box's
// place in the result is its place in the file. kInvalidArgument names index
// and field.
StatusOr<std::vector<FoundBox>> ParseCocoResults(
    std::span<const std::byte> bytes, const Limits& limits);

// The box and the image have no pixel in common; needs a stated image size.
bool IsWhollyOutside(const EvalBox& box, const EvalImage& image);

// The sizes and places that our own styles ask of every box: coordinates in
// [-1e9, 1e9], width and height not negative.
Status CheckEvalBox(const EvalBox& box);

}  // namespace cyto8
