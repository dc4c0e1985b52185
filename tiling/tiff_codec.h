// SPDX-License-Identifier: Apache-2.0
// The bytes of a strip or tile, uncompressed: none, PackBits, LZW and deflate.
// JPEG is in strict_jpeg.h. Tested by tests/tiling/tiff_codec_test.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/input_file.h"
#include "base/status.h"
#include "tiling/tiff_layout.h"

namespace cyto8 {

class TiffCodec {
 public:
  virtual ~TiffCodec() = default;

  // All of dst, the bytes that come next; kDataLoss if damaged or if there are
  // not so many.
  virtual Status Read(std::span<uint8_t> dst) = 0;

  // After the last byte that is wanted: the checksum where there is one. More
  // than the surplus is an error, except where nothing is compressed.
  virtual Status Finish() = 0;
};

// What a strip or tile holds, uncompressed.
struct TiffCodecSize {
  int64_t wanted_bytes = 0;
  int64_t surplus_bytes = 0;  // that may follow.
};

// What a codec holds at most for `packed_bytes` that become
// `unpacked_bytes`: PackBits and LZW hold both, the others are streams.
int64_t TiffCodecBytes(TiffCompression compression, int64_t packed_bytes,
                       int64_t unpacked_bytes);

// `bytes` outlives the result. Not for kJpeg.
StatusOr<std::unique_ptr<TiffCodec>> OpenTiffCodec(TiffCompression compression,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent,
                                                   const TiffCodecSize& size);

}  // namespace cyto8
