// SPDX-License-Identifier: Apache-2.0
// Rectangles against the pixels of a made-up slide, and how often blocks are
// decoded.
#include "tiling/slide_regions.h"

#include <gtest/gtest.h>

#include <thread>
#include <utility>
#include <vector>

#include "tests/tiling/made_up_slide.h"

namespace cyto8 {
namespace {

// Tells level, reduction and place.
Rgb PixelOf(const BlockId& block, int64_t x, int64_t y) {
  return {static_cast<uint8_t>(x), static_cast<uint8_t>(y),
          static_cast<uint8_t>(block.level * 16 + block.reduction)};
}

std::unique_ptr<SlideRegions> Regions(SlideReader& slide,
                                      const SlideRegionsOptions& options) {
  StatusOr<std::unique_ptr<SlideRegions>> regions =
      SlideRegions::Create(slide, options);
  EXPECT_TRUE(regions.ok()) << regions.status().message();
  return std::move(*regions);
}

void ExpectPixels(SlideRegions& regions, const PixelArea& area,
                  const BlockId& of) {
  const StatusOr<Image> image = regions.Read(area);
  ASSERT_TRUE(image.ok()) << image.status().message();
  ASSERT_EQ(image->width_px(), area.width_px);
  ASSERT_EQ(image->height_px(), area.height_px);
  for (int64_t y = 0; y < area.height_px; ++y) {
    for (int64_t x = 0; x < area.width_px; ++x) {
      ASSERT_EQ(image->view().At(x, y),
                PixelOf(of, area.x_px + x, area.y_px + y))
          << x << ", " << y;
    }
  }
}

TEST(SlideRegionsTest, EveryRectangleOfEveryReductionHasItsPixels) {
  MadeUpSlide slide(37, 21, PixelOf);
  for (const BlockId of : {BlockId{.level = 0, .reduction = 1},
                           BlockId{.level = 0, .reduction = 2},
                           BlockId{.level = 0, .reduction = 4},
                           BlockId{.level = 1, .reduction = 1}}) {
    const auto regions =
        Regions(slide, {.level = of.level, .reduction = of.reduction});
    EXPECT_EQ(regions->width_px(),
              ((37 >> of.level) + of.reduction - 1) / of.reduction);
    for (int64_t x = 0; x < regions->width_px(); x += 3) {
      for (int64_t y = 0; y < regions->height_px(); y += 2) {
        const PixelArea rest = {.x_px = x,
                                .y_px = y,
                                .width_px = regions->width_px() - x,
                                .height_px = regions->height_px() - y};
        ExpectPixels(*regions, rest, of);
        ExpectPixels(*regions, {x, y, 1, 1}, of);
      }
    }
  }
}

TEST(SlideRegionsTest, ABlockIsDecodedOnceWhileTheCacheHoldsIt) {
  MadeUpSlide slide(64, 32, PixelOf);
  const auto regions = Regions(slide, {.cache_bytes = 16 * 8 * 3 * 16});
  for (int64_t x = 0; x < 48; x += 8) {
    ExpectPixels(*regions, {x, 0, 16, 32}, {.level = 0});
  }
  EXPECT_EQ(slide.decoded, 16);
}

TEST(SlideRegionsTest, TheLongestUnusedBlockGoesFirst) {
  MadeUpSlide slide(64, 8, PixelOf);
  const auto regions = Regions(slide, {.cache_bytes = 2 * 16 * 8 * 3});
  for (const int64_t column : {0, 1, 0, 2, 0, 1}) {
    ExpectPixels(*regions, {column * 16, 0, 16, 8}, {.level = 0});
  }
  EXPECT_EQ(slide.decoded, 4);  // 0, 1, 2 and 1 again.
}

TEST(SlideRegionsTest, WithoutACacheEveryReadDecodes) {
  MadeUpSlide slide(32, 8, PixelOf);
  const auto regions = Regions(slide, {.cache_bytes = 0});
  ExpectPixels(*regions, {0, 0, 32, 8}, {.level = 0});
  ExpectPixels(*regions, {0, 0, 32, 8}, {.level = 0});
  EXPECT_EQ(slide.decoded, 4);
}

TEST(SlideRegionsTest, HintsAtTheBlocksThatItHasNot) {
  MadeUpSlide slide(64, 32, PixelOf);
  const auto regions = Regions(slide, {});
  ASSERT_TRUE(regions->Read({0, 0, 16, 8}).ok());
  regions->WillNeed({15, 0, 18, 9});
  const std::set<std::pair<int64_t, int64_t>> expected = {
      {1, 0}, {2, 0}, {0, 1}, {1, 1}, {2, 1}};
  EXPECT_EQ(slide.needed, expected);
  EXPECT_EQ(slide.decoded, 1);
}

TEST(SlideRegionsTest, ADamagedBlockFailsItsRectanglesOnly) {
  MadeUpSlide slide(64, 8, PixelOf);
  slide.damaged = {{1, 0}};
  const auto regions = Regions(slide, {});
  ExpectPixels(*regions, {0, 0, 16, 8}, {.level = 0});
  for (int i = 0; i < 2; ++i) {
    const Status status = regions->Read({15, 0, 2, 8}).status();
    EXPECT_EQ(status.code(), StatusCode::kDataLoss);
    EXPECT_EQ(status.message(), "block 1, 0: damaged");
  }
  ExpectPixels(*regions, {32, 0, 32, 8}, {.level = 0});
  EXPECT_EQ(slide.decoded, 4);
}

TEST(SlideRegionsTest, TellsRectanglesOfMissingBlocks) {
  MadeUpSlide slide(48, 16, PixelOf);
  slide.missing = {{0, 0}, {1, 0}, {1, 1}};
  const auto regions = Regions(slide, {.reduction = 2});
  EXPECT_FALSE(regions->HasPixels({0, 0, 16, 4}));
  EXPECT_TRUE(regions->HasPixels({0, 0, 17, 4}));
  EXPECT_TRUE(regions->HasPixels({0, 0, 1, 5}));
  EXPECT_FALSE(regions->HasPixels({8, 4, 8, 4}));
}

TEST(SlideRegionsTest, ThreadsShareOneDecoding) {
  MadeUpSlide slide(160, 80, PixelOf);
  const auto regions = Regions(slide, {});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      ExpectPixels(*regions, {0, 0, 160, 80}, {.level = 0});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slide.decoded, 100);
}

TEST(SlideRegionsTest, RefusesWhatLiesOutside) {
  MadeUpSlide slide(37, 21, PixelOf);
  const auto regions = Regions(slide, {});
  const std::vector<std::pair<PixelArea, std::string>> cases = {
      {{0, 0, 0, 1}, "width = 0: must be in [1, 37]"},
      {{0, 0, 38, 1}, "width = 38: must be in [1, 37]"},
      {{0, 0, 1, 22}, "height = 22: must be in [1, 21]"},
      {{-1, 0, 1, 1}, "x = -1: must be in [0, 36]"},
      {{37, 0, 1, 1}, "x = 37: must be in [0, 36]"},
      {{0, 20, 1, 2}, "y = 20: must be in [0, 19]"},
      {{INT64_MAX, 0, 1, 1}, "x = 9223372036854775807: must be in [0, 36]"},
  };
  for (const auto& [area, message] : cases) {
    const Status status = regions->Read(area).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), message);
  }
}

TEST(SlideRegionsTest, RefusesLevelsAndReductionsThatAreNot) {
  MadeUpSlide slide(37, 21, PixelOf);
  const std::vector<std::pair<SlideRegionsOptions, std::string>> cases = {
      {{.level = 2}, "level = 2: must be in [0, 1]"},
      {{.level = -1}, "level = -1: must be in [0, 1]"},
      {{.reduction = 8}, "reduction = 8: must be in [1, 4]"},
      {{.reduction = 0}, "reduction = 0: must be in [1, 4]"},
      {{.reduction = 3},
       "reduction = 3: must be a power of two that divides blocks of 16 x 8 "
       "px"}};
  for (const auto& [options, message] : cases) {
    const Status status = SlideRegions::Create(slide, options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), message);
  }
}

}  // namespace
}  // namespace cyto8
