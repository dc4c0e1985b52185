// SPDX-License-Identifier: Apache-2.0
// Groups of classes; see class_groups.h.
#include "app/class_groups.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "base/nearest_word.h"
#include "base/numbers.h"
#include "tiling/detection_merger.h"

namespace cyto8 {
namespace {

constexpr int64_t kGroupClassId = 1;

std::optional<int64_t> FindClass(std::string_view word,
                                 std::span<const EvalClass> classes) {
  for (const EvalClass& entry : classes) {
    if (entry.name == word) return entry.id;
  }
  const StatusOr<int64_t> id = ParseInt64(word);
  const bool known =
      id.ok() &&
      std::ranges::find(classes, *id, &EvalClass::id) != classes.end();
  return known ? std::optional(*id) : std::nullopt;
}

Status UnknownClass(std::string_view word, std::span<const EvalClass> classes) {
  std::vector<std::string_view> names;
  for (const EvalClass& entry : classes) names.push_back(entry.name);
  return InvalidArgument("the truth has no class \"" + std::string(word) +
                         "\"" + DidYouMean(word, names));
}

void Finish(ClassGroup& group) {
  std::ranges::sort(group.class_ids);
  group.class_ids.erase(
      std::unique(group.class_ids.begin(), group.class_ids.end()),
      group.class_ids.end());
}

bool Holds(const ClassGroup& group, int64_t class_id) {
  return std::ranges::binary_search(group.class_ids, class_id);
}

ClassGroup AllClasses(std::span<const EvalClass> classes) {
  ClassGroup group = {.name = "cell"};
  for (const EvalClass& entry : classes) group.class_ids.push_back(entry.id);
  Finish(group);
  return group;
}

std::vector<ClassGroup> CardGroups(
    const std::map<std::string, std::vector<std::string>>& card,
    std::span<const EvalClass> classes) {
  std::vector<ClassGroup> groups;
  for (const auto& [name, members] : card) {
    ClassGroup group = {.name = name};
    for (const std::string& member : members) {
      const auto found = std::ranges::find(classes, member, &EvalClass::name);
      if (found != classes.end()) group.class_ids.push_back(found->id);
    }
    Finish(group);
    if (!group.class_ids.empty()) groups.push_back(std::move(group));
  }
  return groups;
}

Box ToBox(const EvalBox& box) {
  return {.x_min = box.x,
          .y_min = box.y,
          .x_max = box.x + box.width,
          .y_max = box.y + box.height};
}

// By image, then falling score, then place: not by list order, so that the
// order of a file cannot show.
bool Before(const FoundBox& a, const FoundBox& b) {
  return std::tie(a.image_id, b.score, a.box.y, a.box.x, a.box.height,
                  a.box.width) < std::tie(b.image_id, a.score, b.box.y, b.box.x,
                                          b.box.height, b.box.width);
}

// Suppression among the boxes of one image, given in the order of Before. The
// merger sees equal scores and the rank as the class, so it keeps this order
// and says which boxes are left, whatever scores a foreign list has.
Status Suppress(std::span<const FoundBox> boxes, std::vector<FoundBox>& kept) {
  std::vector<Detection> detections;
  detections.reserve(boxes.size());
  for (const FoundBox& found : boxes) {
    detections.push_back({.box = ToBox(found.box),
                          .score = 1,
                          .class_id = static_cast<int>(detections.size())});
  }
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<Detection> merged,
      MergeDetections(std::move(detections),
                      {.iou_threshold = kGroupNmsIou, .class_agnostic = true}));
  for (const Detection& detection : merged) {
    kept.push_back(boxes[static_cast<size_t>(detection.class_id)]);
  }
  return OkStatus();
}

}  // namespace

StatusOr<ClassGroup> ParseClassGroup(std::string_view text,
                                     std::span<const EvalClass> classes) {
  const size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    return InvalidArgument("\"" + std::string(text) +
                           "\": must be NAME=CLASS,CLASS,...");
  }
  ClassGroup group = {.name = std::string(text.substr(0, equals))};
  for (std::string_view rest = text.substr(equals + 1);;) {
    const size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    const std::optional<int64_t> id = FindClass(word, classes);
    if (!id) return UnknownClass(word, classes);
    group.class_ids.push_back(*id);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  Finish(group);
  return group;
}

StatusOr<std::vector<ClassGroup>> ClassGroups(
    std::span<const std::string> flags,
    const std::map<std::string, std::vector<std::string>>& card,
    std::span<const EvalClass> classes) {
  std::vector<ClassGroup> groups;
  for (const std::string& flag : flags) {
    CYTO8_ASSIGN_OR_RETURN(ClassGroup group, ParseClassGroup(flag, classes));
    if (std::ranges::count(groups, group.name, &ClassGroup::name) > 0) {
      return InvalidArgument("group \"" + group.name + "\" is given twice");
    }
    groups.push_back(std::move(group));
  }
  if (flags.empty()) groups = CardGroups(card, classes);
  const ClassGroup all = AllClasses(classes);
  if (!all.class_ids.empty() &&
      std::ranges::count(groups, all.name, &ClassGroup::name) == 0) {
    groups.insert(groups.begin(), all);
  }
  return groups;
}

TruthSet TruthOfGroup(const TruthSet& truth, const ClassGroup& group) {
  TruthSet result = {.images = truth.images,
                     .classes = {{.id = kGroupClassId, .name = group.name}}};
  for (const TruthBox& box : truth.boxes) {
    if (!Holds(group, box.class_id)) continue;
    result.boxes.push_back(box);
    result.boxes.back().class_id = kGroupClassId;
  }
  return result;
}

StatusOr<std::vector<FoundBox>> FoundOfGroup(std::span<const FoundBox> found,
                                             const ClassGroup& group) {
  std::vector<FoundBox> pooled;
  for (const FoundBox& box : found) {
    if (!Holds(group, box.class_id)) continue;
    pooled.push_back(box);
    pooled.back().class_id = kGroupClassId;
  }
  std::ranges::sort(pooled, Before);
  std::vector<FoundBox> kept;
  for (size_t begin = 0; begin < pooled.size();) {
    size_t end = begin;
    while (end < pooled.size() &&
           pooled[end].image_id == pooled[begin].image_id) {
      ++end;
    }
    CYTO8_RETURN_IF_ERROR(
        Annotate(Suppress(std::span(pooled).subspan(begin, end - begin), kept),
                 "group \"" + group.name + "\""));
    begin = end;
  }
  return kept;
}

}  // namespace cyto8
