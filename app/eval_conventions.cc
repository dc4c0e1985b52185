// SPDX-License-Identifier: Apache-2.0
// The conventions of an evaluation in words; see eval_report.h.
#include <algorithm>

#include "app/eval_report.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

std::string Numbers(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) {
    text += (text.empty() ? "" : ", ") + FormatShortest(value);
  }
  return text;
}

std::string MatchText(const EvalSettings& settings) {
  if (settings.match == EvalMatch::kCentre) {
    return "match: centres at most " + FormatShortest(settings.distance_px) +
           " px apart, detections by falling score take the nearest free truth";
  }
  const std::string levels = settings.iou_thresholds == CocoIouThresholds()
                                 ? "0.50:0.05:0.95"
                                 : Numbers(settings.iou_thresholds);
  if (settings.style == EvalStyle::kVoc) {
    return std::string("match: IoU ") + (settings.iou_above ? ">" : ">=") +
           " " + levels +
           " with the truth overlapped most, free or taken (VOC); sides are " +
           (settings.plus_one ? "x2 - x1 + 1" : "x2 - x1, no +1");
  }
  return "match: IoU >= " + levels +
         " with the best free truth (COCO); sides are x2 - x1, no +1";
}

std::string LimitText(const EvalSettings& settings) {
  if (settings.match == EvalMatch::kCentre ||
      settings.style == EvalStyle::kVoc) {
    return "all detections";
  }
  const int64_t limit = settings.max_detections.back();
  if (limit == kAllDetections) return "all detections";
  return "the best " + std::to_string(limit) + " detections of each image" +
         (settings.class_agnostic ? "" : " and class");
}

std::string PrecisionText(const EvalSettings& settings) {
  const std::string limit = LimitText(settings);
  switch (settings.interpolation) {
    case Interpolation::kCoco101:
      return "AP: 101-point interpolation (COCO), " + limit;
    case Interpolation::kVoc11:
      return "AP: 11-point interpolation (VOC 2007), " + limit;
    case Interpolation::kAllPoint:
      return "AP: whole area under the envelope (VOC 2010), " + limit;
  }
  return limit;
}

std::string GroupText(const ClassGroup& group,
                      std::span<const EvalClass> classes) {
  std::string text;
  for (const int64_t id : group.class_ids) {
    const auto found = std::ranges::find(classes, id, &EvalClass::id);
    text += (text.empty() ? " = " : " + ") + found->name;
  }
  return group.name + text;
}

std::string GroupsText(std::span<const ClassGroup> groups,
                       std::span<const EvalClass> classes) {
  std::string text = "groups: ";
  for (const ClassGroup& group : groups) {
    text += GroupText(group, classes) + "; ";
  }
  return text + "boxes pooled, NMS at IoU > " + FormatShortest(kGroupNmsIou) +
         " within the group, truth of other classes is background";
}

void AddCount(int64_t count, const std::string& text,
              std::vector<std::string>& lines) {
  if (count > 0) lines.push_back(std::to_string(count) + " " + text);
}

std::string CountText(const EvalCounts& counts) {
  return std::to_string(counts.images) + " images, " +
         std::to_string(counts.truth) + " truth boxes (" +
         std::to_string(counts.crowds) + " crowds, ignored), " +
         std::to_string(counts.found) + " of " +
         std::to_string(counts.found_read) + " detections";
}

void AddCounts(const EvalCounts& counts, const LeftOut& left_out,
               std::vector<std::string>& lines) {
  AddCount(counts.missing_images, "truth images without a result: left out",
           lines);
  AddCount(counts.extra_images, "images of the run without truth: left out",
           lines);
  AddCount(counts.partly_outside,
           "truth boxes reach past their image: taken as they are", lines);
  AddCount(counts.without_extent,
           "truth boxes have no extent: no IoU can find them", lines);
  AddCount(counts.found_outside,
           "detections lie outside of their image: taken as they are", lines);
  AddCount(left_out.found_of_unknown_class,
           "detections of classes that the truth does not have: left out",
           lines);
  AddCount(left_out.truth_of_unknown_class,
           "truth boxes of unknown classes or images: left out", lines);
}

std::string BorderText(const EvalSettings& settings, const LeftOut& left_out) {
  return "ignored border: " + FormatShortest(settings.ignore_border_px) +
         " px, by the centre of the box (" +
         std::to_string(left_out.truth_in_border) + " truth boxes, " +
         std::to_string(left_out.found_in_border) + " detections)";
}

std::string BootstrapText(const BootstrapOptions& bootstrap) {
  return "intervals: " + FormatShortest(bootstrap.confidence * 100) +
         " % percentile bootstrap by image, " +
         std::to_string(bootstrap.resamples) + " resamples, seed " +
         std::to_string(bootstrap.seed);
}

}  // namespace

std::vector<std::string> Conventions(const EvalSettings& settings,
                                     const EvalCounts& counts,
                                     const LeftOut& left_out,
                                     const std::string& joined_by,
                                     std::span<const ClassGroup> groups,
                                     std::span<const EvalClass> classes) {
  std::vector<std::string> lines = {CountText(counts), MatchText(settings),
                                    PrecisionText(settings),
                                    "joined: " + joined_by};
  if (settings.style == EvalStyle::kCoco) {
    lines.push_back("style coco: as pycocotools 2.0.11, quirks included");
  }
  if (settings.class_agnostic) {
    lines.push_back("class-agnostic: classes are not told apart");
  }
  if (settings.min_score) {
    lines.push_back("scores above " + FormatShortest(*settings.min_score) +
                    " only");
  }
  if (!groups.empty()) lines.push_back(GroupsText(groups, classes));
  lines.push_back(settings.ignore_border_px > 0 ? BorderText(settings, left_out)
                                                : "ignored border: none");
  AddCounts(counts, left_out, lines);
  if (settings.bootstrap.resamples > 0) {
    lines.push_back(BootstrapText(settings.bootstrap));
  }
  return lines;
}

}  // namespace cyto8
