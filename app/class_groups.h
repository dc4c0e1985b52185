// SPDX-License-Identifier: Apache-2.0
// Groups of classes such as "abnormal": which there are, and truth and
// detections as if the group were one class. Pure. Tested by
// tests/app/class_groups_test.cc.
//
// A group's boxes are pooled and suppressed once more, because a cell found as
// two classes of one group is one cell: within the group the box of the higher
// score suppresses those of IoU above 0.5, its score stays as it is. Truth of
// other classes is background, so a box of the group on it is false.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "eval/dataset.h"

namespace cyto8 {

inline constexpr double kGroupNmsIou = 0.5;

struct ClassGroup {
  std::string name = {};
  std::vector<int64_t> class_ids = {};  // of the truth, rising, each once.
};

// "name=class,class,...", a class by name or else by id. kInvalidArgument for
// an unknown class, with the nearest name.
StatusOr<ClassGroup> ParseClassGroup(std::string_view text,
                                     std::span<const EvalClass> classes);

// The groups that are evaluated: those of the flags, else those of the model
// card as far as the truth knows their classes; and always "cell", all classes,
// unless one is called so. kInvalidArgument if two flags give one name.
StatusOr<std::vector<ClassGroup>> ClassGroups(
    std::span<const std::string> flags,
    const std::map<std::string, std::vector<std::string>>& card,
    std::span<const EvalClass> classes);

// The truth with one class, id 1, named as the group.
TruthSet TruthOfGroup(const TruthSet& truth, const ClassGroup& group);

// The detections of the group that are left, with class id 1, by image id and
// falling score. kInvalidArgument for boxes that MergeDetections refuses.
StatusOr<std::vector<FoundBox>> FoundOfGroup(std::span<const FoundBox> found,
                                             const ClassGroup& group);

}  // namespace cyto8
