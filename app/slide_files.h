// SPDX-License-Identifier: Apache-2.0
// The result files of an image and of a run, written and removed: which there
// are, and in which order, so that nobody takes half a result for a whole one
// (docs/formats.md, section 3). Tested by tests/app/slide_files_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/overlay.h"
#include "app/run_manifest.h"
#include "app/score_result.h"
#include "base/file_system.h"
#include "base/status.h"
#include "tiling/slide_reader.h"

namespace cyto8 {

struct SlideFilesOptions {
  std::string folder = {};          // of this image; made if missing.
  const ModelCard* card = nullptr;  // its class ids are those of the cells.
  // The image from its first row on; empty: no overlay.
  RowReader overlay_rows = {};
  bool heatmap = true;
  SlideReader* thumbnail_of = nullptr;  // null: no thumbnail.
};

// Writes every file of an image but state.json, which the caller writes last;
// kDataLoss unless it HasResult(). What an earlier run left is removed first,
// state.json before all. On failure none of the files is there, except where it
// could not be removed. An image too large for a JPEG gets a note instead of an
// overlay.
Status WriteSlideFiles(FileSystem& files, const SlideFilesOptions& options,
                       SlideResult& slide);

// A failed image leaves no file that could be taken for its result, neither of
// this run nor of an earlier one. What is not there or cannot be removed is
// passed over.
void RemoveSlideFiles(FileSystem& files, const std::string& folder);

// What a killed run left of unfinished files; its lock must be held.
Status RemoveSlideTemporaries(FileSystem& files, const std::string& folder);

// Names in an image's folder that its state.json vouches for.
std::vector<std::string_view> RecordedSlideFiles();

struct RunFilesOptions {
  std::string folder = {};  // of the run; holds slides/<id>/.
  const RunFacts* facts = nullptr;
  const LoadedModel* model = nullptr;
};

// slides.csv, timing.csv, summary.md, coco_results.json and, last, run.json.
// Images in input order.
Status WriteRunFiles(FileSystem& files, const RunFilesOptions& options,
                     std::span<const SlideSummary> slides);

// Before a run writes anything: the files of an earlier run in this folder do
// not describe it. run.json goes first. What is not there is passed over; what
// cannot be removed is an error.
Status RemoveRunFiles(FileSystem& files, const std::string& folder);

}  // namespace cyto8
