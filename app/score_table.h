// SPDX-License-Identifier: Apache-2.0
// The short table that `cyto8 score` prints: one line per image. Pure. Tested
// by tests/app/score_table_test.cc.
#pragma once

#include <span>
#include <string>

#include "app/model_card.h"
#include "app/score_result.h"

namespace cyto8 {

// Image, size, um/px, tiles ("3/4": three of four have a result), cells per
// class, seconds by stage; then where the pictures lie and the notice.
std::string ScoreTable(std::span<const SlideSummary> slides,
                       const ModelCard& card, const std::string& output);

}  // namespace cyto8
