// SPDX-License-Identifier: Apache-2.0
// Class by class: match every group, sort once by score, then take the figures
// of each area range and each limit of detections; see coco_evaluator.h.
#include "eval/coco_evaluator.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/checked_math.h"
#include "eval/box_groups.h"
#include "eval/coco_matcher.h"
#include "eval/precision_recall.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxMaxDetections = 8;

Status CheckMaxDetections(const std::vector<int64_t>& values) {
  CYTO8_RETURN_IF_ERROR(CheckRange("count of max_detections",
                                   static_cast<int64_t>(values.size()), 1,
                                   kMaxMaxDetections));
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  int64_t least = 1;
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string entry = "max_detections[" + std::to_string(i) + "]";
    if (values[i] == kAllDetections && i + 1 == values.size()) break;
    CYTO8_RETURN_IF_ERROR(CheckRange(entry, values[i], least, kMost));
    least = values[i] + 1;
  }
  return OkStatus();
}

Status CheckAreaRanges(const std::vector<AreaRange>& ranges) {
  CYTO8_RETURN_IF_ERROR(CheckRange("count of area_ranges",
                                   static_cast<int64_t>(ranges.size()), 1,
                                   kMaxAreaRanges));
  for (const AreaRange& range : ranges) {
    const std::string entry = "area_ranges " + range.name;
    CYTO8_RETURN_IF_ERROR(
        CheckRange(entry + " low_px2", range.low_px2, 0.0, kMaxEvalNumber));
    CYTO8_RETURN_IF_ERROR(CheckRange(entry + " high_px2", range.high_px2,
                                     range.low_px2, kMaxEvalNumber));
  }
  return OkStatus();
}

Status CheckOptions(const CocoOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckMaxDetections(options.max_detections));
  CYTO8_RETURN_IF_ERROR(CheckAreaRanges(options.area_ranges));
  return CheckLevels("iou_thresholds", options.iou_thresholds, kMinIouThreshold,
                     1);
}

StatusOr<BoxGroups> MakeGroups(const TruthSet& truth,
                               std::span<const FoundBox> found,
                               const CocoOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  return BoxGroups::Create(truth, found,
                           {.use_classes = options.use_classes,
                            .ignore_border_px = options.ignore_border_px});
}

// All detections of one class as matched; vectors run in parallel.
class ClassMatches {
 public:
  explicit ClassMatches(size_t areas) : areas_(areas) {}

  void Append(const BoxGroup& group, const CocoGroupOutcome& outcome,
              std::span<const FoundBox> found) {
    for (int64_t i = 0; i < outcome.found_count; ++i) {
      order_.push_back({.score = found[group.found[i]].score,
                        .index = static_cast<int32_t>(order_.size())});
      images_.push_back(group.image);
      ranks_.push_back(static_cast<int32_t>(i));
    }
    for (size_t area = 0; area < areas_.size(); ++area) {
      AppendArea(group, outcome, area);
    }
  }

  // Falling score; ties by image, then as in the group.
  void Sort() { std::ranges::sort(order_, std::less<>()); }

  // After Sort: of one area range, the best so many of each image.
  ClassOutcomes Select(int64_t class_id, size_t area,
                       int64_t max_detections) const {
    ClassOutcomes outcomes = {.class_id = class_id,
                              .truth_count = areas_[area].truth_count,
                              .truths = areas_[area].truths};
    for (const Entry& entry : order_) {
      const int32_t i = entry.index;
      if (max_detections != kAllDetections && ranks_[i] >= max_detections) {
        continue;
      }
      outcomes.scores.push_back(entry.score);
      outcomes.images.push_back(images_[i]);
      outcomes.true_positives.push_back(areas_[area].true_positives[i]);
      outcomes.ignored.push_back(areas_[area].ignored[i]);
    }
    return outcomes;
  }

 private:
  struct Entry {
    double score = 0;
    int32_t index = 0;
    friend bool operator<(const Entry& a, const Entry& b) {
      return a.score != b.score ? a.score > b.score : a.index < b.index;
    }
  };
  struct Area {
    std::vector<uint64_t> true_positives;
    std::vector<uint64_t> ignored;
    std::vector<ImageTruths> truths;
    int64_t truth_count = 0;
  };

