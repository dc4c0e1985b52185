// SPDX-License-Identifier: Apache-2.0
// Check, name classes and images by rank, sort, cut into groups; see
// box_groups.h.
#include "eval/box_groups.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

Status CheckNumber(std::string_view name, double value, double low) {
  return CheckRange(name, value, low, kMaxEvalNumber);
}

Status CheckBox(const EvalBox& box) {
  CYTO8_RETURN_IF_ERROR(CheckNumber("x", box.x, -kMaxEvalNumber));
  CYTO8_RETURN_IF_ERROR(CheckNumber("y", box.y, -kMaxEvalNumber));
  CYTO8_RETURN_IF_ERROR(CheckNumber("width", box.width, 0));
  return CheckNumber("height", box.height, 0);
}

Status CheckTruth(const TruthBox& truth) {
  CYTO8_RETURN_IF_ERROR(CheckBox(truth.box));
  return CheckNumber("area", truth.area, -kMaxEvalNumber);
}

Status CheckFound(const FoundBox& found) {
  CYTO8_RETURN_IF_ERROR(CheckBox(found.box));
  return CheckNumber("score", found.score, -kMaxEvalNumber);
}

std::string Entry(std::string_view list, size_t index) {
  return std::string(list) + "[" + std::to_string(index) + "]";
}

// An index fits in int32_t, so the order of a million boxes is small.
Status CheckCount(std::string_view name, size_t count) {
  return CheckRange(name, static_cast<int64_t>(count), 0,
                    std::numeric_limits<int32_t>::max());
}

// Ids by rising value; the rank of an id is its place.
class IdRanks {
 public:
  template <typename T>
  static StatusOr<IdRanks> Create(std::string_view list,
                                  const std::vector<T>& items) {
    CYTO8_RETURN_IF_ERROR(CheckCount(list, items.size()));
    IdRanks ranks;
    for (const T& item : items) ranks.ids_.push_back(item.id);
    std::ranges::sort(ranks.ids_);
    const auto twice = std::ranges::adjacent_find(ranks.ids_);
    if (twice != ranks.ids_.end()) {
      return InvalidArgument(std::string(list) + ": id " +
                             std::to_string(*twice) + " is listed twice");
    }
    return ranks;
  }

  std::optional<int32_t> Find(int64_t id) const {
    const auto at = std::ranges::lower_bound(ids_, id);
    if (at == ids_.end() || *at != id) return std::nullopt;
    return static_cast<int32_t>(at - ids_.begin());
  }

  const std::vector<int64_t>& ids() const { return ids_; }

 private:
  std::vector<int64_t> ids_;
};

// Which boxes lie in the border of their image.
class Border {
 public:
  static StatusOr<Border> Create(const TruthSet& truth, const IdRanks& images,
                                 double border_px) {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("ignore_border_px", border_px, 0.0, kMaxEvalNumber));
    Border border;
    border.border_px_ = border_px;
    if (border_px == 0) return border;
    border.inner_.resize(images.ids().size());
    for (const EvalImage& image : truth.images) {
      CYTO8_RETURN_IF_ERROR(Annotate(
          CheckSize(image), "image " + std::to_string(image.id) +
                                ", whose size ignore_border_px must know"));
      border.inner_[*images.Find(image.id)] = {
          .right = static_cast<double>(image.width_px) - border_px,
          .bottom = static_cast<double>(image.height_px) - border_px};
    }
    return border;
  }

  bool Holds(const EvalBox& box, int32_t image) const {
    if (border_px_ == 0) return false;
    const double x = box.x + box.width / 2;
    const double y = box.y + box.height / 2;
    const Inner& inner = inner_[image];
    return x < border_px_ || y < border_px_ || x > inner.right ||
           y > inner.bottom;
  }

 private:
  struct Inner {
    double right = 0;
    double bottom = 0;
  };

  static Status CheckSize(const EvalImage& image) {
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    CYTO8_RETURN_IF_ERROR(CheckRange("width_px", image.width_px, 1, kMost));
    return CheckRange("height_px", image.height_px, 1, kMost);
  }

  double border_px_ = 0;
  std::vector<Inner> inner_;  // by rank of the image.
};

using Group = std::pair<int32_t, int32_t>;  // class and image.

// What a box is sorted by. Truth has no score.
struct Place {
  int32_t class_index = 0;
  int32_t image = 0;
  double score = 0;
  int32_t class_rank = 0;
  int32_t index = 0;

  Group group() const { return {class_index, image}; }
  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.class_index, a.image, b.score, a.class_rank, a.index) <
           std::tie(b.class_index, b.image, a.score, b.class_rank, b.index);
  }
};

// Boxes to places: what belongs nowhere is left out and counted.
class Placer {
 public:
  static StatusOr<Placer> Create(const TruthSet& truth,
                                 const GroupOptions& options) {
    Placer placer;
    placer.use_classes_ = options.use_classes;
    CYTO8_ASSIGN_OR_RETURN(placer.images_,
                           IdRanks::Create("images", truth.images));
    CYTO8_ASSIGN_OR_RETURN(placer.classes_,
                           IdRanks::Create("classes", truth.classes));
    CYTO8_ASSIGN_OR_RETURN(
        placer.border_,
        Border::Create(truth, placer.images_, options.ignore_border_px));
    return placer;
  }

