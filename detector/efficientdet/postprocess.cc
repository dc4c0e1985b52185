// SPDX-License-Identifier: Apache-2.0
// Three stages: candidates (anchor, class, score) above the threshold; boxes of
// these; suppression in groups. Tested by
// tests/detector/efficientdet/postprocess_test.cc.
#include "detector/efficientdet/postprocess.h"

#include <algorithm>
#include <cmath>

#include "base/checked_math.h"
#include "base/limits.h"
#include "base/numbers.h"
#include "detector/efficientdet/box_coder.h"
#include "detector/efficientdet/non_max_suppression.h"

namespace cyto8 {
namespace {

constexpr int64_t kRowValues = 7;
constexpr int kDecimals = 4;  // of options in descriptions.

// TensorFlow's spelling on CPUs; its scores near 1 are steps of a float, and
// this one makes almost always the same steps.
float Sigmoid(float logit) {
  constexpr float kOneFrom = 16.635532f;  // the score is 1 in float32.
  if (logit >= kOneFrom) return 1.0f;
  const float e = std::exp(logit);
  return e / (1.0f + e);
}

// A logit below which the score is surely not above the threshold: the share
// taken off is far above the rounding of Sigmoid(), whose result decides.
float LogitCut(float threshold) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr double kShare = 1e-5;
  if (threshold <= 0) return -kInfinity;
  const double t = threshold * (1 - kShare);
  return static_cast<float>(std::log(t / (1 - t)));
}

struct Candidate {
  int64_t anchor = 0;
  int64_t class_index = 0;
  float logit = 0;
};

Status NotANumber(size_t level, int64_t anchor) {
  return InvalidArgument("class logit of level " + std::to_string(level) +
                         ", anchor " + std::to_string(anchor) +
                         " = nan: must be a number");
}

// The candidates of one anchor. False if a logit is not a number.
bool Collect(std::span<const float> logits, int64_t anchor, float cut,
             const PostprocessOptions& options,
             std::vector<Candidate>& candidates) {
  const bool every = options.classes == ClassChoice::kEveryClass;
  Candidate best = {.anchor = anchor, .class_index = 0, .logit = logits[0]};
  for (size_t c = 0; c < logits.size(); ++c) {
    if (std::isnan(logits[c])) return false;
    const Candidate current = {.anchor = anchor,
                               .class_index = static_cast<int64_t>(c),
                               .logit = logits[c]};
    if (every && current.logit >= cut) candidates.push_back(current);
    if (current.logit > best.logit) best = current;
  }
  if (!every && best.logit >= cut) candidates.push_back(best);
  return true;
}

// True if a logit is not below the cut or is not a number. Almost none is, so
// whole blocks are looked at first; the fixed length makes vector code of it.
constexpr size_t kBlockLogits = 64;
bool IsWorthALook(std::span<const float> logits, float cut) {
  int found = 0;
  if (logits.size() == kBlockLogits) {
    for (size_t i = 0; i < kBlockLogits; ++i) found |= !(logits[i] < cut);
  } else {
    for (const float logit : logits) found |= !(logit < cut);
  }
  return found != 0;
}

// The candidates of one level, whose first anchor has that number.
Status CollectLevel(std::span<const float> logits, size_t level,
                    int64_t first_anchor, int64_t classes, float cut,
                    const PostprocessOptions& options,
                    std::vector<Candidate>& candidates) {
  const auto step = static_cast<size_t>(classes);
  size_t seen = 0;  // logits of anchors that were looked at.
  for (size_t begin = 0; begin < logits.size(); begin += kBlockLogits) {
    const size_t end = std::min(begin + kBlockLogits, logits.size());
    if (!IsWorthALook(logits.subspan(begin, end - begin), cut)) continue;
    // Every anchor that has a logit in the block.
    for (size_t i = std::max(seen, begin - begin % step); i < end; i += step) {
      const int64_t anchor = first_anchor + static_cast<int64_t>(i / step);
      if (!Collect(logits.subspan(i, step), anchor, cut, options, candidates)) {
        return NotANumber(level, anchor);
      }
      seen = i + step;
    }
  }
  return OkStatus();
}

StatusOr<std::vector<Candidate>> CollectAll(const RawMaps& maps,
                                            int64_t classes,
                                            const PostprocessOptions& options) {
  const float cut = LogitCut(options.score_threshold);
  std::vector<Candidate> candidates;
  int64_t anchor = 0;
  for (size_t level = 0; level < maps.class_logits.size(); ++level) {
    const std::span<const float> logits = maps.class_logits[level];
    CYTO8_RETURN_IF_ERROR(
        CollectLevel(logits, level, anchor, classes, cut, options, candidates));
    anchor += std::ssize(logits) / classes;
  }
  return candidates;
}

// The best `count` candidates, in their old order.
void KeepBest(int64_t count, std::vector<Candidate>& candidates) {
  if (count == 0 || std::ssize(candidates) <= count) return;
  const auto better = [](const Candidate& a, const Candidate& b) {
    if (a.logit != b.logit) return a.logit > b.logit;
    if (a.anchor != b.anchor) return a.anchor < b.anchor;
    return a.class_index < b.class_index;
  };
  const auto in_order = [](const Candidate& a, const Candidate& b) {
    if (a.anchor != b.anchor) return a.anchor < b.anchor;
    return a.class_index < b.class_index;
  };
  std::nth_element(candidates.begin(), candidates.begin() + count,
                   candidates.end(), better);
  candidates.resize(static_cast<size_t>(count));
  std::sort(candidates.begin(), candidates.end(), in_order);
}

BoxCode CodeOf(const RawMaps& maps, int64_t anchor) {
  auto i = static_cast<size_t>(anchor) * 4;
  size_t level = 0;
  while (i >= maps.box_codes[level].size()) {
    i -= maps.box_codes[level].size();
    ++level;
  }
  const std::span<const float> code = maps.box_codes[level].subspan(i, 4);
  return {.ty = code[0], .tx = code[1], .th = code[2], .tw = code[3]};
}

// The candidates that compete with each other.
struct Group {
  std::vector<Box> boxes;
  std::vector<float> scores;
  std::vector<int> class_ids;
};

// Decodes those whose score is above the threshold; one group per class or one
// for all.
StatusOr<std::vector<Group>> DecodeGroups(const RawMaps& maps,
                                          std::span<const AnchorBox> anchors,
                                          int64_t classes,
                                          std::span<const Candidate> candidates,
                                          const PostprocessOptions& options) {
  const bool per_class = options.scope == SuppressionScope::kPerClass;
  std::vector<Group> groups(per_class ? static_cast<size_t>(classes) : 1);
  for (const Candidate& candidate : candidates) {
    const float score = Sigmoid(candidate.logit);
    if (!(score > options.score_threshold)) continue;
    const AnchorBox& anchor = anchors[static_cast<size_t>(candidate.anchor)];
    CYTO8_ASSIGN_OR_RETURN(
        const Box box,
        Annotate(DecodeBox(CodeOf(maps, candidate.anchor), anchor),
                 "anchor " + std::to_string(candidate.anchor)));
    Group& group =
        groups[per_class ? static_cast<size_t>(candidate.class_index) : 0];
    group.boxes.push_back(box);
    group.scores.push_back(score);
    group.class_ids.push_back(static_cast<int>(candidate.class_index) +
                              options.class_offset);
  }
  return groups;
}

NonMaxSuppressionOptions SuppressionOf(const PostprocessOptions& options) {
  const bool soft = options.method == SuppressionMethod::kGaussian;
  return {.iou_threshold = options.iou_threshold,
          .score_threshold = options.score_threshold,
          .sigma = soft ? options.sigma / 2 : 0,
          .max_output = options.max_detections};
}

Box Clip(const Box& box, const FeatureSize& size) {
  const auto width = static_cast<double>(size.width);
  const auto height = static_cast<double>(size.height);
  return {.x_min = std::clamp(box.x_min, 0.0, width),
          .y_min = std::clamp(box.y_min, 0.0, height),
          .x_max = std::clamp(box.x_max, 0.0, width),
          .y_max = std::clamp(box.y_max, 0.0, height)};
}

Status AppendKept(const Group& group, const PostprocessOptions& options,
                  std::vector<Detection>& detections) {
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<KeptBox> kept,
      NonMaxSuppression(group.boxes, group.scores, SuppressionOf(options)));
  for (const KeptBox& one : kept) {
    const auto i = static_cast<size_t>(one.index);
    const Box& box = group.boxes[i];
    detections.push_back({.box = options.clip ? Clip(box, *options.clip) : box,
                          .score = one.score,
                          .class_id = group.class_ids[i]});
  }
  return OkStatus();
}

