// SPDX-License-Identifier: Apache-2.0
// promises.md P6 for images and slides: sizes lie, memory does not. Each file
// claims more than it has, or more than anybody can hold; it is refused through
// OpenImage, as a user's file would be, and the resident set has grown by less
// than 64 MiB by then. The sanitizers' own memory is not measured.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/error_pattern.h"
#include "tests/support/image_encoding.h"
#include "tests/support/kfb_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiff_bytes.h"
#include "tests/tiling/slide_sources.h"
#include "tiling/image_opener.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMeasures = false;
#else
constexpr bool kMeasures = true;
#endif

constexpr int64_t kMebibyte = int64_t{1} << 20;
constexpr int64_t kMostGrowth = 64 * kMebibyte;

// A line of /proc/self/status in bytes.
int64_t StatusBytes(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ":")) continue;
    return std::stoll(line.substr(name.size() + 1)) * 1024;
  }
  return 0;
}

// The growth of the largest resident set from here on.
class PeakMemory {
 public:
  PeakMemory() {
    std::ofstream("/proc/self/clear_refs") << "5";  // forgets the peak.
    begin_ = StatusBytes("VmHWM");
  }
  int64_t growth() const { return StatusBytes("VmHWM") - begin_; }

 private:
  int64_t begin_ = 0;
};

// --- bytes that become many ---

void Append(Bytes& bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
}

// Deflate of a mebibyte of zeros that any number of others may follow.
Bytes DeflatedMebibyte() {
  std::vector<Bytef> zeros(kMebibyte);
  std::vector<Bytef> packed(64 << 10);
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, /*raw=*/-15, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = zeros.data();
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FULL_FLUSH);
  const size_t size = packed.size() - stream.avail_out;
  deflateEnd(&stream);
  const auto* begin = reinterpret_cast<const std::byte*>(packed.data());
  return {begin, begin + size};
}

// A zlib stream of so many MiB of zeros.
Bytes DeflatedZeros(int64_t mebibytes) {
  Bytes bytes = {std::byte{0x78}, std::byte{0xDA}};
  const Bytes one = DeflatedMebibyte();
  for (int64_t i = 0; i < mebibytes; ++i) Append(bytes, one);
  Append(bytes, {std::byte{3}, std::byte{0}});           // the end.
  const uint64_t adler = mebibytes * kMebibyte % 65521;  // upper sum; lower 1.
  for (const uint64_t byte :
       {adler >> 8, adler & 255, uint64_t{0}, uint64_t{1}}) {
    bytes.push_back(static_cast<std::byte>(byte));
  }
  return bytes;
}

// --- PNG ---

void AppendBig(Bytes& bytes, uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<std::byte>(value >> shift & 255));
  }
}

void AppendChunk(Bytes& png, const std::string& name, const Bytes& data) {
  AppendBig(png, data.size());
  const size_t begin = png.size();
  for (const char c : name) png.push_back(static_cast<std::byte>(c));
  Append(png, data);
  AppendBig(png, crc32(0, reinterpret_cast<const Bytef*>(&png[begin]),
                       static_cast<uInt>(png.size() - begin)));
}

Bytes Png(uint64_t width_px, uint64_t height_px, bool interlaced,
          const Bytes& pixels) {
  Bytes png;
  for (const int byte : {0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A}) {
    png.push_back(static_cast<std::byte>(byte));
  }
  Bytes header;
  AppendBig(header, width_px);
  AppendBig(header, height_px);
  for (const int byte : {8, 2, 0, 0, interlaced ? 1 : 0}) {
    header.push_back(static_cast<std::byte>(byte));
  }
  AppendChunk(png, "IHDR", header);
  AppendChunk(png, "IDAT", pixels);
  AppendChunk(png, "IEND", {});
  return png;
}

// --- JPEG ---

// The sides in its frame header.
Bytes WithSides(Bytes jpeg, uint64_t width_px, uint64_t height_px) {
  for (size_t at = 2; at + 9 < jpeg.size();) {
    const int marker = std::to_integer<int>(jpeg[at + 1]);
    if (marker == 0xC0 || marker == 0xC2) {
      for (const auto& [offset, value] :
           {std::pair{size_t{5}, height_px}, {size_t{7}, width_px}}) {
        jpeg[at + offset] = static_cast<std::byte>(value >> 8);
        jpeg[at + offset + 1] = static_cast<std::byte>(value & 255);
      }
      return jpeg;
    }
    at += 2 + (std::to_integer<size_t>(jpeg[at + 2]) << 8 |
               std::to_integer<size_t>(jpeg[at + 3]));
  }
  ADD_FAILURE() << "no frame";
  return jpeg;
}

