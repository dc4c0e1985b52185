// SPDX-License-Identifier: Apache-2.0
// Tests of tiling/image_reader.h: the content decides, the pixels are those of
// Pillow and OpenCV, errors start with the file's name.
#include "tiling/image_reader.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "tests/support/faulty_file_system.h"
#include "tests/support/image_encoding.h"
#include "tests/support/temporary_folder.h"

namespace cyto8 {
namespace {

using std::string_view_literals::operator""sv;

const std::string kGoldenFolder = CYTO8_SOURCE_DIR "/tests/tiling/golden/";

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string_view AsText(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string PixelHash(const Image& image) {
  const ImageView view = image.view();
  const auto size = static_cast<size_t>(view.stride_bytes * view.height_px);
  return ToHex(Sha256(std::as_bytes(std::span(view.data, size))).value());
}

struct Golden {
  std::string_view name;
  ImageFormat format;
  std::string_view pixel_hash;  // golden/README.md tells how it was made.
};

constexpr Golden kGoldens[] = {
    {"baseline_420.jpg", ImageFormat::kJpeg,
     "9026781644b85f8d300bcb5cf0b6a6c2f3889fc26b563364c88f1bc723ae53e6"},
    {"baseline_422.jpg", ImageFormat::kJpeg,
     "b7ef21ecc6b75220a05a4b348efcb6366846758ed36da42d7fc5e6ed4b7873d4"},
    {"baseline_444.jpg", ImageFormat::kJpeg,
     "0498ba657ab70fc9da5109839960e525a6befa3148de39b3c14ebf8199e90275"},
    {"progressive_420.jpg", ImageFormat::kJpeg,
     "9026781644b85f8d300bcb5cf0b6a6c2f3889fc26b563364c88f1bc723ae53e6"},
    {"restart_420.jpg", ImageFormat::kJpeg,
     "67e579a17e98de59ab3b2157f44b3bbbd951243b46dd4c15f94bb3340a9f0d04"},
    {"grey.jpg", ImageFormat::kJpeg,
     "aea4fb71c538312de83f69686f46931bb52d3782e9d39d2773b557b043a6f10e"},
    {"rgb.png", ImageFormat::kPng,
     "64e8bc18db44f9b06c3c0ac3bd5179a9ec314ed5448a5735246516724adf06cb"},
    {"grey.png", ImageFormat::kPng,
     "52ec39ca307df59bc19c44decfa30f5c699f8a1724e003a072c1e7d1ceb454f3"},
    {"palette.png", ImageFormat::kPng,
     "b290fa5c23c7702608497f5b03b58aadc867eebeef09bd0e2cf03c32362fa645"},
    {"one_bit.png", ImageFormat::kPng,
     "886b759c9baefe6761bec454ffc2490524f32a8a0eea0e9a63e1ceba1fe41f2c"},
};

TEST(ImageReaderTest, PixelsEqualThoseOfPillowAndOpenCv) {
  for (const Golden& golden : kGoldens) {
    const StatusOr<Image> image = ReadImage(
        RealFileSystem(), kGoldenFolder + std::string(golden.name), {});
    ASSERT_TRUE(image.ok()) << image.status().ToString();
    EXPECT_EQ(PixelHash(*image), golden.pixel_hash) << golden.name;
  }
}

TEST(ImageReaderTest, InfoGivesSizeAndFormatButNoPrintResolution) {
  for (const Golden& golden : kGoldens) {
    const StatusOr<ImageInfo> info = ReadImageInfo(
        RealFileSystem(), kGoldenFolder + std::string(golden.name), {});
    ASSERT_TRUE(info.ok()) << info.status().ToString();
    EXPECT_EQ(info->format, golden.format) << golden.name;
    EXPECT_EQ(info->width_px, 45);
    EXPECT_EQ(info->height_px, 37);
    EXPECT_EQ(info->um_per_px, std::nullopt);
  }
}

TEST(ImageReaderTest, TheNameOfTheFileDoesNotMatter) {
  const TemporaryFolder folder;
  folder.Put("photo.jpg", AsText(EncodePng(MakeTestImage(5, 4).view())));
  const StatusOr<ImageInfo> info =
      ReadImageInfo(RealFileSystem(), folder.PathOf("photo.jpg"), {});
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info->format, ImageFormat::kPng);
  EXPECT_TRUE(ReadImage(RealFileSystem(), folder.PathOf("photo.jpg"), {}).ok());
}

TEST(ImageReaderTest, FormatsHaveNames) {
  EXPECT_EQ(ImageFormatName(ImageFormat::kJpeg), "JPEG");
  EXPECT_EQ(ImageFormatName(ImageFormat::kPng), "PNG");
  EXPECT_EQ(ImageFormatName(ImageFormat::kTiff), "TIFF");
}

TEST(ImageReaderTest, KnownButUnsupportedFormatsAreNamed) {
  const std::string dicom = std::string(128, '\0') + "DICM";
  const std::pair<std::string_view, std::string> cases[] = {
      {"BM......"sv, "BMP"},
      {"GIF89a.."sv, "GIF"},
      {"RIFF....WEBPVP8 "sv, "WebP"},
      {"\0\0\0\x0CjP  \r\n"sv, "JPEG 2000"},
      {"\xFF\x4F\xFF\x51..."sv, "JPEG 2000"},
      {dicom, "DICOM"},
  };
  for (const auto& [content, name] : cases) {
    const Status status = RecogniseImage(AsBytes(content)).status();
    EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
    EXPECT_EQ(status.message(),
              name + " is not supported yet: must be JPEG, PNG or TIFF");
    EXPECT_EQ(DecodeImage(AsBytes(content), {}).status().message(),
              status.message());
    EXPECT_EQ(ParseImageHeader(AsBytes(content), {}).status().message(),
              status.message());
  }
}

TEST(ImageReaderTest, UnknownContentIsRefused) {
  for (const std::string_view content :
       {"hello"sv, "\xFF"sv, "\xFF\xD8"sv, "\x89PNG"sv, "M"sv, "\0"sv}) {
    const Status status = RecogniseImage(AsBytes(content)).status();
    EXPECT_EQ(
        status.ToString(),
        "UNIMPLEMENTED: content is not recognised: must be JPEG, PNG or TIFF");
  }
}

TEST(ImageReaderTest, EmptyFileIsNamed) {
  const TemporaryFolder folder;
  folder.Put("empty.png", "");
  const std::string path = folder.PathOf("empty.png");
  const std::string message =
      "DATA_LOSS: " + path + ": the image is empty (0 bytes)";
  EXPECT_EQ(ReadImage(RealFileSystem(), path, {}).status().ToString(), message);
  EXPECT_EQ(ReadImageInfo(RealFileSystem(), path, {}).status().ToString(),
            message);
}

TEST(ImageReaderTest, DamagedFilesAreNamed) {
  const TemporaryFolder folder;
  const Bytes whole = EncodeJpeg(MakeTestImage(40, 40).view());
  folder.Put("cut.jpg", AsText(whole).substr(0, whole.size() - 1));
  const std::string path = folder.PathOf("cut.jpg");
  EXPECT_EQ(
      ReadImage(RealFileSystem(), path, {}).status().ToString(),
      "DATA_LOSS: " + path + ": damaged JPEG: Premature end of JPEG file");
}

TEST(ImageReaderTest, MissingFilesAndFoldersAreNamed) {
  const TemporaryFolder folder;
  const std::string missing = folder.PathOf("none.jpg");
  EXPECT_EQ(ReadImage(RealFileSystem(), missing, {}).status().ToString(),
            "NOT_FOUND: " + missing + ": No such file or directory");
  EXPECT_EQ(ReadImage(RealFileSystem(), folder.path(), {}).status().ToString(),
            "INVALID_ARGUMENT: " + folder.path() + ": is not a regular file");
}

TEST(ImageReaderTest, TiffIsToldByItsFirstBytes) {
  for (const std::string_view content :
       {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
    EXPECT_EQ(RecogniseImage(AsBytes(content)).value(), ImageFormat::kTiff);
    EXPECT_EQ(DecodeImage(AsBytes(content), {}).status().code(),
              StatusCode::kDataLoss);
  }
}

TEST(ImageReaderTest, BytesInMemoryBeyondTheLimitAreRefused) {
  const Bytes bytes = EncodePng(MakeTestImage(8, 8).view());
  const std::string message =
      "INVALID_ARGUMENT: image bytes = " + std::to_string(bytes.size()) +
      ": must be in [0, 100]";
  EXPECT_EQ(DecodeImage(bytes, {.max_image_bytes = 100}).status().ToString(),
            message);
  EXPECT_EQ(
      ParseImageHeader(bytes, {.max_image_bytes = 100}).status().ToString(),
      message);
}

// A file is read in blocks, so its size does not matter; what it shows does.
TEST(ImageReaderTest, OfAHugeFileThatIsNoImageOneBlockIsRead) {
  const TemporaryFolder folder;
  folder.Put("big.jpg", std::string(10'000'000, 'x'));
  const std::string path = folder.PathOf("big.jpg");
  FaultyFileSystem files(RealFileSystem());
  files.Disarm();
  EXPECT_EQ(ReadImage(files, path, {}).status().ToString(),
            "UNIMPLEMENTED: " + path +
                ": content is not recognised: must be JPEG, PNG or TIFF");
  EXPECT_EQ(files.calls(),
            (std::vector{FileCall::kOpenForReading, FileCall::kStat,
                         FileCall::kReadAt, FileCall::kClose}));
}

TEST(ImageReaderTest, AnImageInOnePieceKeepsToItsLimit) {
  const TemporaryFolder folder;
  folder.Put("a.png", AsText(EncodePng(MakeTestImage(30, 20).view())));
  const std::string path = folder.PathOf("a.png");
  const Limits limits = {.max_image_pixels = 599};
  EXPECT_EQ(ReadImage(RealFileSystem(), path, limits).status().ToString(),
            "INVALID_ARGUMENT: " + path +
                ": image pixels = 600: must be in [1, 599]");
  EXPECT_TRUE(ReadImageInfo(RealFileSystem(), path, limits).ok());
}

TEST(PromiseP10, AnyFailingCallWhileAnImageIsReadIsAnErrorWithItsName) {
  const TemporaryFolder folder;
  folder.Put("a.png", AsText(EncodePng(MakeTestImage(9, 9).view())));
  const std::string path = folder.PathOf("a.png");
  FaultyFileSystem files(RealFileSystem());
  files.ShortenTransfers(100);
  ASSERT_TRUE(ReadImage(files, path, {}).ok());
  const auto calls = static_cast<int64_t>(files.calls().size());
  ASSERT_GT(calls, 4);
  for (int64_t i = 0; i < calls; ++i) {
    files.Arm({.index = i, .error_number = EIO});
    EXPECT_EQ(ReadImage(files, path, {}).status().ToString(),
              "IO_ERROR: " + path + ": Input/output error");
    EXPECT_EQ(files.open_files(), 0);
  }
}

}  // namespace
}  // namespace cyto8
