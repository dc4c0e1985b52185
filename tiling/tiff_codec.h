// SPDX-License-Identifier: Apache-2.0
// The bytes of a strip or tile, uncompressed as a stream: none, PackBits, LZW
// and deflate. Each needs memory that does not grow with the strip. JPEG is in
// strict_jpeg.h. Tested by tests/tiling/tiff_codec_test.cc.
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

  // After the last byte that is wanted: the end mark and the checksum where
  // there is one. More than `surplus` further bytes are an error, except where
  // nothing is compressed.
  virtual Status Finish(int64_t surplus) = 0;
};

// What a codec holds at most.
inline constexpr int64_t kTiffCodecBytes = int64_t{192} << 10;

// `bytes` outlives the result. Not for kJpeg.
StatusOr<std::unique_ptr<TiffCodec>> OpenTiffCodec(TiffCompression compression,
                                                   ByteSource& bytes,
                                                   const TiffExtent& extent);

}  // namespace cyto8
