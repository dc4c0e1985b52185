// SPDX-License-Identifier: Apache-2.0
// libjpeg for one JPEG, made strict: every warning is an error, the
// end-of-image marker must be there, and every coefficient must have been sent.
// Knows nothing of files. strict_jpeg.h and jpeg_block.h stand on it. Tested by
// tests/tiling/strict_jpeg_test.cc and jpeg_block_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/status.h"

namespace cyto8 {

// What tells how components become colours.
enum class JpegColours {
  kMarked,  // its own markers, as in a file of its own.
  kGrey,    // the container, for instance a TIFF, whatever the markers say.
  kYcbcr,
  kRgb,
};

struct JpegState;  // of libjpeg; see the .cc.

// Where the bytes come from, in order and once.
class JpegInput {
 public:
  virtual ~JpegInput() = default;

  // The bytes that come next, which stay until the next call; empty at the end
  // or after a failure.
  virtual std::span<const std::byte> Next() = 0;
  virtual void Skip(int64_t bytes) = 0;
  virtual Status failure() const { return OkStatus(); }
};

// Errors are kDataLoss, "damaged JPEG: ..." with the words of libjpeg,
// kUnimplemented for a kind that is not supported, and those of the input.
// Belongs to one thread; after an error it is of no more use.
class JpegDecompressor {
 public:
  // `input` outlives it.
  explicit JpegDecompressor(JpegInput& input);
  JpegDecompressor(const JpegDecompressor&) = delete;
  JpegDecompressor& operator=(const JpegDecompressor&) = delete;
  ~JpegDecompressor();

  // First, and at most once: an abbreviated JPEG whose tables stay for the
  // image.
  Status ReadTables(std::span<const std::byte> tables);

  // Up to the first scan. Nothing of the size of the image is allocated before
  // Start, so that others can judge the size first.
  Status ReadHeader(JpegColours colours);
  int64_t width_px() const;
  int64_t height_px() const;
  bool progressive() const;
  // Held while rows are read, beside a few rows: of JPEGs of several scans.
  int64_t CoefficientBytes() const;

  // kUnimplemented for CMYK, arithmetic coding and unusual components,
  // kDataLoss if `size_bytes` cannot hold so many pixels.
  Status CheckHeader(int64_t size_bytes) const;

  // Decodes all of a JPEG of several scans. Sides divided by `reduction` (1, 2,
  // 4 or 8) and rounded up, by the scaled DCT of libjpeg.
  Status Start(int64_t reduction);
  // The next rows, as 8-bit RGB: slow-integer DCT and smooth chroma
  // up-sampling. `count` is at most those that are left; the last row is given
  // only if all that follows it is whole.
  Status ReadRows(int64_t count, uint8_t* dst, int64_t dst_stride_bytes);

 private:
  Status Run(void (*step)(JpegState&));
  Status StatusOfError() const;
  Status CheckSides() const;
  Status CheckKind() const;
  Status CheckPlausible(int64_t size_bytes) const;
  Status CheckComplete() const;
  int64_t Blocks() const;

  std::unique_ptr<JpegState> state_;
};

}  // namespace cyto8