Bytes Jpeg(bool progressive, uint64_t side_px) {
  return WithSides(EncodeJpeg(MakeTestImage(288, 288).view(),
                              {.quality = 92, .progressive = progressive}),
                   side_px, side_px);
}

// --- TIFF ---

constexpr int kWidth = 256;
constexpr int kLength = 257;
constexpr int kStripOffsets = 273;
constexpr int kStripCounts = 279;
constexpr int kTileWidth = 322;
constexpr int kTileLength = 323;
constexpr int kSubIfds = 330;
constexpr int kOffsets = 324;
constexpr int kCounts = 325;

TiffBytes Pyramid(int compression = kTiffNone, bool big_tiff = false) {
  std::vector<TiffSource> sources = {Tiles(40, 20, compression),
                                     Tiles(20, 10, compression)};
  sources[0].big_tiff = big_tiff;
  return TiffBytes(EncodeTiff(sources));
}

TiffBytes DeflatedStrips() {
  TiffSource strips = Strips(40, 20);
  strips.compression = kTiffDeflate;
  return TiffBytes(EncodeTiff(strips));
}

TiffBytes OneTile(int compression) {
  return TiffBytes(
      EncodeTiff({Tiles(16, 16, compression), Tiles(8, 8, compression)}));
}

// The only tile or strip becomes these bytes, at the end of the file.
Bytes WithChunk(TiffBytes tiff, int offsets, int counts, const Bytes& chunk) {
  constexpr uint64_t kLong = 4;
  tiff.PutType(0, counts, kLong);
  tiff.PutValue(0, counts, chunk.size());
  tiff.PutValue(0, offsets, static_cast<uint64_t>(tiff.file_size()));
  Append(tiff.bytes, chunk);
  return tiff.bytes;
}

// One tile of such sides, of a few bytes.
Bytes HugeTile(int compression, uint64_t side_px) {
  TiffBytes tiff = OneTile(compression);
  for (const int tag : {kWidth, kLength, kTileWidth, kTileLength}) {
    tiff.PutType(0, tag, 4);
    tiff.PutValue(0, tag, side_px);
  }
  return tiff.bytes;
}

