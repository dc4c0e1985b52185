// SPDX-License-Identifier: Apache-2.0
// Results as COCO and CSV, exactly as docs/formats.md, section 3, written line
// by line. No files, no clocks. Tested by tests/app/result_writer_test.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/model_card.h"
#include "app/score_result.h"
#include "app/sink.h"
#include "base/status.h"

namespace cyto8 {

// All of them fail only as the sink does.

// coco.json of one image.
Status WriteCoco(const SlideResult& slide, const Sink& sink);

// detections.csv of one image.
Status WriteDetectionsCsv(const SlideResult& slide, const ModelCard& card,
                          const Sink& sink);

// slides.csv of a run.
Status WriteSlidesCsv(std::span<const SlideSummary> slides, const Sink& sink);

// timing.csv of a run on one host.
Status WriteTimingCsv(std::span<const SlideSummary> slides,
                      std::string_view host, const Sink& sink);

// One CSV cell by RFC 4180: quoted where it holds a comma, a quote or a line
// break. What is not UTF-8 as in base/valid_utf8.h.
std::string CsvCell(std::string_view text);

}  // namespace cyto8