  void AppendArea(const BoxGroup& group, const CocoGroupOutcome& outcome,
                  size_t area) {
    Area& to = areas_[area];
    const auto row = [area](const auto& cells, size_t length) {
      return std::span(cells).subspan(area * length, length);
    };
    const auto true_positives =
        row(outcome.true_positives, outcome.found_count);
    const auto ignored = row(outcome.ignored, outcome.found_count);
    to.true_positives.insert(to.true_positives.end(), true_positives.begin(),
                             true_positives.end());
    to.ignored.insert(to.ignored.end(), ignored.begin(), ignored.end());
    const auto truth_ignored = row(outcome.truth_ignored, group.truth.size());
    const auto count = std::ranges::count(truth_ignored, uint8_t{0});
    if (count == 0) return;
    to.truths.push_back(
        {.image = group.image, .count = static_cast<int32_t>(count)});
    to.truth_count += count;
  }

  std::vector<Entry> order_;
  std::vector<int32_t> images_;
  std::vector<int32_t> ranks_;  // within the group.
  std::vector<Area> areas_;
};

// Appends the cells of one class and its outcomes to the result.
void Accumulate(const ClassMatches& matches, int64_t class_id,
                CocoResult& result) {
  const CocoOptions& options = result.options;
  const int levels = static_cast<int>(options.iou_thresholds.size());
  const size_t areas = options.area_ranges.size();
  const size_t limits = options.max_detections.size();
  const int64_t first_cell = std::ssize(result.average_precisions);
  result.average_precisions.resize(first_cell + levels * areas * limits);
  result.recalls.resize(result.average_precisions.size());
  for (size_t area = 0; area < areas; ++area) {
    for (size_t limit = 0; limit < limits; ++limit) {
      ClassOutcomes outcomes =
          matches.Select(class_id, area, options.max_detections[limit]);
      for (int level = 0; level < levels; ++level) {
        const size_t cell =
            first_cell + (level * areas + area) * limits + limit;
        result.average_precisions[cell] =
            AveragePrecision(outcomes, level, Interpolation::kCoco101);
        result.recalls[cell] = FinalRecall(outcomes, level);
      }
      if (area == 0 && limit + 1 == limits) {
        result.outcomes.classes.push_back(std::move(outcomes));
      }
    }
  }
}

// Which cells a line of the summary averages.
struct CellFilter {
  std::optional<int64_t> class_index = std::nullopt;
  std::optional<double> iou_threshold = std::nullopt;
  std::optional<int64_t> area_index = std::nullopt;
  std::optional<int64_t> max_index = std::nullopt;
};

double MeanOfCells(const CocoResult& result, const std::vector<double>& cells,
                   const CellFilter& filter) {
  // An area range or limit that is not there: nothing to average.
  if (!filter.area_index || !filter.max_index) return kUndefined;
  const auto& thresholds = result.options.iou_thresholds;
  std::vector<double> values;
  for (int64_t k = 0; k < std::ssize(result.outcomes.classes); ++k) {
    if (filter.class_index.value_or(k) != k) continue;
    for (int64_t t = 0; t < std::ssize(thresholds); ++t) {
      if (filter.iou_threshold.value_or(thresholds[t]) != thresholds[t]) {
        continue;
      }
      values.push_back(
          cells[result.CellIndex({.class_index = k,
                                  .iou_index = t,
                                  .area_index = *filter.area_index,
                                  .max_index = *filter.max_index})]);
    }
  }
  return MeanOfDefined(values);
}

// The place of the entry, if there is one.
template <typename List, typename Value, typename Projection = std::identity>
std::optional<int64_t> IndexOf(const List& list, const Value& value,
                               Projection projection = {}) {
  const auto at = std::ranges::find(list, value, projection);
  if (at == list.end()) return std::nullopt;
  return at - list.begin();
}

// Positions in the group to indices into the lists.
GroupMatches NameMatches(const BoxGroup& group, const BoxGroups& groups,
                         const CocoGroupOutcome& outcome, int64_t area) {
  GroupMatches matches = {.image_id = groups.image_ids()[group.image],
                          .class_id = groups.class_ids()[group.class_index],
                          .area_index = area};
  const auto name = [](std::span<const int32_t> indices, int32_t position) {
    return position < 0 ? int64_t{-1} : int64_t{indices[position]};
  };
  for (int64_t i = 0; i < outcome.found_count; ++i) {
    const int64_t cell = area * outcome.found_count + i;
    matches.found.push_back(
        {.found_index = group.found[i],
         .truth_index = name(group.truth, outcome.partner_of_found[cell]),
         .is_ignored = (outcome.ignored[cell] & 1) != 0});
  }
  const int64_t truth_count = std::ssize(group.truth);
  for (int64_t i = 0; i < truth_count; ++i) {
    const int64_t cell = area * truth_count + i;
    matches.truth.push_back(
        {.truth_index = group.truth[i],
         .found_index = name(group.found, outcome.partner_of_truth[cell]),
         .is_ignored = outcome.truth_ignored[cell] != 0});
  }
  std::ranges::stable_sort(matches.truth, {}, &TruthMatch::is_ignored);
  return matches;
}

}  // namespace