// Directories whose tags all point to the same bytes.
Bytes SharedTags(int64_t directories, int64_t tags, int64_t bytes) {
  TiffBytes tiff = Pyramid();
  const int64_t shared = tiff.file_size();
  tiff.bytes.resize(tiff.bytes.size() + static_cast<size_t>(bytes));
  for (int64_t i = 0; i < directories; ++i) {
    const int64_t at = tiff.file_size();
    tiff.PutLink(2 + i, static_cast<uint64_t>(at));
    tiff.Put(at, static_cast<uint64_t>(tags), 2);
    for (int64_t tag = 0; tag < tags; ++tag) {
      const int64_t entry = at + 2 + 12 * tag;
      tiff.Put(entry, static_cast<uint64_t>(50'000 + tag), 2);
      tiff.Put(entry + 2, 7, 2);
      tiff.Put(entry + 4, static_cast<uint64_t>(bytes), 4);
      tiff.Put(entry + 8, static_cast<uint64_t>(shared), 4);
    }
    tiff.Put(at + 2 + 12 * tags, 0, 4);
  }
  return tiff.bytes;
}

// An index of so many entries that really lie in the file, which has holes.
TiffBytes ManyValues(uint64_t values) {
  TiffBytes tiff = Pyramid(kTiffNone, /*big_tiff=*/true);
  for (const int tag : {kOffsets, kCounts}) {
    tiff.PutType(0, tag, 16);
    tiff.PutCount(0, tag, values);
    tiff.PutValue(0, tag, static_cast<uint64_t>(tiff.file_size()));
  }
  return tiff;
}

// SubIFDs of so many BYTEs, which really lie in the file, in its hole.
TiffBytes ManySubDirectories(uint64_t values) {
  TiffBytes tiff = Pyramid();
  constexpr int kPlanar = 284;  // has its default.
  tiff.PutTag(0, kPlanar, kSubIfds);
  tiff.PutType(0, kSubIfds, 1);
  tiff.PutCount(0, kSubIfds, values);
  tiff.PutValue(0, kSubIfds, static_cast<uint64_t>(tiff.file_size()));
  return tiff;
}

// --- what comes of them ---

struct Lie {
  std::string name;
  Bytes bytes;
  std::string error;       // ".*" alone has a meaning.
  int64_t hole_bytes = 0;  // behind the bytes.
};

// Opens the file and reads its first block or rows.
Status ReadBegin(const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const OpenedImage image,
                         OpenImage(RealFileSystem(), path, {}));
  if (image.slide) return image.slide->ReadBlock({}).status();
  const int64_t row_bytes = 3 * image.rows->info().width_px;
  std::vector<uint8_t> row(static_cast<size_t>(row_bytes));
  const int64_t rows = std::min<int64_t>(100, image.rows->info().height_px);
  for (int64_t y = 0; y < rows; ++y) {
    CYTO8_RETURN_IF_ERROR(image.rows->ReadRows(1, row.data(), row_bytes));
  }
  return OkStatus();
}

void Expect(const Lie& lie) {
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("image");
  folder.Put("image", {reinterpret_cast<const char*>(lie.bytes.data()),
                       lie.bytes.size()});
  if (lie.hole_bytes > 0) {
    std::fstream file(path);
    file.seekp(lie.hole_bytes + static_cast<int64_t>(lie.bytes.size()));
    file.put('\0');
  }
  const PeakMemory peak;
  const Status status = ReadBegin(path);
  const int64_t growth = peak.growth();
  const std::string front = path + ": ";
  ASSERT_TRUE(status.message().starts_with(front)) << status.ToString();
  const std::string error =
      Status(status.code(), status.message().substr(front.size())).ToString();
  EXPECT_TRUE(MatchesError(error, lie.error))
      << "is       " << error << "\nmust be  " << lie.error;
  EXPECT_TRUE(!kMeasures || growth < kMostGrowth) << growth;
}

TEST(PromiseP6, AJpegCannotClaimMemory) {
  const std::string held = "DATA_LOSS: damaged JPEG: .* bytes cannot hold ";
  for (const bool progressive : {false, true}) {
    Expect({"JPEG", Jpeg(progressive, 32'000), held + "32000 x 32000 pixels"});
    Expect({"JPEG", Jpeg(progressive, 65'500), held + "65500 x 65500 pixels"});
  }
}

TEST(PromiseP6, APngCannotClaimMemory) {
  constexpr uint64_t kMost = 0x7FFFFFFF;
  const Bytes few = DeflatedZeros(1);
  Expect({"sides of 2^31", Png(kMost, kMost, false, few),
          "INVALID_ARGUMENT: width_px = 2147483647: must be in [1, 200000]"});
  Expect({"a side of 2^31", Png(1, kMost, false, few),
          "INVALID_ARGUMENT: height_px = 2147483647: must be in [1, 200000]"});
  Expect({"many pixels", Png(200'000, 200'000, false, few),
          "DATA_LOSS: damaged PNG: .* bytes cannot hold 200000 x 200000 "
          "pixels"});
  // All of its pixels are there.
  Expect({"zeros, interlaced", Png(20'000, 20'000, true, DeflatedZeros(1145)),
          "INVALID_ARGUMENT: decoder bytes = .*: must be in [0, 536870912]"});
  Expect({"a bomb", Png(8, 8, false, DeflatedZeros(128)),
          "DATA_LOSS: damaged PNG: .*"});
}

// Nothing lies here: rows are read as they come, and only who asks for all of
// them at once is refused.
TEST(PromiseP6, APngOfManyZerosIsReadInLittleMemory) {
  const Bytes png = Png(20'000, 20'000, false, DeflatedZeros(1145));
  const TemporaryFolder folder;
  const std::string path = folder.PathOf("image");
  folder.Put("image", {reinterpret_cast<const char*>(png.data()), png.size()});
  const PeakMemory peak;
  EXPECT_TRUE(ReadBegin(path).ok());
  EXPECT_EQ(ReadImage(RealFileSystem(), path, {}).status().message(),
            path + ": image pixels = 400000000: must be in [1, 268435456]");
  const int64_t growth = peak.growth();
  EXPECT_TRUE(!kMeasures || growth < kMostGrowth) << growth;
}

TEST(PromiseP6, ATiffCannotClaimMemory) {
  TiffBytes sides = Pyramid();
  for (const int tag : {kWidth, kLength}) {
    sides.PutType(0, tag, 4);
    sides.PutValue(0, tag, 0x80000000);
  }
  Expect({"sides of 2^31", sides.bytes,
          "INVALID_ARGUMENT: directory 0: width_px = 2147483648: must be in "
          "[1, 1000000]"});
  TiffBytes tiles = Pyramid();
  for (const auto& [tag, value] : {std::pair{kWidth, 100'000},
                                   {kLength, 10'000},
                                   {kTileWidth, 1},
                                   {kTileLength, 1}}) {
    tiles.PutType(0, tag, 4);
    tiles.PutValue(0, tag, static_cast<uint64_t>(value));
  }
  Expect({"10^9 tiles, but not their index", tiles.bytes,
          "DATA_LOSS: level 0: damaged TIFF: TileOffsets has 6 values: must be "
          "1000000000"});
  for (const int64_t values : {10'000'000, 60'000'000, 1'000'000'000}) {
    Expect({"an index of many tiles",
            ManyValues(static_cast<uint64_t>(values)).bytes,
            "INVALID_ARGUMENT: directory 0: values of tag 324 = .*: must be in "
            "[0, 4000000]",
            8 * values});
  }
  // As numbers they would take 8 times as much.
  constexpr int64_t kSubDirectories = 30'000'000;
  Expect({"many SubIFDs", ManySubDirectories(kSubDirectories).bytes,
          "DATA_LOSS: directory 0: damaged TIFF: SubIFDs has 30000000 values: "
          "must have at most 1024",
          kSubDirectories});
  Expect({"tags that share their bytes", SharedTags(1, 500, kMebibyte),
          "INVALID_ARGUMENT: directory 2: TIFF directory bytes = .*: must be "
          "in [0, .*]"});
  Expect({"directories that share their bytes", SharedTags(500, 1, kMebibyte),
          "INVALID_ARGUMENT: directory bytes = .*: must be in [0, .*]"});
}

TEST(PromiseP6, ATileOrStripCannotClaimMemory) {
  for (const int compression :
       {kTiffNone, kTiffLzw, kTiffDeflate, kTiffPackBits}) {
    Expect({"a tile of 6000 x 6000", HugeTile(compression, 6000),
            "DATA_LOSS: level 0, column 0, row 0: damaged TIFF: .* bytes "
            "cannot hold 6000 x 6000 pixels"});
    Expect({"a tile of 60000 x 60000", HugeTile(compression, 60'000),
            "INVALID_ARGUMENT: decoder bytes = .*: must be in [0, 536870912]"});
  }
  Expect(
      {"a bomb as a tile",
       WithChunk(OneTile(kTiffDeflate), kOffsets, kCounts, DeflatedZeros(1024)),
       "DATA_LOSS: level 0, column 0, row 0: damaged TIFF: the data ends "
       "late"});
  Expect({"a bomb as a strip",
          WithChunk(DeflatedStrips(), kStripOffsets, kStripCounts,
                    DeflatedZeros(1024)),
          "DATA_LOSS: strip 0: damaged TIFF: the data ends late"});
}

TEST(PromiseP6, AKfbCannotClaimMemory) {
  const Bytes whole = EncodeKfb(KfbWithPictures(300, 40));
  const auto with = [&](int64_t at, uint64_t value, int size) {
    Bytes bytes = whole;
    PutNumber(bytes, at, value, size);
    return bytes;
  };
  Expect(
      {"2^31 records", with(0x10, 0x7FFFFFFF, 4),
       "INVALID_ARGUMENT: tile records = 2147483647: must be in [1, 2000000]"});
  Expect(
      {"10^9 records", with(0x10, 1'000'000'000, 4),
       "INVALID_ARGUMENT: tile records = 1000000000: must be in [1, 2000000]"});
  Expect(
      {"2 * 10^6 records of zeros", with(0x10, 2'000'000, 4),
       "DATA_LOSS: tile record 3: damaged KFB: does not begin with F1 04 EE EE",
       128'000'000});
  Expect({"a width of 2^31", with(0x18, 0x7FFFFFFF, 4),
          "INVALID_ARGUMENT: width_px = 2147483647: must be in [1, 200000]"});
  const Bytes jpeg = KfbWithPictures(300, 40).tiles[0].picture.jpeg;
  Bytes larger = whole;
  std::ranges::copy(WithSides(jpeg, 30'000, 30'000), larger.begin() + 128);
  Expect({"a tile larger than its record", larger,
          "DATA_LOSS: level 0, column 0, row 0: damaged JPEG: it has 30000 x "
          "30000 pixels: must have 256 x 40"});
}

}  // namespace
}  // namespace cyto8
