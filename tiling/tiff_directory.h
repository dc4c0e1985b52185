// SPDX-License-Identifier: Apache-2.0
// A directory of a TIFF: which tags there are and what they hold, and where the
// directories lie. Read by libtiff; knows nothing of pixels. Tested by
// tests/tiling/strict_tiff_test.cc and tiff_pyramid_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"
#include "tiling/tiff_handle.h"

namespace cyto8 {

// A tag of TIFF 6.0 or of its technical notes.
struct TiffTag {
  int id = 0;
  const char* name = "";
};

// Errors are kDataLoss, "damaged TIFF: ...", with the name of the tag or the
// words of libtiff. Immutable; holds all values.
class TiffDirectory {
 public:
  // The first one. kInvalidArgument for more than limits.max_decoder_bytes of
  // values or more than the file may have, or limits.max_tiles strips or tiles.
  static StatusOr<TiffDirectory> Read(ByteSource& bytes, const Limits& limits);
  // The one that begins at this byte; its pages() are 1.
  static StatusOr<TiffDirectory> ReadAt(ByteSource& bytes, int64_t offset,
                                        const Limits& limits);
  // Where the directories of the chain begin; in [1, kMaxChain] of them.
  static constexpr int64_t kMaxChain = 1024;
  static StatusOr<std::vector<int64_t>> Chain(ByteSource& bytes,
                                              const Limits& limits);

  bool big_endian() const { return big_endian_; }
  // Directories in the chain, the first one included.
  int64_t pages() const { return pages_; }

  // Also one that cannot be read: each of the following then says why.
  bool Has(const TiffTag& tag) const;

  // Unsigned whole numbers: BYTE, SHORT, LONG, IFD, LONG8 or IFD8.
  // The only value; of the one with a default the tag may be missing.
  StatusOr<int64_t> Number(const TiffTag& tag) const;
  StatusOr<int64_t> NumberOr(const TiffTag& tag, int64_t missing) const;
  // All, at least one; or exactly as many.
  StatusOr<std::vector<int64_t>> Numbers(const TiffTag& tag) const;
  StatusOr<std::vector<int64_t>> Numbers(const TiffTag& tag,
                                         int64_t count) const;

  // BYTE, ASCII or UNDEFINED; lives as long as the directory.
  StatusOr<std::span<const std::byte>> Bytes(const TiffTag& tag) const;

  // One RATIONAL; none if the tag is missing or of another type, 0 for 1/0.
  // Only for what does not bear on the pixels.
  StatusOr<std::optional<double>> Ratio(const TiffTag& tag) const;

 private:
  // What the file says of a tag.
  struct Entry {
    uint64_t tag = 0;
    uint64_t type = 0;
    uint64_t count = 0;
  };
  // As libtiff holds them, in the order of the machine.
  struct Values {
    TIFFDataType type = TIFF_NOTYPE;
    int64_t count = 0;
    const void* data = nullptr;
  };

  explicit TiffDirectory(std::unique_ptr<TiffHandle> handle);
  static StatusOr<TiffDirectory> Open(ByteSource& bytes, const Limits& limits);
  Status CountPages();
  Status Load(ByteSource& bytes, int64_t offset, const Limits& limits);
  StatusOr<int64_t> First(ByteSource& bytes) const;
  StatusOr<int64_t> Next(ByteSource& bytes, int64_t offset) const;
  Status ReadEntries(ByteSource& bytes, int64_t directory);
  Status CheckEntries(const Limits& limits) const;
  StatusOr<uint64_t> CountOf(ByteSource& bytes, int64_t directory) const;
  // An unsigned number of 2, 4 or 8 bytes of the file.
  StatusOr<uint64_t> Get(ByteSource& bytes, int64_t offset, int64_t size) const;
  StatusOr<int64_t> GetOffset(ByteSource& bytes, int64_t at) const;
  StatusOr<Values> Need(const TiffTag& tag) const;

  std::vector<Entry> entries_;  // by tag, no two for one.
  std::unique_ptr<TiffHandle> handle_;
  bool big_endian_;
  bool big_;  // offsets of 8 bytes.
  int64_t pages_ = 1;
};

}  // namespace cyto8
