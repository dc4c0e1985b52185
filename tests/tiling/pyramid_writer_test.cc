// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/pyramid_writer.h: every small size against plain loops over
// the whole image.
#include "tiling/pyramid_writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "tests/support/image_encoding.h"

namespace cyto8 {
namespace {

std::string PixelsOf(const ImageView& view) {
  std::string pixels;
  for (int64_t y = 0; y < view.height_px; ++y) {
    pixels.append(reinterpret_cast<const char*>(view.Row(y)),
                  static_cast<size_t>(view.width_px * kRgbChannels));
  }
  return pixels;
}

// The whole image halved, the plain way.
Image Halved(const Image& src) {
  Image dst = Image::Create(std::max<int64_t>(1, src.width_px() / 2),
                            std::max<int64_t>(1, src.height_px() / 2))
                  .value();
  for (int64_t y = 0; y < dst.height_px(); ++y) {
    const int64_t below = std::min(2 * y + 1, src.height_px() - 1);
    for (int64_t i = 0; i < dst.width_px() * kRgbChannels; ++i) {
      const int64_t x = i / kRgbChannels;
      const int64_t left = 2 * x * kRgbChannels + i % kRgbChannels;
      const int64_t right =
          std::min(2 * x + 1, src.width_px() - 1) * kRgbChannels +
          i % kRgbChannels;
      const uint8_t* one = src.view().Row(2 * y);
      const uint8_t* other = src.view().Row(below);
      dst.MutableRow(y)[i] = static_cast<uint8_t>(
          (one[left] + one[right] + other[left] + other[right] + 2) / 4);
    }
  }
  return dst;
}

struct KeptTile {
  int64_t order = 0;  // among the tiles of its level.
  std::string pixels;
};

class KeepingSink final : public TileSink {
 public:
  Status WriteTile(const BlockId& block, const ImageView& pixels) override {
    EXPECT_EQ(block.reduction, 1);
    auto& level = tiles_[block.level];
    const auto order = static_cast<int64_t>(level.size());
    const bool is_new =
        level.try_emplace({block.row, block.column}, order, PixelsOf(pixels))
            .second;
    EXPECT_TRUE(is_new);
    return OkStatus();
  }

  std::map<int64_t, std::map<std::pair<int64_t, int64_t>, KeptTile>> tiles_;
};

TilePainter PaintFrom(const Image& whole) {
  return [&whole](int64_t x_px, int64_t y_px, Image& dst) {
    for (int64_t y = 0; y < dst.height_px(); ++y) {
      std::copy_n(whole.view().Row(y_px + y) + x_px * kRgbChannels,
                  dst.width_px() * kRgbChannels, dst.MutableRow(y));
    }
    return OkStatus();
  };
}

void ExpectLevel(const SlideLevel& level, const Image& whole,
                 const KeepingSink& sink, int64_t index) {
  ASSERT_EQ(level.width_px, whole.width_px());
  ASSERT_EQ(level.height_px, whole.height_px());
  const auto& tiles = sink.tiles_.at(index);
  ASSERT_EQ(tiles.size(), level.blocks_across() * level.blocks_down());
  int64_t order = 0;  // the map goes row by row.
  for (const auto& [place, tile] : tiles) {
    EXPECT_EQ(tile.order, order++);
    const BlockId block = {
        .level = index, .column = place.second, .row = place.first};
    const auto [width_px, height_px] = BlockSize(level, block);
    EXPECT_EQ(tile.pixels,
              PixelsOf(whole.view().Crop(block.column * level.block_width_px,
                                         block.row * level.block_height_px,
                                         width_px, height_px)));
  }
}

TEST(PyramidWriterTest, EveryLevelOfEverySmallSizeIsTheOneBelowHalved) {
  const int64_t sides[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 129};
  for (const int64_t width_px : sides) {
    for (const int64_t height_px : sides) {
      SCOPED_TRACE(std::to_string(width_px) + " x " +
                   std::to_string(height_px));
      Image image = MakeTestImage(width_px, height_px);
      const auto levels = PyramidLevels(width_px, height_px, 16).value();
      KeepingSink sink;
      ASSERT_TRUE(WritePyramid(levels, PaintFrom(image), sink).ok());
      EXPECT_EQ(sink.tiles_.size(), levels.size());
      for (size_t i = 0; i < levels.size(); ++i) {
        if (i > 0) image = Halved(image);
        ExpectLevel(levels[i], image, sink, static_cast<int64_t>(i));
      }
    }
  }
}

// kfb.md, section 5: the check values of a real file.
TEST(PyramidWriterTest, LevelsEndAtTheFirstThatFitsATile) {
  const auto levels = PyramidLevels(34013, 46152, 256).value();
  ASSERT_EQ(levels.size(), 9u);
  int64_t tiles = 0;
  for (const SlideLevel& level : levels) {
    tiles += level.blocks_across() * level.blocks_down();
  }
  EXPECT_EQ(tiles, 32277);
  EXPECT_EQ(levels[8].width_px, 132);
  EXPECT_EQ(levels[8].height_px, 180);
  EXPECT_EQ(PyramidLevels(256, 1, 256).value().size(), 1u);
  EXPECT_EQ(PyramidLevels(257, 1, 256).value()[1].height_px, 1);
}

std::string Refusal(int64_t width_px, int64_t height_px, int64_t tile_px) {
  return PyramidLevels(width_px, height_px, tile_px).status().message();
}

TEST(PyramidWriterTest, SizesOutsideTheLimitsAreRefused) {
  EXPECT_EQ(Refusal(0, 5, 256), "width_px = 0: must be in [1, 1000000]");
  EXPECT_EQ(Refusal(5, -1, 256), "height_px = -1: must be in [1, 1000000]");
  EXPECT_EQ(Refusal(5, 1'000'001, 256),
            "height_px = 1000001: must be in [1, 1000000]");
  EXPECT_EQ(Refusal(5, 5, 0), "tile_px = 0: must be in [16, 1024]");
  EXPECT_EQ(Refusal(5, 5, 2048), "tile_px = 2048: must be in [16, 1024]");
  EXPECT_EQ(Refusal(5, 5, 100), "tile_px = 100: must be a multiple of 16");
  EXPECT_EQ(Refusal(200'000, 200'000, 16),
            "tiles of level 0 = 156250000: must be in [1, 4000000]");
}

TEST(PyramidWriterTest, AFailingPainterEndsIt) {
  const auto levels = PyramidLevels(40, 40, 16).value();
  KeepingSink sink;
  const auto fail = [](int64_t x_px, int64_t y_px, Image&) {
    return x_px + y_px > 16 ? DataLoss("no paint") : OkStatus();
  };
  EXPECT_EQ(WritePyramid(levels, fail, sink).message(), "no paint");
}

}  // namespace
}  // namespace cyto8
