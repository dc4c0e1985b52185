// SPDX-License-Identifier: Apache-2.0
// summary.md: a run for people (docs/formats.md, section 3). No clocks, no
// hosts. Tested by tests/app/summary_markdown_test.cc.
#pragma once

#include <span>

#include "app/model_card.h"
#include "app/score_result.h"
#include "app/sink.h"
#include "base/status.h"

namespace cyto8 {

// Names cannot break out of the tables, whatever they hold. Fails as the sink
// does.
Status WriteSummaryMarkdown(std::span<const SlideSummary> slides,
                            const ModelCard& card, const Sink& sink);

}  // namespace cyto8
