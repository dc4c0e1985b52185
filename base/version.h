// SPDX-License-Identifier: Apache-2.0
// Who this program is: its version and the notice that travels with results.
#pragma once

#include <string_view>

namespace cyto8 {

inline constexpr std::string_view kVersion = "0.1.0";

// Word for word as in docs and README (promises.md, section 5).
inline constexpr std::string_view kResearchNotice =
    "Research software. Not a medical device. Not for diagnosis, screening or "
    "triage. Findings must be reviewed by a qualified cytologist.";

}  // namespace cyto8
