// SPDX-License-Identifier: Apache-2.0
// Small truth and detections for the tests of eval, by hand and at random.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "eval/dataset.h"
#include "eval/outcomes.h"

namespace cyto8 {

struct EvalCase {
  TruthSet truth = {};
  std::vector<FoundBox> found = {};
};

// Images 1 to image_count of 100 x 80 px and classes 1 to class_count.
EvalCase MakeCase(int image_count, int class_count = 1);

// In image 1, class 1; the area is width * height, the id the next one.
void AddTruth(EvalCase& data, const EvalBox& box);
void AddFound(EvalCase& data, const EvalBox& box, double score);

// What the random cases hold.
struct RandomCase {
  int most_images = 3;
  int most_classes = 2;
  int most_truth = 12;  // of all images.
  int most_found = 24;
  bool unique_scores = false;  // otherwise many are equal.
  bool odd_truth = true;       // crowds, id 0, areas of their own.
};

// Boxes on a grid, so that many overlaps are equal; ids in no order; some boxes
// of a class that is not listed.
EvalCase MakeRandomCase(const RandomCase& how, uint32_t seed);

// One class with detections of falling score, one per character of `outcomes`:
// 't' true positive, 'f' false positive, 'i' ignored; all in image 0, where all
// the truth is.
ClassOutcomes MakeOutcomes(const char* outcomes, int64_t truth_count);

// The reverse, at any level.
std::string OutcomeLetters(const ClassOutcomes& outcomes, int level = 0);

// No detection is a true positive and ignored at the same level.
void ExpectNeverBoth(const Outcomes& outcomes);

}  // namespace cyto8
