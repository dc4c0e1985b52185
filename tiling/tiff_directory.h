// SPDX-License-Identifier: Apache-2.0
// The first directory of a TIFF: which tags there are and what they hold, and
// how many directories follow. Classic and BigTIFF, both byte orders; knows
// nothing of pixels. Written anew because libtiff mends what is damaged: see
// strict_tiff.h. Tested by tests/tiling/strict_tiff_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/input_file.h"
#include "base/status.h"

namespace cyto8 {

// A tag of TIFF 6.0 or of its technical notes.
struct TiffTag {
  int id = 0;
  const char* name = "";
};

// Errors are kDataLoss, "damaged TIFF: ..." with the name of the tag.
// Immutable; reads values from the source when asked.
class TiffDirectory {
 public:
  // `bytes` outlives the result.
  static StatusOr<TiffDirectory> Read(ByteSource& bytes);

  bool big_endian() const { return big_endian_; }
  // Directories in the file, this one included.
  int64_t pages() const { return pages_; }

  bool Has(const TiffTag& tag) const { return Find(tag) != nullptr; }
  // How many values the tag has; 0 without it.
  int64_t Count(const TiffTag& tag) const;

  // Unsigned whole numbers: BYTE, SHORT, LONG, IFD, LONG8 or IFD8.
  // The only value; of the one with a default the tag may be missing.
  StatusOr<int64_t> Number(const TiffTag& tag) const;
  StatusOr<int64_t> NumberOr(const TiffTag& tag, int64_t missing) const;
  // One of several, index in [0, Count(tag)).
  StatusOr<int64_t> NumberAt(const TiffTag& tag, int64_t index) const;
  // All; there must be as many.
  StatusOr<std::vector<int64_t>> Numbers(const TiffTag& tag,
                                         int64_t count) const;

  // BYTE, ASCII or UNDEFINED, at most max_bytes.
  StatusOr<std::vector<std::byte>> Bytes(const TiffTag& tag,
                                         int64_t max_bytes) const;

  // One RATIONAL; none if the tag is missing, of another type, or 1/0. Only
  // for what does not bear on the pixels.
  StatusOr<std::optional<double>> Ratio(const TiffTag& tag) const;

 private:
  struct Entry {
    int tag = 0;
    int type = 0;
    uint64_t count = 0;
    int64_t value_at = 0;  // of the values, or of the offset to them.
  };
  // Where the parts of a directory stand.
  struct Extent {
    int64_t entries = 0;
    int64_t entries_at = 0;
    int64_t next_at = 0;
  };

  explicit TiffDirectory(ByteSource& bytes) : bytes_(&bytes) {}
  StatusOr<int64_t> ReadHeader();
  StatusOr<Extent> Locate(int64_t directory) const;
  Status ReadEntries(const Extent& extent);
  Status CountPages(int64_t directory, Extent extent);

  int64_t OffsetBytes() const { return big_tiff_ ? 8 : 4; }
  // An unsigned number of 1, 2, 4 or 8 bytes of the file.
  StatusOr<uint64_t> Get(int64_t offset, int64_t size) const;
  StatusOr<int64_t> GetOffset(int64_t offset) const;

  const Entry* Find(const TiffTag& tag) const;
  StatusOr<const Entry*> Need(const TiffTag& tag) const;
  // Of all values, which lie inside the file.
  StatusOr<int64_t> ValuesAt(const TiffTag& tag, const Entry& entry) const;

  ByteSource* bytes_;
  bool big_endian_ = false;
  bool big_tiff_ = false;
  int64_t pages_ = 0;
  std::vector<Entry> entries_;
};

}  // namespace cyto8
