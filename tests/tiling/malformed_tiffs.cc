// SPDX-License-Identifier: Apache-2.0
// Tiled TIFFs and SVS slides with one wrong number each; see
// malformed_slides.h.
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/tiff_bytes.h"
#include "tests/tiling/malformed_slides.h"
#include "tests/tiling/slide_sources.h"

namespace cyto8 {
namespace {

constexpr uint64_t kMost32 = 0xFFFFFFFF;
constexpr uint64_t kMost64 = ~uint64_t{0};

// Tags of baseline TIFF and of its technical notes.
constexpr int kWidth = 256;
constexpr int kLength = 257;
constexpr int kBits = 258;
constexpr int kCompression = 259;
constexpr int kPhotometric = 262;
constexpr int kDescription = 270;
constexpr int kStripOffsets = 273;
constexpr int kSamples = 277;
constexpr int kPlanar = 284;
constexpr int kTileWidth = 322;
constexpr int kTileLength = 323;
constexpr int kOffsets = 324;
constexpr int kCounts = 325;
constexpr int kSubIfds = 330;
constexpr int kJpegTables = 347;
constexpr int kUnknown = 65'001;

const char kFile[] = "DATA_LOSS: damaged TIFF: ";

std::string Directory(int64_t i) {
  return "DATA_LOSS: directory " + std::to_string(i) + ": damaged TIFF: ";
}

std::string Level(int64_t i) {
  return "DATA_LOSS: level " + std::to_string(i) + ": damaged TIFF: ";
}

// 40 x 20 and 20 x 10 px in tiles of 16 x 16: 3 x 2 of them, then 2 x 1. Tile
// 0 begins at byte 8, the others follow without a gap.
Bytes Plain(bool big_tiff = false) {
  std::vector<TiffSource> sources = {Tiles(40, 20), Tiles(20, 10)};
  sources[0].big_tiff = big_tiff;
  return EncodeTiff(sources);
}

Bytes WithSubDirectories() {
  TiffSource base = Tiles(100, 70);
  base.sub_directories = 2;
  return EncodeTiff({base, Tiles(50, 35), Tiles(25, 18)});
}

// What one whole file becomes.
class Table {
 public:
  Table(std::string kind, Bytes whole)
      : kind_(std::move(kind)), whole_(std::move(whole)) {}

  void Add(const std::string& name,
           const std::function<void(TiffBytes&)>& damage, std::string error) {
    TiffBytes tiff(whole_);
    damage(tiff);
    cases_.push_back({kind_ + ", " + name, tiff.bytes, std::move(error)});
  }
  std::vector<MalformedSlide> cases() const { return cases_; }

