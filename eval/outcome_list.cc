// SPDX-License-Identifier: Apache-2.0
// See outcome_list.h.
#include "eval/outcome_list.h"

#include <algorithm>

namespace cyto8 {

void OutcomeList::AddTruth(const BoxGroup& group, const BoxGroups& groups) {
  const auto count = std::ranges::count_if(
      group.truth, [&](int32_t i) { return !groups.IsIgnored(i); });
  if (count == 0) return;
  truths_.push_back(
      {.image = group.image, .count = static_cast<int32_t>(count)});
}

ClassOutcomes OutcomeList::Finish(int64_t class_id) && {
  std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
    return a.score != b.score ? a.score > b.score : a.tie < b.tie;
  });
  ClassOutcomes outcomes = {.class_id = class_id, .truths = std::move(truths_)};
  for (const ImageTruths& truths : outcomes.truths) {
    outcomes.truth_count += truths.count;
  }
  for (const Entry& entry : entries_) {
    outcomes.scores.push_back(entry.score);
    outcomes.images.push_back(entry.image);
    outcomes.true_positives.push_back(entry.true_positives);
    outcomes.ignored.push_back(entry.ignored);
  }
  return outcomes;
}

}  // namespace cyto8