std::vector<double> CocoIouThresholds() {
  constexpr int kCount = 10;
  constexpr double kStep = (0.95 - 0.5) / (kCount - 1);
  std::vector<double> thresholds;
  thresholds.reserve(kCount);
  for (int i = 0; i < kCount; ++i) thresholds.push_back(i * kStep + 0.5);
  thresholds.back() = 0.95;
  return thresholds;
}

std::vector<AreaRange> CocoAreaRanges() {
  constexpr double kSmall = 32 * 32;
  constexpr double kMedium = 96 * 96;
  constexpr double kMost = 1e10;
  return {{.name = "all", .low_px2 = 0, .high_px2 = kMost},
          {.name = "small", .low_px2 = 0, .high_px2 = kSmall},
          {.name = "medium", .low_px2 = kSmall, .high_px2 = kMedium},
          {.name = "large", .low_px2 = kMedium, .high_px2 = kMost}};
}

int64_t CocoResult::CellIndex(const CocoCell& cell) const {
  int64_t index = cell.class_index;
  index = index * std::ssize(options.iou_thresholds) + cell.iou_index;
  index = index * std::ssize(options.area_ranges) + cell.area_index;
  return index * std::ssize(options.max_detections) + cell.max_index;
}

StatusOr<CocoResult> EvaluateCoco(const TruthSet& truth,
                                  std::span<const FoundBox> found,
                                  const CocoOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const BoxGroups groups,
                         MakeGroups(truth, found, options));
  CocoResult result = {.options = options};
  result.outcomes.levels = options.iou_thresholds;
  result.outcomes.image_ids = groups.image_ids();
  result.outcomes.left_out = groups.left_out();
  CocoMatcher matcher(truth, found, groups, options);
  auto group = groups.groups().begin();
  for (int32_t k = 0; k < std::ssize(groups.class_ids()); ++k) {
    ClassMatches matches(options.area_ranges.size());
    for (; group != groups.groups().end() && group->class_index == k; ++group) {
      matches.Append(*group, matcher.Match(*group), found);
    }
    matches.Sort();
    Accumulate(matches, groups.class_ids()[k], result);
  }
  return result;
}

StatusOr<std::array<double, 12>> CocoStats(const CocoResult& result,
                                           std::optional<int64_t> class_index) {
  const CocoOptions& options = result.options;
  const int64_t limits = std::ssize(options.max_detections);
  CYTO8_RETURN_IF_ERROR(CheckRange("count of max_detections", limits, 3, 3));
  const auto area = [&](std::string_view name) {
    return IndexOf(options.area_ranges, name, &AreaRange::name);
  };
  const auto precision = [&](std::string_view area_name,
                             std::optional<int64_t> max_index,
                             std::optional<double> iou = {}) {
    return MeanOfCells(result, result.average_precisions,
                       {.class_index = class_index,
                        .iou_threshold = iou,
                        .area_index = area(area_name),
                        .max_index = max_index});
  };
  const auto recall = [&](std::string_view area_name, int64_t max_index) {
    return MeanOfCells(result, result.recalls,
                       {.class_index = class_index,
                        .area_index = area(area_name),
                        .max_index = max_index});
  };
  return std::array<double, 12>{
      precision("all", IndexOf(options.max_detections, 100)),
      precision("all", 2, 0.5),
      precision("all", 2, 0.75),
      precision("small", 2),
      precision("medium", 2),
      precision("large", 2),
      recall("all", 0),
      recall("all", 1),
      recall("all", 2),
      recall("small", 2),
      recall("medium", 2),
      recall("large", 2)};
}

double MeanAveragePrecision(const CocoResult& result,
                            std::optional<double> iou_threshold,
                            std::optional<int64_t> class_index) {
  return MeanOfCells(
      result, result.average_precisions,
      {.class_index = class_index,
       .iou_threshold = iou_threshold,
       .area_index = 0,
       .max_index = std::ssize(result.options.max_detections) - 1});
}

StatusOr<std::vector<GroupMatches>> MatchCoco(const TruthSet& truth,
                                              std::span<const FoundBox> found,
                                              const CocoOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const BoxGroups groups,
                         MakeGroups(truth, found, options));
  CocoMatcher matcher(truth, found, groups, options);
  std::vector<GroupMatches> matches;
  for (const BoxGroup& group : groups.groups()) {
    const CocoGroupOutcome& outcome = matcher.Match(group);
    for (size_t area = 0; area < options.area_ranges.size(); ++area) {
      matches.push_back(
          NameMatches(group, groups, outcome, static_cast<int64_t>(area)));
    }
  }
  return matches;
}

}  // namespace cyto8
