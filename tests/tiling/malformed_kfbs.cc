// SPDX-License-Identifier: Apache-2.0
// KFB slides with one wrong number each; see malformed_slides.h.
#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/kfb_file.h"
#include "tests/tiling/malformed_slides.h"

namespace cyto8 {
namespace {

// 520 x 300 px: 3 x 2, 2 x 1 and 1 tiles; a header of 128 bytes, 9 bytes of
// JPEGs, the index from 137 to the end, 713.
Bytes Small() { return EncodeKfb(KfbWithoutPictures(520, 300)); }

uint64_t F32(float value) { return std::bit_cast<uint32_t>(value); }

constexpr uint64_t kMinus1 = ~uint64_t{0};
constexpr uint64_t kMost32 = 0x7FFFFFFF;
constexpr uint64_t kMost64 = ~uint64_t{0} >> 1;

struct Lie {
  int64_t at;  // in the header, or in record 4.
  int size;
  uint64_t value;
  std::string error;
};

std::string NameOf(const std::string& part, const Lie& lie) {
  return "KFB, " + part + " at " + std::to_string(lie.at) + ": " +
         std::to_string(lie.value);
}

std::vector<MalformedSlide> HeadersThatLie() {
  const Lie lies[] = {
      {0x00, 4, 0,
       "UNIMPLEMENTED: content is not recognised: must be JPEG, PNG or TIFF"},
      {0x00, 4, kMinus1,
       "UNIMPLEMENTED: content is not recognised: must be JPEG, PNG or TIFF"},
      {0x04, 4, 0,
       "UNIMPLEMENTED: content is not recognised: must be JPEG, PNG or TIFF"},
      {0x04, 3, kMinus1,
       "UNIMPLEMENTED: content is not recognised: must be JPEG, PNG or TIFF"},
      {0x07, 1, 'X', "UNIMPLEMENTED: KFB kind = 88: must be 0, bright field"},
      {0x07, 1, 0xFF, "UNIMPLEMENTED: KFB kind = 255: must be 0, bright field"},
      {0x08, 4, 1, "UNIMPLEMENTED: KFB version = 1: must be 0"},
      {0x08, 4, kMinus1, "UNIMPLEMENTED: KFB version = 4294967295: must be 0"},
      {0x08, 4, kMost32, "UNIMPLEMENTED: KFB version = 2147483647: must be 0"},
      {0x10, 4, 0,
       "INVALID_ARGUMENT: tile records = 0: must be in [1, 2000000]"},
      {0x10, 4, kMinus1,
       "INVALID_ARGUMENT: tile records = -1: must be in [1, 2000000]"},
      {0x10, 4, kMost32,
       "INVALID_ARGUMENT: tile records = 2147483647: must be in [1, 2000000]"},
      {0x10, 4, 2'000'001,
       "INVALID_ARGUMENT: tile records = 2000001: must be in [1, 2000000]"},
      {0x10, 4, 2'000'000,
       "DATA_LOSS: damaged KFB: bytes of the tile index = 128000000: must be "
       "in [1, 613]"},
      {0x10, 4, 10,
       "DATA_LOSS: damaged KFB: bytes of the tile index = 640: must be in [1, "
       "613]"},
      {0x14, 4, 0, "INVALID_ARGUMENT: height_px = 0: must be in [1, 200000]"},
      {0x14, 4, kMinus1,
       "INVALID_ARGUMENT: height_px = -1: must be in [1, 200000]"},
      {0x14, 4, kMost32,
       "INVALID_ARGUMENT: height_px = 2147483647: must be in [1, 200000]"},
      {0x14, 4, 200'001,
       "INVALID_ARGUMENT: height_px = 200001: must be in [1, 200000]"},
      {0x18, 4, 0, "INVALID_ARGUMENT: width_px = 0: must be in [1, 200000]"},
      {0x18, 4, kMinus1,
       "INVALID_ARGUMENT: width_px = -1: must be in [1, 200000]"},
      {0x18, 4, kMost32,
       "INVALID_ARGUMENT: width_px = 2147483647: must be in [1, 200000]"},
      {0x18, 4, 0x80000000,
       "INVALID_ARGUMENT: width_px = -2147483648: must be in [1, 200000]"},
      {0x1C, 4, 0,
       "DATA_LOSS: damaged KFB: scan magnification = 0: must be in [1, 100]"},
      {0x1C, 4, kMinus1,
       "DATA_LOSS: damaged KFB: scan magnification = -1: must be in [1, 100]"},
      {0x1C, 4, kMost32,
       "DATA_LOSS: damaged KFB: scan magnification = 2147483647: must be in "
       "[1, 100]"},
      {0x1C, 4, 101,
       "DATA_LOSS: damaged KFB: scan magnification = 101: must be in [1, 100]"},
      {0x1C, 4, 10,
       "DATA_LOSS: tile record 0: damaged KFB: magnification = 20: must be "
       "above 0 and at most 10"},
      {0x20, 8, 0, "UNIMPLEMENTED: KFB codec = \"\": must be JPEG"},
      {0x20, 8, kMinus1,
       "UNIMPLEMENTED: KFB codec = \"????????\": must be JPEG"},
      {0x20, 4, 0x32504A6D,
       "UNIMPLEMENTED: KFB codec = \"mJP2\": must be JPEG"},
      {0x20, 8, 0x4142434445464748,
       "UNIMPLEMENTED: KFB codec = \"HGFEDCBA\": must be JPEG"},
      {0x44, 8, 0,
       "DATA_LOSS: damaged KFB: position of the tile index = 0: must be in "
       "[100, 137]"},
      {0x44, 8, 99,
       "DATA_LOSS: damaged KFB: position of the tile index = 99: must be in "
       "[100, 137]"},
      {0x44, 8, kMinus1,
       "DATA_LOSS: damaged KFB: position of the tile index = -1: must be in "
       "[100, 137]"},
      {0x44, 8, kMost64,
       "DATA_LOSS: damaged KFB: position of the tile index = "
       "9223372036854775807: must be in [100, 137]"},
      {0x44, 8, 138,
       "DATA_LOSS: damaged KFB: position of the tile index = 138: must be in "
       "[100, 137]"},
      {0x44, 8, 136,
       "DATA_LOSS: tile record 0: damaged KFB: does not begin with F1 04 EE "
       "EE"},
      {0x58, 4, 0, "UNIMPLEMENTED: KFB tile side = 0: must be 256"},
      {0x58, 4, kMinus1, "UNIMPLEMENTED: KFB tile side = -1: must be 256"},
      {0x58, 4, 512, "UNIMPLEMENTED: KFB tile side = 512: must be 256"},
      {0x58, 4, 255, "UNIMPLEMENTED: KFB tile side = 255: must be 256"},
      {0x5C, 4, 0,
       "DATA_LOSS: damaged KFB: the header does not end with FF 01 EE EE at "
       "byte 92"},
      {0x5C, 4, 0xEEEE01FE,
       "DATA_LOSS: damaged KFB: the header does not end with FF 01 EE EE at "
       "byte 92"},
      {0x60, 4, kMinus1,
       "DATA_LOSS: damaged KFB: tagged fields = 4294967295: must be in [0, "
       "64]"},
      {0x60, 4, 65,
       "DATA_LOSS: damaged KFB: tagged fields = 65: must be in [0, 64]"},
      {0x60, 4, 64,
       "DATA_LOSS: damaged KFB: length of tagged field 4 = 4278190080: must be "
       "in [0, 256]"},
      {0x68, 4, 257,
       "DATA_LOSS: damaged KFB: length of tagged field 0 = 257: must be in [0, "
       "256]"},
      {0x68, 4, kMinus1,
       "DATA_LOSS: damaged KFB: length of tagged field 0 = 4294967295: must be "
       "in [0, 256]"},
      {0x68, 4, 256,
       "DATA_LOSS: damaged KFB: length of tagged field 1 = 4294967295: must be "
       "in [0, 256]"},
      {0x78, 4, 0x80000000,
       "DATA_LOSS: damaged KFB: length of tagged field 1 = 2147483648: must be "
       "in [0, 256]"},
  };
  std::vector<MalformedSlide> slides;
  for (const Lie& lie : lies) {
    Bytes bytes = Small();
    PutNumber(bytes, lie.at, lie.value, lie.size);
    slides.push_back({NameOf("header", lie), bytes, lie.error});
  }
  return slides;
}

std::vector<MalformedSlide> RecordsThatLie() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Lie lies[] = {
      {0, 4, 0, "does not begin with F1 04 EE EE"},
      {0, 4, 0xEEEE04F0, "does not begin with F1 04 EE EE"},
      {3, 1, 0, "does not begin with F1 04 EE EE"},
      {4, 4, 1, "x = 1: must be a multiple of 256"},
      {4, 4, 255, "x = 255: must be a multiple of 256"},
      {4, 4, 257, "x = 257: must be a multiple of 256"},
      {8, 4, 255, "y = 255: must be a multiple of 256"},
      {8, 4, 299, "y = 299: must be a multiple of 256"},
      {12, 4, 0, "width_px = 0: must be in [1, 256]"},
      {12, 4, 257, "width_px = 257: must be in [1, 256]"},
      {12, 4, kMinus1, "width_px = 4294967295: must be in [1, 256]"},
      {12, 4, kMost32, "width_px = 2147483647: must be in [1, 256]"},
      {16, 4, 0, "height_px = 0: must be in [1, 256]"},
      {16, 4, 257, "height_px = 257: must be in [1, 256]"},
      {16, 4, kMinus1, "height_px = 4294967295: must be in [1, 256]"},
      {20, 4, 0, "magnification = 0: must be above 0 and at most 20"},
      {20, 4, F32(-20), "magnification = -20: must be above 0 and at most 20"},
      {20, 4, F32(nan), "magnification = nan: must be above 0 and at most 20"},
      {20, 4, F32(infinity),
       "magnification = inf: must be above 0 and at most 20"},
      {20, 4, F32(-infinity),
       "magnification = -inf: must be above 0 and at most 20"},
      {20, 4, F32(40), "magnification = 40: must be above 0 and at most 20"},
      {20, 4, F32(28.3F),
       "magnification = 28.299999237060547: must be above 0 and at most 20"},
      {60, 4, 0, "does not end with FF 04 EE EE"},
      {60, 4, 0xEEEE04F1, "does not end with FF 04 EE EE"},
  };
  std::vector<MalformedSlide> slides;
  for (const Lie& lie : lies) {
    Bytes bytes = Small();
    PutNumber(bytes, KfbRecordAt(bytes, 4) + lie.at, lie.value, lie.size);
    slides.push_back({NameOf("record", lie), bytes,
                      "DATA_LOSS: tile record 4: damaged KFB: " + lie.error});
  }
  return slides;
}

std::vector<MalformedSlide> IndexesThatLie() {
  const std::string twins = "DATA_LOSS: damaged KFB: two tile records for ";
  std::vector<MalformedSlide> slides;
  KfbSource source = KfbWithoutPictures(520, 300);
  source.tiles.push_back(source.tiles[7]);
  slides.push_back({"KFB, a tile that stands twice", EncodeKfb(source),
                    twins + "level 1, column 1, row 0"});
  Bytes bytes = Small();
  PutNumber(bytes, KfbRecordAt(bytes, 4) + 4, 0, 4);
  slides.push_back({"KFB, a tile in the place of another", bytes,
                    twins + "level 0, column 0, row 1"});
  source = KfbWithoutPictures(520, 300);
  source.tiles.erase(source.tiles.begin(), source.tiles.begin() + 6);
  slides.push_back({"KFB, no tile of level 0", EncodeKfb(source),
                    "DATA_LOSS: damaged KFB: level 0 has no tile"});
  bytes = Small();
  for (int64_t i = 0; i < 9; ++i) {
    PutNumber(bytes, KfbRecordAt(bytes, i) + 32, 0, 4);
  }
  slides.push_back({"KFB, no tile at all", bytes,
                    "DATA_LOSS: damaged KFB: level 0 has no tile"});
  return slides;
}

// The chain of fields runs through the index, where no reader looks at a few
// bytes of each record, to the end.
std::vector<MalformedSlide> FieldsThatLie() {
  std::vector<MalformedSlide> slides;
  Bytes bytes = Small();
  PutNumber(bytes, 0x60, 4, 4);
  PutNumber(bytes, 0x68, 73, 4);  // the next one in record 0,
  PutNumber(bytes, 185, 256, 4);  // in record 4,
  PutNumber(bytes, 449, 256, 4);  // and 4 bytes before the end.
  slides.push_back({"KFB, a field over the end", bytes,
                    "DATA_LOSS: damaged KFB: tagged field 3 at byte 709 needs "
                    "8 bytes: the file ends at byte 713"});
  bytes = Small();
  PutNumber(bytes, 0x60, 4, 4);
  PutNumber(bytes, 0x68, 137, 4);  // in record 1,
  PutNumber(bytes, 249, 248, 4);   // and in record 5.
  PutNumber(bytes, 505, 256, 4);
  slides.push_back({"KFB, the value of a field over the end", bytes,
                    "DATA_LOSS: damaged KFB: tagged field 2 at byte 509 needs "
                    "256 bytes: the file ends at byte 713"});
  return slides;
}

}  // namespace

std::vector<MalformedSlide> MalformedKfbs() {
  std::vector<MalformedSlide> all;
  for (const auto& some : {HeadersThatLie(), RecordsThatLie(), IndexesThatLie(),
                           FieldsThatLie()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace cyto8
