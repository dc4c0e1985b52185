// SPDX-License-Identifier: Apache-2.0
// The images of a run with the names they get in results and what is known of
// their scale; refuses a list in which two would be taken for one. Reads the
// side files, no image. Tested by tests/app/score_command_test.cc.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/score_settings.h"
#include "app/slide_planner.h"
#include "base/file_system.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// One per path, in this order. kInvalidArgument if an image is given twice or
// two share an image_id. What a side file leaves ambiguous, or a list of
// regions that does not name the image, is the failure of that image alone, in
// SlideInput::status.
//
// With output.anonymize the names are those of the key file, to which a dry run
// adds nothing.
StatusOr<std::vector<SlideInput>> DescribeInputs(
    FileSystem& files, std::span<const std::string> paths,
    const ScoreSettings& settings, const Limits& limits, bool dry_run = false);

}  // namespace cyto8
