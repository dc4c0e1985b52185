// SPDX-License-Identifier: Apache-2.0
// KFB slides made in code, and ways to damage them. Test code.
#pragma once

#include <cstdint>
#include <vector>

#include "base/image_view.h"
#include "tests/support/image_encoding.h"

namespace cyto8 {

// A JPEG and what its record says of it.
struct KfbPicture {
  Bytes jpeg = {};
  int64_t width_px = 0;
  int64_t height_px = 0;
};

KfbPicture EncodeKfbPicture(const ImageView& image,
                            const JpegEncoding& encoding = {});

struct KfbTileSource {
  int64_t level = 0;
  int64_t column = 0;
  int64_t row = 0;
  KfbPicture picture = {};
};

struct KfbSource {
  int64_t width_px = 0;
  int64_t height_px = 0;
  int64_t magnification = 20;
  float um_per_px = 0.4841F;
  std::vector<KfbTileSource> tiles = {};  // records in this order.
  KfbPicture overview = {};
  KfbPicture label = {};
  KfbPicture thumbnail = {};
};

// A full pyramid in row-major order. The JPEGs are one byte each, or pictures:
// every level another test image, of which overrun_px more are in the last
// column and row, as far as a tile goes.
KfbSource KfbWithoutPictures(int64_t width_px, int64_t height_px);
KfbSource KfbWithPictures(int64_t width_px, int64_t height_px,
                          int64_t overrun_px = 0);

// Header, 2 tagged fields, overview, label, JPEGs of the tiles, index,
// thumbnail.
Bytes EncodeKfb(const KfbSource& source);

// `size` bytes at an offset, little-endian.
void PutNumber(Bytes& bytes, int64_t at, uint64_t value, int size);
uint64_t GetNumber(const Bytes& bytes, int64_t at, int size);

// Where the tile index and the records of a whole file are.
int64_t KfbIndexAt(const Bytes& bytes);
int64_t KfbRecordAt(const Bytes& bytes, int64_t record);

}  // namespace cyto8
