// SPDX-License-Identifier: Apache-2.0
// Collects the outcomes of one class, found group by group, and sorts them by
// score. Tested through tests/eval/voc_evaluator_test.cc and
// centre_evaluator_test.cc.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "eval/box_groups.h"
#include "eval/outcomes.h"

namespace cyto8 {

class OutcomeList {
 public:
  struct Entry {
    double score = 0;
    std::pair<int64_t, int64_t> tie = {};  // equal scores are ordered by it.
    int32_t image = 0;
    uint64_t true_positives = 0;
    uint64_t ignored = 0;
  };

  void Add(const Entry& entry) { entries_.push_back(entry); }

  // The truth of the group that is not ignored. Groups come by rising image.
  void AddTruth(const BoxGroup& group, const BoxGroups& groups);

  ClassOutcomes Finish(int64_t class_id) &&;

 private:
  std::vector<Entry> entries_;
  std::vector<ImageTruths> truths_;
};

// The outcomes of all classes, of which match(group, list) tells one group.
template <typename Match>
Outcomes MatchAllGroups(const BoxGroups& groups, const Match& match) {
  Outcomes outcomes = {.image_ids = groups.image_ids(),
                       .left_out = groups.left_out()};
  auto group = groups.groups().begin();
  for (size_t k = 0; k < groups.class_ids().size(); ++k) {
    OutcomeList list;
    for (; group != groups.groups().end() &&
           static_cast<size_t>(group->class_index) == k;
         ++group) {
      list.AddTruth(*group, groups);
      match(*group, list);
    }
    outcomes.classes.push_back(std::move(list).Finish(groups.class_ids()[k]));
  }
  return outcomes;
}

}  // namespace cyto8
