// SPDX-License-Identifier: Apache-2.0
// Tests of app/execution.h.
#include "app/execution.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "app/settings_table.h"
#include "base/file_system.h"
#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

TEST(ChooseIsaTest, AutoIsTheBestAndAWordIsItsOwn) {
  const std::vector<Isa> usable = {Isa::kPlain, Isa::kAvx2};
  EXPECT_EQ(ChooseIsa("auto", usable).value(), Isa::kAvx2);
  EXPECT_EQ(ChooseIsa("plain", usable).value(), Isa::kPlain);
  EXPECT_EQ(ChooseIsa("avx2", usable).value(), Isa::kAvx2);
  EXPECT_EQ(ChooseIsa("auto", UsableIsas()).value(), BestIsa());
}

TEST(ChooseIsaTest, MoreThanTheCpuHasIsRefusedWithWhatItHas) {
  const std::vector<Isa> usable = {Isa::kPlain, Isa::kAvx2};
  const Status status = ChooseIsa("avx512vnni", usable).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "run.isa = \"avx512vnni\": this CPU has plain, avx2");
}

// The words of the setting are the names of kernels/isa.h, and all of them.
TEST(ChooseIsaTest, EveryWordOfTheSettingIsKnown) {
  const std::vector<Isa> all = {Isa::kPlain,      Isa::kAvx2,
                                Isa::kAvx512,     Isa::kAvx512Vnni,
                                Isa::kAvx512Vbmi, Isa::kAmxInt8};
  const std::vector<std::string_view>& words =
      FindSetting("run.isa")->rule.words;
  ASSERT_EQ(words.size(), all.size() + 1);
  EXPECT_EQ(words[0], "auto");
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(ChooseIsa(words[i + 1], all).value(), all[i]);
  }
}

TEST(ChooseScheduleTest, AutoIsLatencyForFewTilesOfAnInt8Model) {
  const auto chosen = [](bool is_quantized, int64_t threads, int64_t tiles) {
    return ChooseSchedule(
        Schedule::kAuto,
        {.is_quantized = is_quantized, .threads = threads, .tiles = tiles});
  };
  EXPECT_EQ(chosen(true, 2, 1), Schedule::kLatency);
  EXPECT_EQ(chosen(true, 2, 2), Schedule::kThroughput);
  EXPECT_EQ(chosen(true, 1, 0), Schedule::kLatency);
  EXPECT_EQ(chosen(true, 1, 1), Schedule::kThroughput);
  // A tile has work for no more than 8 threads.
  EXPECT_EQ(chosen(true, 64, 7), Schedule::kLatency);
  EXPECT_EQ(chosen(true, 64, 8), Schedule::kThroughput);
  EXPECT_EQ(chosen(false, 8, 1), Schedule::kThroughput);
}

TEST(ChooseScheduleTest, WhatWasAskedForStays) {
  for (const Schedule asked : {Schedule::kThroughput, Schedule::kLatency}) {
    for (const int64_t tiles : {1, 100}) {
      for (const bool is_quantized : {false, true}) {
        EXPECT_EQ(ChooseSchedule(asked, {.is_quantized = is_quantized,
                                         .threads = 4,
                                         .tiles = tiles}),
                  asked);
      }
    }
  }
}

TEST(CountTilesTest, StopsAtEnoughAndPassesOverWhatCannotBeRead) {
  const TemporaryFolder folder;
  const Bytes png = EncodePng(MakeTestImage(20, 10).view());
  folder.Put("x.png", {reinterpret_cast<const char*>(png.data()), png.size()});
  const SlidePlanner planner =
      SlidePlanner::Create(
          RealFileSystem(),
          {.model_mpp = 0.5,
           .grid = {.tile_width_px = 8, .tile_height_px = 8, .overlap_px = 0}})
          .value();
  const auto input = [&](const char* name) {
    return SlideInput{.identity = {.path = folder.PathOf(name)},
                      .hints = {.flag = 0.5}};
  };
  std::vector<SlideInput> inputs = {input("none.png"), input("x.png"),
                                    input("x.png")};
  EXPECT_EQ(CountTiles(planner, inputs, 100), 12);
  EXPECT_EQ(CountTiles(planner, inputs, 6), 6);
  EXPECT_EQ(CountTiles(planner, inputs, 5), 5);
  EXPECT_EQ(CountTiles(planner, {}, 5), 0);
  inputs[1].status = InvalidArgument("ambiguous");
  EXPECT_EQ(CountTiles(planner, inputs, 100), 6);
}

}  // namespace
}  // namespace cyto8