Status CheckMaps(const RawMaps& maps, int64_t anchors, int64_t classes) {
  CYTO8_RETURN_IF_ERROR(CheckRange("classes", classes, 1, Limits().max_labels));
  const int64_t levels = std::ssize(maps.class_logits);
  CYTO8_RETURN_IF_ERROR(CheckRange("levels of box codes",
                                   std::ssize(maps.box_codes), levels, levels));
  int64_t total = 0;
  for (size_t level = 0; level < maps.class_logits.size(); ++level) {
    const int64_t here = std::ssize(maps.box_codes[level]) / 4;
    CYTO8_RETURN_IF_ERROR(CheckRange(
        "class logits of level " + std::to_string(level),
        std::ssize(maps.class_logits[level]), here * classes, here * classes));
    CYTO8_RETURN_IF_ERROR(
        CheckRange("box codes of level " + std::to_string(level),
                   std::ssize(maps.box_codes[level]), here * 4, here * 4));
    total += here;
  }
  return CheckRange("anchors", anchors, total, total);
}

std::string DescribeThreshold(float threshold) {
  return std::isfinite(threshold) ? FormatFixed(threshold, kDecimals) : "none";
}

}  // namespace

Status CheckPostprocessOptions(const PostprocessOptions& options) {
  constexpr int64_t kMaxCount = int64_t{1} << 30;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("max_candidates", options.max_candidates, 0, kMaxCount));
  if (options.max_candidates > 0 &&
      options.classes == ClassChoice::kBestPerAnchor) {
    return InvalidArgument(
        "max_candidates = " + std::to_string(options.max_candidates) +
        ": must be 0 with the best class per anchor");
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRange("max_detections", options.max_detections, 0, kMaxCount));
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "iou_threshold", static_cast<double>(options.iou_threshold), 0.0, 1.0));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("sigma", static_cast<double>(options.sigma), 1e-6, 1e6));
  CYTO8_RETURN_IF_ERROR(CheckRange("class_offset",
                                   int64_t{options.class_offset}, int64_t{0},
                                   int64_t{1'000'000}));
  if (options.score_threshold == -std::numeric_limits<float>::infinity()) {
    return OkStatus();
  }
  return CheckRange("score_threshold",
                    static_cast<double>(options.score_threshold), 0.0, 1.0);
}

