// SPDX-License-Identifier: Apache-2.0
// Real labelled fields, from which slides are made: a folder of images and
// their COCO truth, brought to one scale. Tested by
// tests/app/make_slide_command_test.cc.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/box.h"
#include "base/file_system.h"
#include "base/image_view.h"
#include "base/limits.h"
#include "base/status.h"
#include "eval/dataset.h"

namespace cyto8 {

// A labelled cell, in pixels of its field at the scale of the slide.
struct FieldCell {
  int64_t truth_id = 0;  // of the box in the truth file.
  int64_t class_id = 0;
  Box box = {};
  double area = 0;
  bool is_crowd = false;
};

struct SourceField {
  int64_t image_id = 0;  // in the truth file.
  std::string file_name = {};
  std::string path = {};
  double um_per_px = 0;  // of the file.
  int64_t width_px = 0;  // at the scale of the slide.
  int64_t height_px = 0;
  std::vector<FieldCell> cells = {};
};

struct FieldList {
  std::vector<SourceField> fields = {};  // in the order of the truth file.
  std::vector<EvalClass> classes = {};
  std::string attribution = {};  // ATTRIBUTION.txt; empty: there is none.
};

struct FieldListOptions {
  std::string folder = {};
  std::string truth = {};
  double um_per_px = 0;  // of the slide.
  Limits limits = {};
};

// All images of the truth, whose um_per_px comes from there, else from the
// image. What their licence wants to be said is ATTRIBUTION.txt in the folder,
// else beside the truth; there may be none. Errors name the file;
// kInvalidArgument if um/px is unknown, an image is not of the size that the
// truth states, or there is none.
StatusOr<FieldList> ReadFieldList(FileSystem& files,
                                  const FieldListOptions& options);

// The pixels of fields at the scale of the slide. Those used last are kept, up
// to kMaxBytes and at least one; what is kept does not show in the pixels.
class FieldPixels {
 public:
  static constexpr int64_t kMaxBytes = int64_t{512} << 20;

  // Both outlive it.
  FieldPixels(FileSystem& files, const std::vector<SourceField>& fields)
      : files_(&files), fields_(&fields) {}

  StatusOr<std::shared_ptr<const Image>> Of(int64_t field);

 private:
  struct Kept {
    std::shared_ptr<const Image> image;
    std::list<int64_t>::iterator use;
  };
  void MakeRoom();

  FileSystem* files_;
  const std::vector<SourceField>* fields_;
  std::map<int64_t, Kept> kept_;
  std::list<int64_t> uses_;  // the latest first.
  int64_t bytes_ = 0;
};

// The colour of the empty glass: the mean of pixels that are brighter than 80 %
// and darker than 5 % of their field, over at most 16 fields.
StatusOr<Rgb> BackgroundOf(FieldPixels& pixels, int64_t fields);

}  // namespace cyto8
