// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/scaled_rows.h against ResampleArea of the whole image.
#include "tiling/scaled_rows.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/image_encoding.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

StatusOr<std::unique_ptr<RowSource>> Scaled(const std::vector<std::byte>& png,
                                            int64_t width_px, int64_t height_px,
                                            ScaledRowSeconds& seconds) {
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<RowSource> rows,
                         OpenRows(png, Limits()));
  return ScaledRows(std::move(rows), width_px, height_px, seconds);
}

TEST(ScaledRowsTest, RowsAreThoseOfTheWholeImageResampled) {
  const Image image = MakeTestImage(61, 47);
  const std::vector<std::byte> png = EncodePng(image.view());
  const int64_t sizes[][2] = {{61, 47}, {30, 23}, {7, 5},   {1, 1},
                              {61, 20}, {20, 47}, {70, 60}, {30, 60}};
  for (const auto& [width, height] : sizes) {
    const Image expected = ResampleArea(image.view(), width, height).value();
    ScaledRowSeconds seconds;
    const auto rows = Scaled(png, width, height, seconds).value();
    EXPECT_EQ(rows->info().width_px, width);
    EXPECT_EQ(rows->info().height_px, height);
    std::vector<uint8_t> row(static_cast<size_t>(width * kRgbChannels));
    for (int64_t y = 0; y < height; ++y) {
      ASSERT_TRUE(rows->ReadRows(1, row.data(), std::ssize(row)).ok());
      ASSERT_TRUE(std::equal(row.begin(), row.end(), expected.view().Row(y)))
          << width << "x" << height << " row " << y;
    }
    EXPECT_GT(seconds.decode, 0);
    EXPECT_GT(seconds.resample, 0);
  }
}

// The last row of the result is there long before the file ends.
TEST(ScaledRowsTest, DamageAtTheEndIsSeenWithTheLastRow) {
  std::vector<std::byte> png = EncodePng(MakeTestImage(40, 40).view());
  png.resize(png.size() - 6);
  ScaledRowSeconds seconds;
  const auto rows = Scaled(png, 3, 2, seconds).value();
  std::vector<uint8_t> row(9);
  EXPECT_TRUE(rows->ReadRows(1, row.data(), 9).ok());
  EXPECT_FALSE(rows->ReadRows(1, row.data(), 9).ok());
}

TEST(ScaledRowsTest, AfterAnErrorEveryCallGivesItAgain) {
  std::vector<std::byte> png = EncodePng(MakeTestImage(40, 40).view());
  png.resize(png.size() / 2);
  ScaledRowSeconds seconds;
  const auto rows = Scaled(png, 20, 20, seconds).value();
  std::vector<uint8_t> row(60);
  Status status;
  int64_t read = 0;
  while (status.ok() && read < 20) {
    status = rows->ReadRows(1, row.data(), 60);
    ++read;
  }
  ASSERT_FALSE(status.ok());
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(rows->ReadRows(1, row.data(), 60).message(), status.message());
  }
}

TEST(ScaledRowsTest, AWrongSizeIsRefused) {
  const std::vector<std::byte> png = EncodePng(MakeTestImage(4, 4).view());
  ScaledRowSeconds seconds;
  EXPECT_FALSE(Scaled(png, 0, 2, seconds).ok());
  EXPECT_FALSE(Scaled(png, 2, 200'001, seconds).ok());
}

}  // namespace
}  // namespace cyto8