  // Notes in is_ignored what is a crowd or in the border.
  StatusOr<std::vector<Place>> PlaceTruth(const std::vector<TruthBox>& boxes,
                                          std::vector<uint8_t>& is_ignored,
                                          LeftOut& left_out) const {
    CYTO8_RETURN_IF_ERROR(CheckCount("truth boxes", boxes.size()));
    is_ignored.resize(boxes.size());
    std::vector<Place> places;
    for (size_t i = 0; i < boxes.size(); ++i) {
      const Status status = CheckTruth(boxes[i]);
      if (!status.ok()) return Annotate(status, Entry("truth", i));
      const auto image = images_.Find(boxes[i].image_id);
      const auto class_rank = classes_.Find(boxes[i].class_id);
      if (!image || !class_rank) {
        ++left_out.truth_of_unknown_class;
        continue;
      }
      const bool in_border = border_.Holds(boxes[i].box, *image);
      left_out.truth_in_border += in_border ? 1 : 0;
      is_ignored[i] = boxes[i].is_crowd || in_border ? 1 : 0;
      places.push_back(MakePlace(*image, *class_rank, /*score=*/0, i));
    }
    std::ranges::sort(places, std::less<>());
    return places;
  }

  StatusOr<std::vector<Place>> PlaceFound(std::span<const FoundBox> boxes,
                                          LeftOut& left_out) const {
    CYTO8_RETURN_IF_ERROR(CheckCount("detections", boxes.size()));
    std::vector<Place> places;
    places.reserve(boxes.size());
    for (size_t i = 0; i < boxes.size(); ++i) {
      const Status status = CheckFound(boxes[i]);
      if (!status.ok()) return Annotate(status, Entry("detections", i));
      const auto image = images_.Find(boxes[i].image_id);
      if (!image) {
        return InvalidArgument(Entry("detections", i) + ": image_id = " +
                               std::to_string(boxes[i].image_id) +
                               ": the truth has no such image");
      }
      const auto class_rank = classes_.Find(boxes[i].class_id);
      if (!class_rank) {
        ++left_out.found_of_unknown_class;
      } else if (border_.Holds(boxes[i].box, *image)) {
        ++left_out.found_in_border;
      } else {
        places.push_back(MakePlace(*image, *class_rank, boxes[i].score, i));
      }
    }
    std::ranges::sort(places, std::less<>());
    return places;
  }

  const std::vector<int64_t>& image_ids() const { return images_.ids(); }
  const std::vector<int64_t>& class_ids() const { return classes_.ids(); }

 private:
  Place MakePlace(int32_t image, int32_t class_rank, double score,
                  size_t index) const {
    return {.class_index = use_classes_ ? class_rank : 0,
            .image = image,
            .score = score,
            .class_rank = class_rank,
            .index = static_cast<int32_t>(index)};
  }

  bool use_classes_ = true;
  IdRanks images_;
  IdRanks classes_;
  Border border_;
};

std::vector<int32_t> IndicesOf(const std::vector<Place>& places) {
  std::vector<int32_t> indices(places.size());
  std::ranges::transform(places, indices.begin(), &Place::index);
  return indices;
}

// Cuts the sorted places into runs of one group, and their indices alike.
class RunCutter {
 public:
  RunCutter(const std::vector<Place>& places,
            const std::vector<int32_t>& indices)
      : places_(places), indices_(indices) {}

  bool Done() const { return begin_ == places_.size(); }
  Group Next() const { return places_[begin_].group(); }

  // The run of this group, empty if the next one is another.
  std::span<const int32_t> Cut(const Group& group) {
    size_t end = begin_;
    while (end < places_.size() && places_[end].group() == group) ++end;
    const size_t begin = std::exchange(begin_, end);
    return std::span(indices_).subspan(begin, end - begin);
  }

 private:
  const std::vector<Place>& places_;
  const std::vector<int32_t>& indices_;
  size_t begin_ = 0;
};

std::vector<BoxGroup> MergeRuns(RunCutter truth, RunCutter found) {
  constexpr Group kLast(std::numeric_limits<int32_t>::max(), 0);
  std::vector<BoxGroup> groups;
  while (!truth.Done() || !found.Done()) {
    const Group next = std::min(truth.Done() ? kLast : truth.Next(),
                                found.Done() ? kLast : found.Next());
    groups.push_back({.class_index = next.first,
                      .image = next.second,
                      .truth = truth.Cut(next),
                      .found = found.Cut(next)});
  }
  return groups;
}

}  // namespace

StatusOr<BoxGroups> BoxGroups::Create(const TruthSet& truth,
                                      std::span<const FoundBox> found,
                                      const GroupOptions& options) {
  CYTO8_ASSIGN_OR_RETURN(const Placer placer, Placer::Create(truth, options));
  BoxGroups result;
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<Place> truth_places,
      placer.PlaceTruth(truth.boxes, result.is_ignored_, result.left_out_));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Place> found_places,
                         placer.PlaceFound(found, result.left_out_));
  result.image_ids_ = placer.image_ids();
  result.class_ids_ = options.use_classes ? placer.class_ids()
                                          : std::vector<int64_t>{kAllClasses};
  result.truth_order_ = IndicesOf(truth_places);
  result.found_order_ = IndicesOf(found_places);
  result.groups_ = MergeRuns(RunCutter(truth_places, result.truth_order_),
                             RunCutter(found_places, result.found_order_));
  return result;
}

}  // namespace cyto8
