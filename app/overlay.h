// SPDX-License-Identifier: Apache-2.0
// The picture that a person looks at: the image with a coloured box and the
// score for each cell. Tested by tests/app/overlay_test.cc.
#pragma once

#include <span>

#include "app/model_card.h"
#include "app/score_result.h"
#include "base/image_view.h"
#include "base/status.h"

namespace cyto8 {

// A copy of `image` with the cells drawn on it, the highest score on top. Boxes
// are in pixels of `image`; what reaches past it is cut.
StatusOr<Image> DrawOverlay(const ImageView& image,
                            std::span<const FoundCell> cells,
                            std::span<const CardClass> classes,
                            const Limits& limits);

}  // namespace cyto8
