// SPDX-License-Identifier: Apache-2.0
// An image file as RGB rows from top to bottom, in memory that does not grow
// with the height of the image. The format is told by the content, never by
// the name. Tested by tests/tiling/row_source_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "base/image_view.h"
#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/image_info.h"

namespace cyto8 {

// From the first bytes of a file. kDataLoss for no bytes at all;
// kUnimplemented for what is none of JPEG, PNG and TIFF, by name where the name
// is known. kSignatureBytes are enough.
inline constexpr int64_t kSignatureBytes = 132;
StatusOr<ImageFormat> RecogniseImage(std::span<const std::byte> bytes);

// The first kSignatureBytes of a source, fewer of a smaller one.
StatusOr<std::vector<std::byte>> ReadSignature(ByteSource& bytes);

// The rows of one image, once. Belongs to one thread at a time; different
// sources are independent. No exception but std::bad_alloc leaves it.
class RowSource {
 public:
  virtual ~RowSource() = default;

  virtual const ImageInfo& info() const = 0;

  // The next `count` rows to dst, dst_stride_bytes apart, 3 * width_px bytes
  // each; count is in [0, rows that are left]. Errors as of strict_jpeg.h,
  // strict_png.h and strict_tiff.h; after one, every call gives it again. The
  // call that delivers the last row has also checked all that comes after it
  // (end markers, checksums, coefficients that never came), so a damaged image
  // never ends without an error: until then rows are not to be trusted.
  virtual Status ReadRows(int64_t count, uint8_t* dst,
                          int64_t dst_stride_bytes) = 0;

  // An upper bound of what this source allocates from now to its end, known
  // from the header: O(width) in most cases; the coefficients of a progressive
  // JPEG, the pixels of an interlaced PNG, a row of tiles or an LZW strip of a
  // TIFF else. At most limits.max_decoder_bytes.
  virtual int64_t memory_bytes() const = 0;
};

// All rows as an image, which limits.max_image_pixels must allow.
StatusOr<Image> ReadAllRows(RowSource& rows, const Limits& limits);

// Opens a file, which stays open until the last row or the end of the source.
// `files` outlives the source. kInvalidArgument if it is no regular file or
// exceeds a limit, kDataLoss if damaged, kUnimplemented for what is none of
// JPEG, PNG and TIFF, or a kind of these that is not supported. Errors, also
// those of the rows, start with the path.
StatusOr<std::unique_ptr<RowSource>> OpenRows(FileSystem& files,
                                              const std::string& path,
                                              const Limits& limits);

// The same for a file that is open already.
StatusOr<std::unique_ptr<RowSource>> OpenRows(std::unique_ptr<InputFile> file,
                                              const std::string& path,
                                              const Limits& limits);

// The same for bytes in memory, which outlive the source.
StatusOr<std::unique_ptr<RowSource>> OpenRows(std::span<const std::byte> bytes,
                                              const Limits& limits);

// For those who make sources and slides. kInvalidArgument if a side is outside
// [1, limits.max_side_px] or the area above limits.max_slide_pixels.
Status CheckRowsSize(int64_t width_px, int64_t height_px, const Limits& limits);
// kInvalidArgument above limits.max_decoder_bytes.
Status CheckDecoderBytes(int64_t memory_bytes, const Limits& limits);
// The limits of an image whose pixels are held in memory all at once.
Limits AsOnePiece(const Limits& limits);
// The limits of an image read from top to bottom: what is held of it grows with
// its width, so its sides may have limits.max_row_side_px, those of a slide
// more. All OpenRows and ScaledRows (scaled_rows.h) hold to them.
Limits AsRows(const Limits& limits);

}  // namespace cyto8
