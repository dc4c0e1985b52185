// SPDX-License-Identifier: Apache-2.0
// Rows of a step's work, shared out over the workers of an executor, a piece
// each: more pieces would balance better, but make rows at their ends twice and
// leave fewer rows in the cache of the core that made them. What a piece
// computes does not depend on the pieces. Tested through
// tests/detector/runtime/quantized_steps_test.cc.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "base/parallel_for.h"

namespace cyto8 {

// Belongs to one request. Allocates nothing after it was made.
class RowSplit {
 public:
  // At most so many pieces, whose bodies may need memory of their own.
  static constexpr int64_t kMaxPieces = 8;
  // Rows [first, last) as piece number `piece`.
  using Body = std::function<void(int64_t piece, int64_t first, int64_t last)>;

  // Below kLeastWork multiply-adds or the like, some 2 us, a piece costs more
  // than it gains.
  RowSplit(int64_t rows, int64_t work, Body body)
      : state_(std::make_shared<State>()) {
    constexpr int64_t kLeastWork = int64_t{1} << 19;
    state_->rows = rows;
    state_->most_pieces =
        std::clamp<int64_t>(std::min(work / kLeastWork, rows), 1, kMaxPieces);
    state_->body = std::move(body);
    state_->piece = [state = state_.get()](int64_t i) {
      const int64_t rows_before = i * state->rows / state->pieces;
      const int64_t rows_upto = (i + 1) * state->rows / state->pieces;
      state->body(i, rows_before, rows_upto);
    };
  }

  // Returns the number of pieces.
  int64_t Run(ParallelFor& executor) const {
    state_->pieces =
        std::clamp<int64_t>(executor.workers(), 1, state_->most_pieces);
    if (state_->pieces == 1) {
      state_->body(0, 0, state_->rows);
    } else {
      executor.Run(state_->pieces, state_->piece);
    }
    return state_->pieces;
  }

 private:
  struct State {
    int64_t rows = 0;
    int64_t most_pieces = 1;
    int64_t pieces = 1;
    Body body;
    std::function<void(int64_t)> piece;
  };
  std::shared_ptr<State> state_;
};

}  // namespace cyto8
