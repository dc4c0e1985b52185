// SPDX-License-Identifier: Apache-2.0
// Tests of app/progress.h, with a clock that the tests move.
#include "app/progress.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace cyto8 {
namespace {

using Variables = std::map<std::string, std::string, std::less<>>;

class ProgressTest : public testing::Test {
 protected:
  ProgressOptions Options(bool animated) {
    return {.slides = 4,
            .animated = animated,
            .columns = 100,
            .clock = [this] { return now_; },
            .output = [this](std::string_view text) { shown_ += text; }};
  }
  // What was shown since the last call.
  std::string Shown() { return std::exchange(shown_, {}); }

  double now_ = 100;
  std::string shown_;
};

constexpr ProgressSlide kWhole = {
    .name = "in/a.jpg", .has_result = true, .cells = 87, .seconds = 0.414};
constexpr ProgressSlide kFailed = {.name = "in/b\n.jpg", .seconds = 0.1};

TEST_F(ProgressTest, PlainLinesOnePerImage) {
  Progress progress(Options(false));
  progress.Start();
  EXPECT_EQ(Shown(), "cyto8: 4 images\n");
  progress.SlideOpened(0, 6);
  progress.TilesDone(0, 6);
  progress.SlideDone(0, kWhole);
  EXPECT_EQ(Shown(), "cyto8: [1/4] in/a.jpg: 87 cells, 0.41 s\n");
  progress.SlideDone(1, kFailed);
  EXPECT_EQ(Shown(), "cyto8: [2/4] in/b?.jpg: failed, 0.10 s\n");
  progress.Finish();
  EXPECT_EQ(Shown(), "");
}

TEST_F(ProgressTest, ALongImageIsHeardOfEveryTenSeconds) {
  Progress progress(Options(false));
  progress.Start();
  progress.SlideOpened(0, 1000);
  Shown();
  for (int i = 0; i < 99; ++i) {
    now_ += 0.1;
    progress.TilesDone(0, 1);
  }
  EXPECT_EQ(Shown(), "");
  now_ += 0.2;
  progress.TilesDone(0, 1);
  EXPECT_EQ(Shown(),
            "cyto8: 2 % of ~4000 tiles, 9.9/s, 0/4 images, 0:06:34 left\n");
}

TEST_F(ProgressTest, TheBarIsOneLineThatIsDrawnOver) {
  Progress progress(Options(true));
  progress.Start();
  EXPECT_EQ(Shown(), "\r\x1b[K[..............................] 0/4 images");
  now_ += 1;
  progress.SlideOpened(0, 10);
  Shown();
  now_ += 2;
  progress.TilesDone(0, 5);
  EXPECT_EQ(Shown(),
            "\r\x1b[K[###...........................] 12 % of ~40 tiles, "
            "2.5/s, 0/4 images, 0:00:14 left");
  progress.Finish();
  EXPECT_EQ(Shown(), "\r\x1b[K");
  progress.TilesDone(0, 5);
  EXPECT_EQ(Shown(), "");
}

TEST_F(ProgressTest, TheBarIsDrawnTenTimesASecondAtMost) {
  Progress progress(Options(true));
  progress.SlideOpened(0, 100'000);
  int drawn = 0;
  for (int i = 0; i < 10'000; ++i) {
    now_ += 0.001;
    progress.TilesDone(0, 1);
    if (!Shown().empty()) ++drawn;
  }
  EXPECT_LE(drawn, 101);
  EXPECT_GE(drawn, 90);
}

TEST_F(ProgressTest, ANarrowTerminalGetsNoBarAndNoBrokenLine) {
  for (const int64_t columns : {1, 10, 40, 60, 70, 80, 200}) {
    ProgressOptions options = Options(true);
    options.columns = columns;
    Progress progress(std::move(options));
    progress.SlideOpened(0, 100);
    now_ += 1;
    progress.TilesDone(0, 50);
    const std::string text = Shown();
    const std::string last = text.substr(text.rfind("\x1b[K") + 3);
    EXPECT_LT(last.size(), static_cast<size_t>(columns)) << columns;
    EXPECT_EQ(last.find('[') != std::string::npos, columns >= 70) << last;
    progress.Finish();
    Shown();
  }
}

TEST_F(ProgressTest, MessagesWipeTheBarAndItComesBackAtOnce) {
  Progress progress(Options(true));
  progress.Start();
  progress.SlideOpened(0, 10);
  Shown();
  progress.Message("in/b\n.jpg: cut");
  EXPECT_EQ(Shown(), "\r\x1b[Kcyto8: in/b?.jpg: cut\n");
  progress.Message("again");
  EXPECT_EQ(Shown(), "cyto8: again\n");
  progress.TilesDone(0, 1);
  EXPECT_TRUE(Shown().starts_with("\r\x1b[K["));
}

TEST_F(ProgressTest, TilesOfAFailedImageCountAsDone) {
  ProgressOptions options = Options(true);
  options.slides = 2;
  Progress progress(std::move(options));
  progress.SlideOpened(0, 10);
  progress.SlideOpened(1, 10);
  now_ += 1;
  progress.TilesDone(0, 3);
  progress.SlideDone(0, kFailed);
  now_ += 1;
  Shown();
  progress.TilesDone(1, 5);
  const std::string text = Shown();
  EXPECT_NE(text.find("75 % of 20 tiles, 7.5/s, 1/2 images, 0:00:01 left, 1 "
                      "failed"),
            std::string::npos)
      << text;
}

TEST_F(ProgressTest, MoreTilesThanAnnouncedDoNotPassTheEnd) {
  Progress progress(Options(true));
  progress.SlideOpened(0, 3);
  now_ += 1;
  progress.TilesDone(0, 100);
  EXPECT_NE(Shown().find("25 % of ~12 tiles"), std::string::npos);
  progress.TilesDone(9, 5);  // never opened.
  now_ += 1;
  progress.TilesDone(0, 1);
  EXPECT_NE(Shown().find("25 % of ~12 tiles"), std::string::npos);
}

TEST_F(ProgressTest, QuietShowsMessagesOnly) {
  ProgressOptions options = Options(false);
  options.quiet = true;
  Progress progress(std::move(options));
  progress.Start();
  progress.SlideOpened(0, 1);
  progress.TilesDone(0, 1);
  progress.SlideDone(0, kWhole);
  progress.Note("a warning");
  EXPECT_EQ(Shown(), "");
  progress.Message("an error");
  EXPECT_EQ(Shown(), "cyto8: an error\n");
}

TEST_F(ProgressTest, NothingIsDividedByZero) {
  ProgressOptions options = Options(true);
  options.slides = 0;
  Progress progress(std::move(options));
  progress.Start();
  progress.SlideOpened(0, 0);
  progress.TilesDone(0, 1);
  progress.SlideDone(0, kWhole);
  EXPECT_EQ(Shown().find("nan"), std::string::npos);
}

TEST_F(ProgressTest, ThreadsMayCallAtOnce) {
  ProgressOptions options = Options(true);
  options.slides = 4;
  Progress progress(std::move(options));
  std::vector<std::thread> threads;
  for (int64_t slide = 0; slide < 4; ++slide) {
    threads.emplace_back([&progress, slide] {
      progress.SlideOpened(slide, 200);
      for (int i = 0; i < 200; ++i) progress.TilesDone(slide, 1);
      progress.Message("x");
      progress.SlideDone(slide, kWhole);
    });
  }
  for (std::thread& thread : threads) thread.join();
  progress.Finish();
  now_ += 1;
  EXPECT_TRUE(shown_.ends_with("cyto8: x\n") || shown_.ends_with("\x1b[K"));
}

TEST(ProgressOnStderrTest, TakesTheWidthFromColumns) {
  EXPECT_EQ(ProgressOnStderr({{"COLUMNS", "132"}}).columns, 132);
  for (const char* text : {"", "x", "0", "-3", "1e3"}) {
    EXPECT_GT(ProgressOnStderr({{"COLUMNS", text}}).columns, 0) << text;
  }
  EXPECT_FALSE(ProgressOnStderr({{"TERM", "dumb"}}).animated);
}

TEST(ProgressOnStderrTest, WritesToStderrWithARisingClock) {
  const ProgressOptions options = ProgressOnStderr({});
  const double before = options.clock();
  EXPECT_GE(options.clock(), before);
  testing::internal::CaptureStderr();
  options.output("x");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "x");
}

}  // namespace
}  // namespace cyto8
