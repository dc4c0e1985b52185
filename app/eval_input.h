// SPDX-License-Identifier: Apache-2.0
// Truth and detections from files to lists that speak of the same images and
// classes: a result list joins by image_id, a result folder of `cyto8 score` by
// names. Never takes an image that failed for one without cells. Tested by
// tests/app/eval_input_test.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/eval_settings.h"
#include "base/file_system.h"
#include "base/status.h"
#include "eval/dataset.h"
#include "eval/read_coco.h"

namespace cyto8 {

// Detections with image and class ids of the truth.
struct Predictions {
  std::vector<FoundBox> found = {};
  int64_t read = 0;            // detections in the file.
  int64_t outside = 0;         // wholly outside of their image.
  std::string joined_by = {};  // for the conventions.
  // Truth images without a result, rising; empty unless allowed.
  std::vector<int64_t> missing_image_ids = {};
  int64_t extra_images = 0;  // of the run, unknown to the truth; if allowed.
  // Of the model that made them, where known.
  std::map<std::string, std::vector<std::string>> card_groups = {};
};

// kNotFound and others of the file system as they come; else kInvalidArgument
// that names the file. Style kCoco reads with TruthRules::kPycocotools.
StatusOr<TruthFile> ReadTruth(FileSystem& files, const std::string& path,
                              EvalStyle style, const Limits& limits);

// The images and classes of an output folder, as a truth without boxes that
// other results can be joined with. kInvalidArgument if `path` is no folder, or
// if its run.json does not state the classes, or one name for two of them.
StatusOr<TruthFile> ReadImagesOfRun(FileSystem& files, const std::string& path,
                                    const Limits& limits);

// `path` is a list of results (JSON) or an output folder. In style kCoco ids
// join images and classes as they stand. Otherwise every detection must have
// an image and a class of the truth and a sane box, and a folder's images and
// classes join by name. Images of a folder that failed, or that only one side
// has, are errors unless settings.allow_missing. An image that the model of a
// folder was calibrated with is an error always: it says nothing of others.
// Scores not above settings.min_score are left out.
StatusOr<Predictions> ReadPredictions(FileSystem& files,
                                      const std::string& path,
                                      const TruthSet& truth,
                                      const EvalSettings& settings,
                                      const Limits& limits);

// The truth and the detections without these images (rising ids).
void LeaveOutImages(const std::vector<int64_t>& image_ids, TruthSet& truth);
void LeaveOutImages(const std::vector<int64_t>& image_ids,
                    std::vector<FoundBox>& found);

}  // namespace cyto8
