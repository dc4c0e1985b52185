// SPDX-License-Identifier: Apache-2.0
// How outputs are held against those that TensorFlow gave. Test code.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <vector>

namespace cyto8 {

// The largest difference over the range (maximum minus minimum) of what is
// expected; infinite if the sizes differ or a value is not a number. Where the
// range is 0 every difference is infinite.
inline double ErrorOfRange(std::span<const float> actual,
                           std::span<const float> expected) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (actual.size() != expected.size() || expected.empty()) return kInfinite;
  const auto [low, high] =
      std::minmax_element(expected.begin(), expected.end());
  double error = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double difference = std::abs(static_cast<double>(actual[i]) -
                                       static_cast<double>(expected[i]));
    if (!(difference <= std::numeric_limits<float>::max())) return kInfinite;
    error = std::max(error, difference);
  }
  if (error == 0) return 0;
  return error / (static_cast<double>(*high) - static_cast<double>(*low));
}

// One row of a `detections` table.
struct DetectionRow {
  float image = 0;
  float box[4] = {};  // ymin, xmin, ymax, xmax.
  float score = 0;
  float class_id = 0;
};

// The rows that are no padding.
inline std::vector<DetectionRow> FilledRows(std::span<const float> table) {
  constexpr size_t kColumns = 7;
  std::vector<DetectionRow> rows;
  for (size_t i = 0; i + kColumns <= table.size(); i += kColumns) {
    const std::span<const float> row = table.subspan(i, kColumns);
    if (row[5] == 0) continue;
    rows.push_back({.image = row[0],
                    .box = {row[1], row[2], row[3], row[4]},
                    .score = row[5],
                    .class_id = row[6]});
  }
  return rows;
}

inline bool SameRow(const DetectionRow& a, const DetectionRow& b,
                    float score_limit) {
  constexpr float kBoxPx = 0.1f;
  bool same = a.image == b.image && a.class_id == b.class_id &&
              std::abs(a.score - b.score) <= score_limit;
  for (int i = 0; i < 4; ++i) {
    same = same && std::abs(a.box[i] - b.box[i]) <= kBoxPx;
  }
  return same;
}

// The rows of `a` that find no partner in `b`; a row is partner once.
inline std::vector<DetectionRow> Unmatched(const std::vector<DetectionRow>& a,
                                           std::vector<DetectionRow> b,
                                           float score_limit) {
  std::vector<DetectionRow> lonely;
  for (const DetectionRow& row : a) {
    const auto partner =
        std::find_if(b.begin(), b.end(), [&](const DetectionRow& other) {
          return SameRow(row, other, score_limit);
        });
    if (partner == b.end()) {
      lonely.push_back(row);
    } else {
      b.erase(partner);
    }
  }
  return lonely;
}

// Two tables match if every box of one has a partner in the other: same image
// and class, every side within 0.1 px, score within the limit; order is free,
// since equal scores may swap. Without partner may be only a box so close to
// its image's lowest score, where the threshold or the number of rows cuts the
// list: at most two in each table.
inline testing::AssertionResult DetectionsMatch(std::span<const float> actual,
                                                std::span<const float> expected,
                                                float score_limit) {
  constexpr size_t kMaxAtTheCut = 2;
  if (actual.size() != expected.size()) {
    return testing::AssertionFailure() << "tables of unlike size";
  }
  const std::vector<DetectionRow> found = FilledRows(actual);
  const std::vector<DetectionRow> wanted = FilledRows(expected);
  std::map<float, float> lowest;  // score by image.
  for (const DetectionRow& row : wanted) {
    const auto entry = lowest.try_emplace(row.image, row.score).first;
    entry->second = std::min(entry->second, row.score);
  }
  for (const auto& lonely : {Unmatched(wanted, found, score_limit),
                             Unmatched(found, wanted, score_limit)}) {
    for (const DetectionRow& row : lonely) {
      if (!lowest.contains(row.image) ||
          row.score > lowest[row.image] + score_limit ||
          lonely.size() > kMaxAtTheCut) {
        return testing::AssertionFailure()
               << lonely.size() << " boxes without partner, one with score "
               << row.score << " of class " << row.class_id << " on image "
               << row.image;
      }
    }
  }
  return testing::AssertionSuccess();
}

}  // namespace cyto8
