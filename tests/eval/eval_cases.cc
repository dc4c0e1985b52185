// SPDX-License-Identifier: Apache-2.0
// See eval_cases.h.
#include "tests/eval/eval_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace cyto8 {
namespace {

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}
  // In [0, count).
  int Below(int count) {
    return static_cast<int>(random_() % static_cast<uint32_t>(count));
  }
  bool OneIn(int count) { return Below(count) == 0; }
  EvalBox Box() {
    return {.x = 4.0 * Below(4),
            .y = 4.0 * Below(3),
            .width = Side(),
            .height = Side()};
  }
  double Side() { return OneIn(10) ? 0 : 8 + 4.0 * Below(4); }
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    std::ranges::shuffle(items, random_);
  }

 private:
  std::mt19937 random_;
};

// Areas at and beside the ends of the COCO ranges.
double OddArea(Draw& draw) {
  constexpr double kAreas[] = {-1,   0,      1023.999, 1024,     1024.001,
                               9216, 9216.1, 1e10,     1e10 + 1, 5000};
  return kAreas[draw.Below(std::size(kAreas))];
}

}  // namespace

EvalCase MakeCase(int image_count, int class_count) {
  EvalCase data;
  for (int i = 1; i <= image_count; ++i) {
    data.truth.images.push_back({.id = i, .width_px = 100, .height_px = 80});
  }
  for (int i = 1; i <= class_count; ++i) {
    data.truth.classes.push_back({.id = i});
  }
  return data;
}

void AddTruth(EvalCase& data, const EvalBox& box) {
  data.truth.boxes.push_back({.id = std::ssize(data.truth.boxes) + 1,
                              .image_id = 1,
                              .class_id = 1,
                              .box = box,
                              .area = box.width * box.height});
}

void AddFound(EvalCase& data, const EvalBox& box, double score) {
  data.found.push_back(
      {.image_id = 1, .class_id = 1, .box = box, .score = score});
}

EvalCase MakeRandomCase(const RandomCase& how, uint32_t seed) {
  Draw draw(seed);
  const int images = 1 + draw.Below(how.most_images);
  const int classes = 1 + draw.Below(how.most_classes);
  EvalCase data = MakeCase(images, classes);
  draw.Shuffle(data.truth.images);
  draw.Shuffle(data.truth.classes);
  const auto some_class = [&] {
    return draw.OneIn(20) ? 99 : 1 + draw.Below(classes);
  };
  const int truth_count = draw.Below(how.most_truth + 1);
  for (int i = 0; i < truth_count; ++i) {
    AddTruth(data, draw.Box());
    TruthBox& box = data.truth.boxes.back();
    box.image_id = 1 + draw.Below(images);
    box.class_id = some_class();
    if (!how.odd_truth) continue;
    --box.id;  // so the first is 0.
    box.is_crowd = draw.OneIn(6);
    if (draw.OneIn(4)) box.area = OddArea(draw);
  }
  draw.Shuffle(data.truth.boxes);
  const int found_count = draw.Below(how.most_found + 1);
  for (int i = 0; i < found_count; ++i) {
    const double score = how.unique_scores ? 0.01 * i : 0.25 * draw.Below(5);
    AddFound(data, draw.Box(), score);
    data.found.back().image_id = 1 + draw.Below(images);
    data.found.back().class_id = some_class();
  }
  draw.Shuffle(data.found);
  return data;
}

ClassOutcomes MakeOutcomes(const char* outcomes, int64_t truth_count) {
  ClassOutcomes result = {.class_id = 1, .truth_count = truth_count};
  if (truth_count > 0) {
    result.truths = {{.image = 0, .count = static_cast<int32_t>(truth_count)}};
  }
  double score = 1;
  for (const char* c = outcomes; *c != '\0'; ++c) {
    result.scores.push_back(score);
    score -= 0.125;
    result.images.push_back(0);
    result.true_positives.push_back(*c == 't' ? 1 : 0);
    result.ignored.push_back(*c == 'i' ? 1 : 0);
  }
  return result;
}

std::string OutcomeLetters(const ClassOutcomes& outcomes, int level) {
  std::string letters;
  for (size_t i = 0; i < outcomes.scores.size(); ++i) {
    const bool is_true = (outcomes.true_positives[i] >> level & 1) != 0;
    const bool is_ignored = (outcomes.ignored[i] >> level & 1) != 0;
    letters += is_true ? 't' : is_ignored ? 'i' : 'f';
  }
  return letters;
}

void ExpectNeverBoth(const Outcomes& outcomes) {
  for (const ClassOutcomes& of_class : outcomes.classes) {
    for (size_t i = 0; i < of_class.scores.size(); ++i) {
      EXPECT_EQ(of_class.true_positives[i] & of_class.ignored[i], 0);
    }
  }
}

}  // namespace cyto8
