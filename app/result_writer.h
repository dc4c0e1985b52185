// SPDX-License-Identifier: Apache-2.0
// Results to text, exactly as docs/formats.md, section 3. Pure: no files, no
// clocks. Tested by tests/app/result_writer_test.cc.
#pragma once

#include <span>
#include <string>

#include "app/model_card.h"
#include "app/score_result.h"

namespace cyto8 {

// coco.json of one image.
std::string CocoText(const SlideResult& slide);

// coco_results.json of a run: by rising image_id.
std::string CocoText(std::span<const SlideResult> slides);

// detections.csv of one image.
std::string DetectionsCsv(const SlideResult& slide, const ModelCard& card);

// slides.csv of a run.
std::string SlidesCsv(std::span<const SlideResult> slides);

// One CSV cell by RFC 4180: quoted where it holds a comma, a quote or a line
// break.
std::string CsvCell(std::string_view text);

}  // namespace cyto8
