// SPDX-License-Identifier: Apache-2.0
// Images with results, as the tests of the writers share them. Test code.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/model_card.h"
#include "app/score_result.h"
#include "app/sink.h"

namespace cyto8 {

inline ModelCard TwoClasses() {
  ModelCard card;
  card.name = "mini";
  card.sha256 = "cd";
  card.licence = "CC0-1.0";
  card.mpp = 0.5;
  card.classes = {{.id = 1, .name = "NILM", .color = {60, 160, 60}},
                  {.id = 2, .name = "a,\"b\"", .color = {200, 0, 7}}};
  card.groups = {{"abnormal", {2}}};
  return card;
}

inline SlideResult TwoCells() {
  SlideResult slide;
  slide.identity = {.path = "in/x.jpg", .id = "x-1", .image_id = 7};
  slide.sha256 = "ab";
  slide.width_px = 100;
  slide.height_px = 50;
  slide.mpp = {.value = 0.2472, .source = "--mpp"};
  slide.counts = {.planned = 2, .scored = 2};
  slide.cells = {
      {.box = {10, 20.005, 30.125, 40},
       .score = 0.75f,
       .class_id = 2,
       .tile = 1},
      {.box = {-0.001, 0, 5, 5}, .score = 0.5f, .class_id = 1, .tile = 0}};
  slide.seconds = {.read = 0.0123456, .infer = 1.5};
  return slide;
}

inline SlideResult Failed() {
  SlideResult slide;
  slide.identity = {.path = "in/y.jpg", .id = "y-2", .image_id = 3};
  slide.status = DataLoss("in/y.jpg: cut, here");
  slide.seconds.read = 0.25;
  return slide;
}

// Its cells were found by one of two tiles.
inline SlideResult Partial() {
  SlideResult slide = TwoCells();
  slide.identity = {.path = "in/z.jpg", .id = "z-3", .image_id = 5};
  slide.cells.pop_back();
  slide.counts.scored = 1;
  slide.counts.failed = 1;
  slide.verdict = JudgeSlide(slide.counts).value();
  slide.notes = "tile 1: damaged";
  return slide;
}

inline SlideResult Held() {
  SlideResult slide;
  slide.identity = {.path = "in/h.jpg", .id = "h-4", .image_id = 9};
  slide.status = Status(StatusCode::kUnavailable, "in/h.jpg: held by pid 7");
  return slide;
}

inline std::vector<SlideSummary> SummariesOf(
    const std::vector<SlideResult>& slides) {
  std::vector<SlideSummary> summaries;
  for (const SlideResult& slide : slides) {
    summaries.push_back(Summarize(slide, TwoClasses().classes.size()));
  }
  return summaries;
}

// What the writer gave to its sink.
inline std::string Written(const std::function<Status(const Sink&)>& writer) {
  std::string text;
  const Status status = writer([&](std::string_view bytes) {
    text += bytes;
    return OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return text;
}

// The status when the sink fails at its n-th call, for every n; and without a
// failure at the end. Returns the number of calls.
inline int64_t ExpectSinkErrorsPassOn(
    const std::function<Status(const Sink&)>& writer) {
  for (int64_t failing = 0;; ++failing) {
    int64_t calls = 0;
    const Status status = writer([&](std::string_view) {
      return calls++ == failing ? ResourceExhausted("full") : OkStatus();
    });
    EXPECT_LE(calls, failing + 1) << "went on after an error";
    if (calls <= failing) {
      EXPECT_TRUE(status.ok()) << status.message();
      return calls;
    }
    EXPECT_EQ(status.message(), "full");
  }
}

}  // namespace cyto8
