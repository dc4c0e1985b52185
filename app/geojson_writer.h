// SPDX-License-Identifier: Apache-2.0
// detections.geojson of one image for QuPath (docs/formats.md, section 3),
// feature by feature. No files. Tested by tests/app/geojson_writer_test.cc.
#pragma once

#include "app/model_card.h"
#include "app/score_result.h"
#include "app/sink.h"
#include "base/status.h"

namespace cyto8 {

// Uncompressed. Besides the cells themselves it holds 8 bytes for each, to find
// boxes that would get the same id. Fails as the sink does.
Status WriteGeoJson(const SlideResult& slide, const ModelCard& card,
                    const Sink& sink);

}  // namespace cyto8