 private:
  std::string kind_;
  Bytes whole_;
  std::vector<MalformedSlide> cases_;
};

using Tiff = TiffBytes;

uint64_t SizeOf(const Tiff& t) { return static_cast<uint64_t>(t.file_size()); }
uint64_t At(const Tiff& t, int64_t directory) {
  return static_cast<uint64_t>(t.DirectoryAt(directory));
}

std::vector<MalformedSlide> Chains() {
  Table table("TIFF", Plain());
  const std::string early = kFile + std::string("a directory needs ");
  const auto needs = [&](int size, const std::string& at) {
    return early + std::to_string(size) + " bytes at byte " + at +
           ": the file ends at byte 6484";
  };
  const auto ring = [](const std::string& a, const std::string& b) {
    return kFile + ("directory " + a) + " is at byte .*, as is directory " + b +
           ": the chain must not be a loop";
  };
  table.Add(
      "no directory", [](Tiff& t) { t.PutLink(0, 0); },
      kFile + std::string("directories = 0: must be in [1, 1024]"));
  table.Add(
      "a link into the header", [](Tiff& t) { t.PutLink(0, 2); },
      kFile + std::string("a directory is at byte 2: the header has 8"));
  table.Add(
      "a link to the end", [](Tiff& t) { t.PutLink(0, SizeOf(t)); },
      needs(2, "6484"));
  table.Add(
      "a link to the last byte", [](Tiff& t) { t.PutLink(0, SizeOf(t) - 1); },
      needs(2, "6483"));
  table.Add(
      "a second link behind the end", [](Tiff& t) { t.PutLink(1, kMost32); },
      needs(2, "4294967295"));
  table.Add(
      "a third link behind the end", [](Tiff& t) { t.PutLink(2, 7000); },
      needs(2, "7000"));
  table.Add(
      "a ring of one", [](Tiff& t) { t.PutLink(1, At(t, 0)); }, ring("1", "0"));
  table.Add(
      "a ring of two", [](Tiff& t) { t.PutLink(2, At(t, 0)); }, ring("2", "0"));
  table.Add(
      "a ring behind the first", [](Tiff& t) { t.PutLink(2, At(t, 1)); },
      ring("2", "1"));
  table.Add(
      "an empty directory", [](Tiff& t) { t.PutEntries(0, 0); },
      kFile + std::string("tags of the directory at byte .* = 0: must be "
                          "in [1, 4096]"));
  table.Add(
      "a directory of too many tags", [](Tiff& t) { t.PutEntries(1, 65'535); },
      kFile + std::string("tags of the directory at byte .* = 65535: "
                          "must be in [1, 4096]"));
  table.Add(
      "a directory longer than the file",
      [](Tiff& t) { t.PutEntries(1, 4096); }, needs(4, ".*"));
  table.Add(
      "a directory that is one tag longer",
      [](Tiff& t) { t.PutEntries(1, t.Entries(1) + 1); }, needs(2, ".*"));
  table.Add(
      "a tag that stands twice", [](Tiff& t) { t.PutTag(0, kLength, kWidth); },
      Directory(0) + "tag 256 stands twice");
  table.Add(
      "a tag of level 1 that stands twice",
      [](Tiff& t) { t.PutTag(1, kCounts, kOffsets); },
      Directory(1) + "tag 324 stands twice");
  return table.cases();
}

std::vector<MalformedSlide> MissingTags() {
  Table table("TIFF", Plain());
  for (const int64_t i : {0, 1}) {
    const std::pair<int, std::string> errors[] = {
        {kWidth, Directory(i) + "ImageWidth is missing"},
        {kLength, Directory(i) + "ImageLength is missing"},
        {kBits, Level(i) + "BitsPerSample is missing"},
        {kPhotometric, Level(i) + "PhotometricInterpretation is missing"},
        {kSamples,
         Level(i) + "SamplesPerPixel = 1: must be 3 and 0 ExtraSamples"},
        {kTileWidth, Level(i) + "TileWidth is missing"},
        {kTileLength, Level(i) + "TileLength is missing"},
        {kOffsets, Level(i) + "TileOffsets is missing"},
        {kCounts, Level(i) + "TileByteCounts is missing"}};
    for (const auto& [tag, error] : errors) {
      table.Add(
          "directory " + std::to_string(i) + " without tag " +
              std::to_string(tag),
          [&](Tiff& t) { t.PutTag(i, tag, kUnknown); }, error);
    }
    table.Add(
        "directory " + std::to_string(i) + " without pixels",
        [&](Tiff& t) {
          t.PutTag(i, kTileWidth, kUnknown);
          t.PutTag(i, kOffsets, kUnknown + 1);
        },
        Directory(i) + "there are neither strips nor tiles");
  }
  table.Add(
      "strips and tiles", [](Tiff& t) { t.PutTag(0, kPlanar, kStripOffsets); },
      Level(0) + "there are strips and tiles");
  return table.cases();
}

std::vector<MalformedSlide> WrongTypes() {
  Table table("TIFF", Plain());
  const std::string width = Directory(0) + "ImageWidth has ";
  const std::string numbers = ": must be BYTE, SHORT, LONG or LONG8";
  struct One {
    int tag;
    uint64_t type;
    std::string error;
  };
  const One cases[] = {
      {kWidth, 2, width + "values of type 2" + numbers},
      {kWidth, 5, width + "values of type 5" + numbers},
      {kWidth, 8, width + "values of type 8" + numbers},
      {kWidth, 9, width + "values of type 9" + numbers},
      {kWidth, 11, width + "values of type 11" + numbers},
      {kWidth, 0, width + "values of type 0" + numbers},
      {kWidth, 99, width + "values of type 99" + numbers},
      {kOffsets, 7, Level(0) + "TileOffsets has values of type 7" + numbers},
      {kOffsets, 9, Level(0) + "TileOffsets has values of type 9" + numbers},
      {kCounts, 11,
       Level(0) + "TileByteCounts has values of type 11" + numbers},
      {kTileWidth, 12, Level(0) + "TileWidth has values of type 12" + numbers},
      {kTileLength, 2, Level(0) + "TileLength has values of type 2" + numbers},
  };
  for (const One& one : cases) {
    table.Add(
        "tag " + std::to_string(one.tag) + " of type " +
            std::to_string(one.type),
        [&](Tiff& t) { t.PutType(0, one.tag, one.type); }, one.error);
  }
  return table.cases();
}

std::vector<MalformedSlide> WrongCounts() {
  Table table("TIFF", Plain());
  const std::string end = ": the file ends at byte 6484";
  const std::string many =
      "INVALID_ARGUMENT: directory 0: values of tag 324 = 4294967295: must be "
      "in [0, 4000000]";
  struct One {
    int tag;
    uint64_t count;
    std::string error;
  };
  const One cases[] = {
      {kWidth, 0, Directory(0) + "ImageWidth has 0 values: must be 1"},
      {kWidth, 2, Directory(0) + "ImageWidth has 2 values: must be 1"},
      {kLength, kMost32,
       Directory(0) + "ImageLength has 4294967295 values: must be 1"},
      {kBits, 2, Level(0) + "BitsPerSample has 2 values: must be 3"},
      {kBits, 4, Level(0) + "BitsPerSample has 4 values: must be 3"},
      {kTileWidth, 2, Level(0) + "TileWidth has 2 values: must be 1"},
      {kOffsets, 0, Level(0) + "TileOffsets has 0 values: must be 6"},
      {kOffsets, 5, Level(0) + "TileOffsets has 5 values: must be 6"},
      {kOffsets, 7, Level(0) + "TileOffsets has 7 values: must be 6"},
      {kOffsets, 1'000'000,
       Level(0) + "TileOffsets has 1000000 values: must be 6"},
      {kOffsets, kMost32, many},
      {kCounts, 0, Level(0) + "TileByteCounts has 0 values: must be 6"},
      {kCounts, 5, Level(0) + "TileByteCounts has 5 values: must be 6"},
      {kCounts, 7, Level(0) + "TileByteCounts has 7 values: must be 6"},
  };
  for (const One& one : cases) {
    table.Add(
        std::to_string(one.count) + " values of tag " + std::to_string(one.tag),
        [&](Tiff& t) { t.PutCount(0, one.tag, one.count); }, one.error);
  }
  table.Add(
      "values behind the end",
      [](Tiff& t) { t.PutValue(0, kOffsets, SizeOf(t)); },
      Level(0) + "TileOffsets has 6 values of type 4 at byte 6484" + end);
  table.Add(
      "values far behind the end",
      [](Tiff& t) { t.PutValue(1, kOffsets, kMost32 - 3); },
      Level(1) + "TileOffsets has 2 values of type 4 at byte 4294967292" + end);
  return table.cases();
}

std::vector<MalformedSlide> WrongSides() {
  Table table("TIFF", Plain());
  constexpr uint64_t kLong = 4;
  for (const int64_t i : {0, 1}) {
    const std::string number = std::to_string(i);
    const std::pair<int, std::string> names[] = {
        {kWidth, "directory " + number + ": width_px = "},
        {kLength, "directory " + number + ": height_px = "},
        {kTileWidth, "level " + number + ": TileWidth = "},
        {kTileLength, "level " + number + ": TileLength = "}};
    for (const auto& [tag, name] : names) {
      for (const uint64_t side : {uint64_t{0}, uint64_t{1'000'001}, kMost32}) {
        table.Add(
            name + std::to_string(side),
            [&](Tiff& t) {
              t.PutType(i, tag, kLong);
              t.PutValue(i, tag, side);
            },
            "INVALID_ARGUMENT: " + name + std::to_string(side) +
                ": must be in [1, 1000000]");
      }
    }
  }
  struct One {
    int tag;
    uint64_t side;
    std::string tiles;
  };
  for (const One& one : {One{kWidth, 65'535, "8192"},
                         {kLength, 65'535, "12288"},
                         {kTileWidth, 1, "80"},
                         {kTileLength, 65'535, "3"}}) {
    table.Add(
        "an index of " + one.tiles + " tiles",
        [&](Tiff& t) { t.PutValue(0, one.tag, one.side); },
        Level(0) + "TileOffsets has 6 values: must be " + one.tiles);
  }
  return table.cases();
}

std::vector<MalformedSlide> WrongPixels() {
  Table table("TIFF", Plain());
  const auto unsupported = [](const std::string& what,
                              const std::string& allowed) {
    return "UNIMPLEMENTED: level 0: " + what + " is not supported: must be " +
           allowed;
  };
  const auto coding = [&](const std::string& number) {
    return unsupported(
        "Compression = " + number,
        "1 (none), 5 (LZW), 7 (JPEG), 8 (deflate) or 32773 (PackBits)");
  };
  const auto colour = [&](const std::string& number) {
    return unsupported("PhotometricInterpretation = " + number,
                       "0, 1 (grey), 2 (RGB) or 3 (palette)");
  };
  const auto planar = [&](const std::string& number) {
    return unsupported("PlanarConfiguration = " + number, "1 or 2");
  };
  const std::string samples =
      "INVALID_ARGUMENT: level 0: SamplesPerPixel = .*: must be in [1, 16]";
  struct One {
    int tag;
    uint64_t value;
    std::string error;
  };
  const One cases[] = {
      {kCompression, 0, coding("0")},
      {kCompression, 6, coding("6 (old-style JPEG)")},
      {kCompression, 34'712, coding("34712 (JPEG 2000)")},
      {kCompression, 65'535, coding("65535")},
      {kPhotometric, 5, colour("5 (CMYK)")},
      {kPhotometric, 9, colour("9 (ICC L*a*b*)")},
      {kPhotometric, 65'535, colour("65535")},
      {kSamples, 0, samples},
      {kSamples, 17, samples},
      {kSamples, 1,
       Level(0) + "SamplesPerPixel = 1: must be 3 and 0 ExtraSamples"},
      {kSamples, 2,
       Level(0) + "SamplesPerPixel = 2: must be 3 and 0 ExtraSamples"},
      {kSamples, 4, Level(0) + "BitsPerSample has 3 values: must be 4"},
      {kPlanar, 0, planar("0")},
      {kPlanar, 9, planar("9")},
      {kPlanar, 2, Level(0) + "TileOffsets has 6 values: must be 18"},
  };
  for (const One& one : cases) {
    table.Add(
        "tag " + std::to_string(one.tag) + " of " + std::to_string(one.value),
        [&](Tiff& t) { t.PutNumber(0, one.tag, 0, one.value); }, one.error);
  }
  table.Add(
      "bits that differ", [](Tiff& t) { t.PutNumber(0, kBits, 1, 4); },
      unsupported("BitsPerSample = 8, 4, 8", "the same for all samples"));
  return table.cases();
}

std::vector<MalformedSlide> WrongTiles() {
  Table table("TIFF", Plain());
  const auto tile = [](int64_t level, int64_t i, const std::string& what) {
    return "DATA_LOSS: level " + std::to_string(level) + ": tile " +
           std::to_string(i) + ": damaged TIFF: it has " + what;
  };
  const auto at = [](const std::string& byte) {
    return "768 bytes at byte " + byte;
  };
  const std::string end = ": the file has 6484";
  table.Add(
      "a tile at the end",
      [](Tiff& t) { t.PutNumber(0, kOffsets, 5, SizeOf(t)); },
      tile(0, 5, at("6484") + end));
  table.Add(
      "a tile far behind the end",
      [](Tiff& t) { t.PutNumber(0, kOffsets, 0, kMost32); },
      tile(0, 0, at("4294967295") + end));
  table.Add(
      "a tile over the end",
      [](Tiff& t) { t.PutNumber(1, kOffsets, 1, SizeOf(t) - 767); },
      tile(1, 1, at("5717") + end));
  table.Add(
      "a tile longer than the file",
      [](Tiff& t) { t.PutNumber(0, kCounts, 3, SizeOf(t)); },
      tile(0, 3, "6484 bytes at byte 2312" + end));
  table.Add(
      "a tile in the header", [](Tiff& t) { t.PutNumber(0, kOffsets, 2, 0); },
      tile(0, 2, at("0") + ": the header has 8"));
  table.Add(
      "a tile at the end of the header",
      [](Tiff& t) { t.PutNumber(1, kOffsets, 0, 7); },
      tile(1, 0, at("7") + ": the header has 8"));
  table.Add(
      "a tile inside of another",
      [](Tiff& t) { t.PutNumber(0, kOffsets, 1, 9); },
      tile(0, 1, at("9") + ": tile 0 has " + at("8")));
  table.Add(
      "a tile inside of a later one",
      [](Tiff& t) {
        t.PutNumber(0, kOffsets, 0, t.Number(0, kOffsets, 5) + 7);
      },
      tile(0, 0, at("3855") + ": tile 5 has " + at("3848")));
  table.Add(
      "a tile over the begin of the next",
      [](Tiff& t) { t.PutNumber(0, kCounts, 2, 769); },
      tile(0, 3, at("2312") + ": tile 2 has 769 bytes at byte 1544"));
  table.Add(
      "a tile of level 1 inside of another",
      [](Tiff& t) {
        t.PutNumber(1, kOffsets, 1, t.Number(1, kOffsets, 0) + 700);
      },
      tile(1, 1, at(".*") + ": tile 0 has " + at(".*")));
  for (const int64_t level : {0, 1}) {
    const int64_t tiles = level == 0 ? 6 : 2;
    table.Add(
        "no tile in level " + std::to_string(level),
        [&](Tiff& t) {
          for (int64_t i = 0; i < tiles; ++i) {
            t.PutNumber(level, kCounts, i, 0);
          }
        },
        Level(level) + "TileByteCounts = 0 for all " + std::to_string(tiles) +
            " tiles: must not be 0 for all");
  }
  return table.cases();
}

std::vector<MalformedSlide> WrongAperio() {
  Table table("SVS", EncodeTiff(AperioSources()));
  const auto tables = [](int64_t level, const std::string& what) {
    return "DATA_LOSS: level " + std::to_string(level) +
           ": JPEGTables: tables: damaged JPEG: " + what;
  };
  const auto count = [](const Tiff& t, int64_t directory) {
    return t.Get(t.EntryAt(directory, kJpegTables) + 4, 4);
  };
  const auto place = [](const Tiff& t, int64_t directory) {
    return t.Get(t.EntryAt(directory, kJpegTables) + 8, 4);
  };
  table.Add(
      "tables of zeros",
      [&](Tiff& t) {
        for (uint64_t i = 0; i < count(t, 0); ++i) {
          t.Put(static_cast<int64_t>(place(t, 0) + i), 0, 1);
        }
      },
      tables(0, "Not a JPEG file: starts with 0x00 0x00"));
  table.Add(
      "tables without their end",
      [&](Tiff& t) { t.PutCount(0, kJpegTables, count(t, 0) - 2); },
      tables(0, "Premature end of JPEG file"));
  table.Add(
      "tables that are cut", [](Tiff& t) { t.PutCount(2, kJpegTables, 100); },
      tables(1, "Premature end of JPEG file"));
  table.Add(
      "tables without their begin",
      [&](Tiff& t) { t.PutValue(3, kJpegTables, place(t, 3) + 2); },
      tables(2, "Not a JPEG file: starts with 0xff 0xdb"));
  table.Add(
      "tables of too many values",
      [&](Tiff& t) { t.Put(static_cast<int64_t>(place(t, 0)) + 4, 0, 2); },
      tables(0, "Bogus marker length"));
  table.Add(
      "tables over the end",
      [](Tiff& t) { t.PutValue(0, kJpegTables, SizeOf(t) - 5); },
      Level(0) +
          "JPEGTables has 574 values of type 7 at byte 16210: the file ends at "
          "byte 16215");
  table.Add(
      "tables of numbers", [](Tiff& t) { t.PutType(0, kJpegTables, 3); },
      Level(0) +
          "JPEGTables has values of type 3: must be BYTE, ASCII "
          "or UNDEFINED");
  table.Add(
      "no bytes of tables", [](Tiff& t) { t.PutCount(0, kJpegTables, 0); },
      Level(0) + "JPEGTables has 0 values: must have at least 1");
  table.Add(
      "too many bytes of tables",
      [](Tiff& t) {
        t.bytes.resize(t.bytes.size() + 70'000);
        t.PutValue(0, kJpegTables, SizeOf(t) - 70'000);
        t.PutCount(0, kJpegTables, 70'000);
      },
      "INVALID_ARGUMENT: level 0: JPEGTables bytes = 70000: must be in "
      "[0, 65536]");
  table.Add(
      "a chain without level 0", [](Tiff& t) { t.PutLink(0, At(t, 1)); },
      kFile + std::string("directory 0 of an Aperio slide has no tiles"));
  table.Add(
      "level 1 before level 0",
      [](Tiff& t) {
        const uint64_t level_0 = At(t, 0);
        const uint64_t level_1 = At(t, 2);
        t.PutLink(1, 0);
        t.PutLink(0, level_1);
        t.PutLink(1, level_0);
      },
      kFile + std::string("directory 0 of an Aperio slide has 50 x 35 "
                          "pixels: must be the largest, 100 x 70"));
  table.Add(
      "a description over the end",
      [](Tiff& t) { t.PutCount(0, kDescription, 100'000); },
      Level(0) +
          "ImageDescription has 100000 values of type 2 at byte 5974: the file "
          "ends at byte 16215");
  return table.cases();
}

std::vector<MalformedSlide> WrongSubDirectories() {
  Table table("TIFF with SubIFDs", WithSubDirectories());
  const auto needs = [](int i) {
    return "DATA_LOSS: SubIFD " + std::to_string(i) +
           ": damaged TIFF: a directory needs 2 bytes at byte .*: the file "
           "ends at byte .*";
  };
  const std::string again =
      Directory(0) + "SubIFDs = .*: another directory is at this byte";
  table.Add(
      "one behind the end",
      [](Tiff& t) { t.PutNumber(0, kSubIfds, 0, kMost32); }, needs(0));
  table.Add(
      "one over the end",
      [](Tiff& t) { t.PutNumber(0, kSubIfds, 1, SizeOf(t) - 1); }, needs(1));
  table.Add(
      "one in the header", [](Tiff& t) { t.PutNumber(0, kSubIfds, 1, 6); },
      "DATA_LOSS: SubIFD 1: damaged TIFF: a directory is at byte 6: the header "
      "has 8");
  table.Add(
      "one that is its own parent",
      [](Tiff& t) { t.PutNumber(0, kSubIfds, 1, At(t, 0)); }, again);
  table.Add(
      "one that stands twice",
      [](Tiff& t) { t.PutNumber(0, kSubIfds, 1, t.Number(0, kSubIfds, 0)); },
      again);
  table.Add(
      "of a wrong type", [](Tiff& t) { t.PutType(0, kSubIfds, 2); },
      Directory(0) +
          "SubIFDs has values of type 2: must be BYTE, SHORT, "
          "LONG or LONG8");
  table.Add(
      "none", [](Tiff& t) { t.PutCount(0, kSubIfds, 0); },
      Directory(0) + "SubIFDs has 0 values: must have at least 1");
  table.Add(
      "too many",
      [](Tiff& t) {
        t.bytes.resize(t.bytes.size() + 8000);
        t.PutValue(0, kSubIfds, SizeOf(t) - 8000);
        t.PutCount(0, kSubIfds, 2000);
      },
      Directory(0) + "SubIFDs has 2000 values: must have at most 1024");
  return table.cases();
}

std::vector<MalformedSlide> WrongBigTiffs() {
  Table table("BigTIFF", Plain(/*big_tiff=*/true));
  const std::string width = "directory 0: ";
  const auto tags = [](const std::string& count) {
    return kFile + ("tags of the directory at byte .* = " + count) +
           ": must be in [1, 4096]";
  };
  const auto needs = [](const std::string& at) {
    return kFile + ("a directory needs 8 bytes at byte " + at) +
           ": the file ends at byte 6708";
  };
  const std::string values =
      "INVALID_ARGUMENT: directory 0: values of tag 324 = .*: must be in [0, "
      "4000000]";
  table.Add(
      "offsets of 4 bytes", [](Tiff& t) { t.Put(4, 4, 2); },
      kFile + std::string("bytes of a BigTIFF offset = 4: must be 8"));
  table.Add(
      "a constant that is none", [](Tiff& t) { t.Put(6, 1, 2); },
      kFile + std::string("BigTIFF constant = 1: must be 0"));
  table.Add(
      "a negative link", [](Tiff& t) { t.PutLink(0, kMost64); }, needs("-1"));
  table.Add(
      "the lowest link", [](Tiff& t) { t.PutLink(1, uint64_t{1} << 63); },
      needs("-9223372036854775808"));
  table.Add(
      "2^32 tags", [](Tiff& t) { t.PutEntries(0, uint64_t{1} << 32); },
      tags("4294967296"));
  table.Add(
      "2^64 tags", [](Tiff& t) { t.PutEntries(1, kMost64); },
      tags("18446744073709551615"));
  table.Add(
      "a negative tile", [](Tiff& t) { t.PutNumber(0, kOffsets, 0, kMost64); },
      Level(0) + "TileOffsets has a value above 9223372036854775807");
  table.Add(
      "a tile at 2^62",
      [](Tiff& t) { t.PutNumber(0, kOffsets, 5, uint64_t{1} << 62); },
      "DATA_LOSS: level 0: tile 5: damaged TIFF: it has 768 bytes at byte "
      "4611686018427387904: the file has 6708");
  table.Add(
      "2^64 values", [](Tiff& t) { t.PutCount(0, kOffsets, kMost64); }, values);
  table.Add(
      "2^60 values",
      [](Tiff& t) { t.PutCount(0, kOffsets, uint64_t{1} << 60); }, values);
  constexpr uint64_t kLong8 = 16;
  constexpr uint64_t kSignedLong8 = 17;
  const auto of_width = [](uint64_t type, uint64_t value) {
    return [=](Tiff& t) {
      t.PutType(0, kWidth, type);
      t.PutValue(0, kWidth, value);
    };
  };
  table.Add("a width of 2^40", of_width(kLong8, uint64_t{1} << 40),
            "INVALID_ARGUMENT: directory 0: width_px = 1099511627776: must be "
            "in [1, 1000000]");
  table.Add("a width of 2^64", of_width(kLong8, kMost64),
            Directory(0) + "ImageWidth has a value above 9223372036854775807");
  table.Add("a negative width", of_width(kSignedLong8, kMost64),
            Directory(0) +
                "ImageWidth has values of type 17: must be BYTE, "
                "SHORT, LONG or LONG8");
  return table.cases();
}

std::vector<MalformedSlide> WrongHeaders() {
  Table table("TIFF", Plain());
  const std::string unknown =
      "UNIMPLEMENTED: content is not recognised: must be JPEG, PNG or TIFF";
  const auto no_header = [](const std::string& size) {
    return kFile + ("the header needs 4 bytes at byte 4: the file ends at "
                    "byte " +
                    size);
  };
  const auto cut = [](size_t size) {
    return [=](Tiff& t) { t.bytes.resize(size); };
  };
  table.Add(
      "no byte order", [](Tiff& t) { t.Put(0, 0x4A49, 2); }, unknown);
  table.Add(
      "magic 44", [](Tiff& t) { t.Put(2, 44, 2); }, unknown);
  table.Add(
      "magic 0", [](Tiff& t) { t.Put(2, 0, 2); }, unknown);
  table.Add(
      "the other byte order",
      [](Tiff& t) {
        t.Put(0, 0x4D4D, 2);
        t.Put(2, 0x2A00, 2);
      },
      kFile + std::string("a directory needs 2 bytes at byte .*: the "
                          "file ends at byte 6484"));
  table.Add(
      "a classic one said to be big", [](Tiff& t) { t.Put(2, 43, 2); },
      kFile + std::string("bytes of a BigTIFF offset = .*: must be 8"));
  table.Add("cut at 0", cut(0), "DATA_LOSS: the file is empty");
  table.Add("cut at 3", cut(3), unknown);
  table.Add("cut at 4", cut(4), no_header("4"));
  table.Add("cut at 7", cut(7), no_header("7"));
  table.Add("cut at 8", cut(8),
            kFile + std::string("a directory needs 2 bytes at byte .*: the "
                                "file ends at byte 8"));
  table.Add("cut at 5000", cut(5000),
            kFile + std::string("a directory needs 2 bytes at byte .*: the "
                                "file ends at byte 5000"));
  table.Add(
      "cut at the end", [](Tiff& t) { t.bytes.resize(t.bytes.size() - 1); },
      Level(1) +
          "TileOffsets has 2 values of type 4 at byte 6476: the file ends at "
          "byte 6483");
  return table.cases();
}

}  // namespace

std::vector<MalformedSlide> MalformedTiffs() {
  std::vector<MalformedSlide> all;
  for (const auto& some :
       {Chains(), MissingTags(), WrongTypes(), WrongCounts(), WrongSides(),
        WrongPixels(), WrongTiles(), WrongAperio(), WrongSubDirectories(),
        WrongBigTiffs(), WrongHeaders()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace cyto8
