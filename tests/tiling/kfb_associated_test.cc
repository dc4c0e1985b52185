// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/kfb_associated.h: the image that is asked for and no other;
// lengths that are too short are mended, all other lies are refused.
#include "tiling/kfb_associated.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/kfb_file.h"
#include "tests/support/temporary_folder.h"
#include "tiling/strict_jpeg.h"

namespace cyto8 {
namespace {

constexpr int64_t kOverviewAt = 128;

struct Slide {
  KfbSource source = {};
  Bytes bytes = {};
  int64_t label_at = 0;
};

Slide MakeSlide() {
  const Image image = MakeTestImage(60, 40);
  Slide slide = {.source = KfbWithPictures(100, 80)};
  slide.source.overview = EncodeKfbPicture(image.view());
  slide.source.label = EncodeKfbPicture(image.view().Crop(0, 0, 30, 20),
                                        {.kind = JpegKind::kGrey});
  slide.source.thumbnail = EncodeKfbPicture(image.view().Crop(5, 5, 17, 23));
  slide.bytes = EncodeKfb(slide.source);
  slide.label_at = static_cast<int64_t>(GetNumber(slide.bytes, 0x38, 4));
  return slide;
}

StatusOr<Image> Read(const Bytes& bytes, std::string_view name,
                     const Limits& limits = {}) {
  MemoryBytes source(bytes);
  return ReadKfbAssociated(source, name, limits);
}

testing::AssertionResult IsPicture(const StatusOr<Image>& image,
                                   const KfbPicture& picture) {
  if (!image.ok()) {
    return testing::AssertionFailure() << image.status().ToString();
  }
  const Image expected = DecodeJpeg(picture.jpeg, {}).value();
  const ImageView a = image->view();
  const ImageView b = expected.view();
  const bool same =
      a.width_px == b.width_px && a.height_px == b.height_px &&
      std::equal(a.data, a.data + a.stride_bytes * a.height_px, b.data);
  return same ? testing::AssertionSuccess() : testing::AssertionFailure();
}

TEST(KfbAssociatedTest, EachNameIsItsImage) {
  const Slide slide = MakeSlide();
  EXPECT_TRUE(IsPicture(Read(slide.bytes, "macro"), slide.source.overview));
  EXPECT_TRUE(IsPicture(Read(slide.bytes, "label"), slide.source.label));
  EXPECT_TRUE(
      IsPicture(Read(slide.bytes, "thumbnail"), slide.source.thumbnail));
}

TEST(KfbAssociatedTest, ALengthThatIsTooShortIsMended) {
  const Slide slide = MakeSlide();
  for (const uint64_t length : {0, 1, 50, 100}) {
    Bytes bytes = slide.bytes;
    PutNumber(bytes, slide.label_at + 20, length, 4);
    EXPECT_TRUE(IsPicture(Read(bytes, "label"), slide.source.label)) << length;
  }
}

TEST(KfbAssociatedTest, NamesAreThoseOfTheHeader) {
  EXPECT_EQ(KfbAssociatedNames({}), std::vector<std::string>{});
  EXPECT_EQ(KfbAssociatedNames({.overview_position = 1}),
            std::vector<std::string>{"macro"});
  EXPECT_EQ(KfbAssociatedNames({.label_position = 1, .thumbnail_position = -1}),
            (std::vector<std::string>{"label", "thumbnail"}));
}

TEST(KfbAssociatedTest, UnknownNamesAreNotFound) {
  const Slide slide = MakeSlide();
  EXPECT_EQ(Read(slide.bytes, "overview").status().ToString(),
            "NOT_FOUND: associated image = \"overview\": the slide has none of "
            "this name");
  const Bytes without = EncodeKfb(KfbWithoutPictures(100, 80));
  EXPECT_EQ(Read(without, "label").status().ToString(),
            "NOT_FOUND: associated image = \"label\": the slide has none of "
            "this name");
  EXPECT_EQ(Read(without, "").status().code(), StatusCode::kNotFound);
}

TEST(PromiseP3, KfbLabelThatLiesIsRefused) {
  const Slide slide = MakeSlide();
  const std::string markers = "its record has not the markers of this image";
  struct Lie {
    int64_t at;
    uint64_t value;
    std::string message;
  };
  const Lie lies[] = {
      {0, 0xEEEE02F1, markers},
      {0, 0, markers},
      {48, 0xEEEE02FF, markers},
      {48, 0, markers},
      {16, 0, "samples = 0: must be 1 or 3"},
      {16, 2, "samples = 2: must be 1 or 3"},
      {16, 4, "samples = 4: must be 1 or 3"},
      {20, 0xFFFFFFFF, "JPEG length = -1: must be in [0, LEFT]"},
      {20, 0x7FFFFFFF, "JPEG length = 2147483647: must be in [0, LEFT]"},
      {24, 0, "header length = 0: must be in [52, 52]"},
      {24, 53, "header length = 53: must be in [52, 52]"},
      {24, 0xFFFFFFFF, "header length = 4294967295: must be in [52, 52]"},
  };
  // Up to the index, which comes next.
  const int64_t left = KfbIndexAt(slide.bytes) - slide.label_at - 52;
  for (const Lie& lie : lies) {
    Bytes bytes = slide.bytes;
    PutNumber(bytes, slide.label_at + lie.at, lie.value, 4);
    std::string message = lie.message;
    const size_t at = message.find("LEFT");
    if (at != std::string::npos) message.replace(at, 4, std::to_string(left));
    EXPECT_EQ(Read(bytes, "label").status().ToString(),
              "DATA_LOSS: label: damaged KFB: " + message);
    EXPECT_TRUE(Read(bytes, "macro").ok());
  }
}

TEST(PromiseP6, KfbLabelOfAnotherSizeIsRefused) {
  struct Lie {
    int64_t at;
    uint64_t value;
    std::string message;
  };
  const Lie lies[] = {
      {8, 0, "height_px = 0: must be in [1, 200000]"},
      {8, 0xFFFFFFFF, "height_px = -1: must be in [1, 200000]"},
      {8, 0x7FFFFFFF, "height_px = 2147483647: must be in [1, 200000]"},
      {12, 0, "width_px = 0: must be in [1, 200000]"},
      {12, 0x80000000, "width_px = -2147483648: must be in [1, 200000]"},
  };
  const Slide slide = MakeSlide();
  for (const Lie& lie : lies) {
    Bytes bytes = slide.bytes;
    PutNumber(bytes, slide.label_at + lie.at, lie.value, 4);
    EXPECT_EQ(Read(bytes, "label").status().message(), "label: " + lie.message);
  }
  for (const uint64_t width : {29, 31, 10'000}) {
    Bytes bytes = slide.bytes;
    PutNumber(bytes, slide.label_at + 12, width, 4);
    EXPECT_EQ(Read(bytes, "label").status().code(), StatusCode::kDataLoss);
  }
}

TEST(PromiseP3, KfbPositionsOfImagesThatLieAreRefused) {
  struct Lie {
    int64_t at;
    int size;
    int64_t value;
    std::string_view name;
  };
  const Slide slide = MakeSlide();
  const auto size = static_cast<int64_t>(slide.bytes.size());
  const Lie outside[] = {
      {0x34, 4, 0xFFFFFFFF, "macro"},    {0x34, 4, size - 51, "macro"},
      {0x38, 4, size, "label"},          {0x3C, 8, -1, "thumbnail"},
      {0x3C, 8, INT64_MAX, "thumbnail"}, {0x3C, 8, INT64_MIN, "thumbnail"},
  };
  for (const Lie& lie : outside) {
    Bytes bytes = slide.bytes;
    PutNumber(bytes, lie.at, static_cast<uint64_t>(lie.value), lie.size);
    EXPECT_EQ(
        Read(bytes, lie.name).status().ToString(),
        "DATA_LOSS: " + std::string(lie.name) +
            ": damaged KFB: its record at byte " + std::to_string(lie.value) +
            " needs 52 bytes: the file ends at byte " + std::to_string(size));
  }
  for (const int64_t elsewhere : {int64_t{1}, kOverviewAt}) {
    Bytes bytes = slide.bytes;
    PutNumber(bytes, 0x38, static_cast<uint64_t>(elsewhere), 4);
    EXPECT_EQ(Read(bytes, "label").status().ToString(),
              "DATA_LOSS: label: damaged KFB: its record has not the markers "
              "of this image");
  }
}

// The last part of the file, cut at any byte.
TEST(PromiseP4, AKfbThumbnailCutAtAnyByteFails) {
  const Slide slide = MakeSlide();
  const auto at = static_cast<size_t>(GetNumber(slide.bytes, 0x3C, 8));
  for (size_t size = at; size < slide.bytes.size(); ++size) {
    const Bytes bytes(slide.bytes.begin(),
                      slide.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(Read(bytes, "thumbnail").status().code(), StatusCode::kDataLoss)
        << size;
  }
}

// The end marker of the overview is gone: it does not go on into the label.
TEST(PromiseP4, AKfbImageEndsBeforeTheNextPart) {
  const Slide slide = MakeSlide();
  Bytes bytes = slide.bytes;
  PutNumber(bytes, slide.label_at - 2, 0, 2);
  EXPECT_EQ(Read(bytes, "macro").status().code(), StatusCode::kDataLoss);
  bytes = slide.bytes;
  const int64_t room = slide.label_at - kOverviewAt - 52;
  PutNumber(bytes, kOverviewAt + 20, static_cast<uint64_t>(room + 1), 4);
  EXPECT_EQ(Read(bytes, "macro").status().ToString(),
            "DATA_LOSS: macro: damaged KFB: JPEG length = " +
                std::to_string(room + 1) + ": must be in [0, " +
                std::to_string(room) + "]");
}

TEST(PromiseP6, AKfbLabelBeyondALimitIsRefused) {
  const Slide slide = MakeSlide();
  EXPECT_EQ(
      Read(slide.bytes, "label", {.max_image_pixels = 599}).status().ToString(),
      "INVALID_ARGUMENT: label: image pixels = 600: must be in [1, 599]");
}

TEST(KfbAssociatedTest, ErrorsOfFilesStartWithThePath) {
  const TemporaryFolder folder;
  const Slide slide = MakeSlide();
  folder.Put("a.kfb", {reinterpret_cast<const char*>(slide.bytes.data()),
                       slide.bytes.size()});
  const std::string path = folder.PathOf("a.kfb");
  EXPECT_TRUE(IsPicture(ReadKfbAssociated(RealFileSystem(), path, "macro", {}),
                        slide.source.overview));
  EXPECT_EQ(
      ReadKfbAssociated(RealFileSystem(), path, "x", {}).status().message(),
      path +
          ": associated image = \"x\": the slide has none of this "
          "name");
}

}  // namespace
}  // namespace cyto8