std::string DescribePostprocess(const PostprocessOptions& options) {
  std::string text =
      options.scope == SuppressionScope::kPerClass ? "per class" : "global";
  text += options.classes == ClassChoice::kEveryClass
              ? ", every class of an anchor"
              : ", best class per anchor";
  if (options.max_candidates > 0) {
    text += ", best " + std::to_string(options.max_candidates) + " candidates";
  }
  text += options.method == SuppressionMethod::kGaussian
              ? ", gaussian sigma " + FormatFixed(options.sigma, kDecimals)
              : ", hard IoU " + FormatFixed(options.iou_threshold, kDecimals);
  text += ", score > " + DescribeThreshold(options.score_threshold);
  text += options.max_detections > 0
              ? ", at most " + std::to_string(options.max_detections)
              : ", all";
  text += " detections";
  if (options.clip) {
    text += ", clipped to " + std::to_string(options.clip->width) + " x " +
            std::to_string(options.clip->height) + " px";
  }
  return text + ", first class " + std::to_string(options.class_offset);
}

StatusOr<std::vector<Detection>> Postprocess(
    const RawMaps& maps, std::span<const AnchorBox> anchors, int64_t classes,
    const PostprocessOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckPostprocessOptions(options));
  CYTO8_RETURN_IF_ERROR(CheckMaps(maps, std::ssize(anchors), classes));
  CYTO8_ASSIGN_OR_RETURN(std::vector<Candidate> candidates,
                         CollectAll(maps, classes, options));
  KeepBest(options.max_candidates, candidates);
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<Group> groups,
      DecodeGroups(maps, anchors, classes, candidates, options));
  std::vector<Detection> detections;
  for (const Group& group : groups) {
    CYTO8_RETURN_IF_ERROR(AppendKept(group, options, detections));
  }
  // Stable: equal scores stay in the order of classes, as TopK gives them.
  std::stable_sort(
      detections.begin(), detections.end(),
      [](const Detection& a, const Detection& b) { return a.score > b.score; });
  const auto limit = static_cast<size_t>(options.max_detections);
  if (limit > 0 && detections.size() > limit) detections.resize(limit);
  return detections;
}

std::vector<float> DetectionRows(std::span<const Detection> detections,
                                 int64_t image_id, float scale, int64_t rows) {
  std::vector<float> table(static_cast<size_t>(rows * kRowValues), 0.0f);
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    float* values = table.data() + row * kRowValues;
    values[0] = static_cast<float>(image_id);
    if (row >= detections.size()) continue;
    const Detection& detection = detections[row];
    values[1] = static_cast<float>(detection.box.y_min) * scale;
    values[2] = static_cast<float>(detection.box.x_min) * scale;
    values[3] = static_cast<float>(detection.box.y_max) * scale;
    values[4] = static_cast<float>(detection.box.x_max) * scale;
    values[5] = detection.score;
    values[6] = static_cast<float>(detection.class_id);
  }
  return table;
}

}  // namespace cyto8
