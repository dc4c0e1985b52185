// SPDX-License-Identifier: Apache-2.0
// A directory of a TIFF: which tags there are and what they hold, and where the
// directories lie. Knows nothing of pixels. Tested by
// tests/tiling/strict_tiff_test.cc and tiff_pyramid_test.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/input_file.h"
#include "base/limits.h"
#include "base/status.h"

namespace cyto8 {

// A tag of TIFF 6.0 or of its technical notes.
struct TiffTag {
  int id = 0;
  const char* name = "";
};

// Errors are kDataLoss, "damaged TIFF: ...", with the name of the tag, what it
// holds and what it must. Immutable; holds all values.
class TiffDirectory {
 public:
  // The first one. kInvalidArgument for more than limits.max_decoder_bytes of
  // values or more than the file may have, or limits.max_tiles strips or tiles.
  static StatusOr<TiffDirectory> Read(ByteSource& bytes, const Limits& limits);
  // The same without a look at the others; its pages() are 1.
  static StatusOr<TiffDirectory> ReadFirst(ByteSource& bytes,
                                           const Limits& limits);
  // The one that begins at this byte; its pages() are 1.
  static StatusOr<TiffDirectory> ReadAt(ByteSource& bytes, int64_t offset,
                                        const Limits& limits);
  // Where the directories of the chain begin; in [1, kMaxChain] of them.
  static constexpr int64_t kMaxChain = 1024;
  static StatusOr<std::vector<int64_t>> Chain(ByteSource& bytes);

  bool big_endian() const { return kind_.big_endian; }
  // Directories in the chain, the first one included.
  int64_t pages() const { return pages_; }

  // Also one that cannot be read: each of the following then says why.
  bool Has(const TiffTag& tag) const { return Find(tag) != nullptr; }

  // Unsigned whole numbers: BYTE, SHORT, LONG, IFD, LONG8 or IFD8.
  // The only value; of the one with a default the tag may be missing.
  StatusOr<int64_t> Number(const TiffTag& tag) const;
  StatusOr<int64_t> NumberOr(const TiffTag& tag, int64_t missing) const;
  // All, at least one and at most as many; or exactly as many. A number takes 8
  // bytes where a BYTE of the file takes one: `most` is checked first.
  StatusOr<std::vector<int64_t>> NumbersUpTo(const TiffTag& tag,
                                             int64_t most) const;
  StatusOr<std::vector<int64_t>> Numbers(const TiffTag& tag,
                                         int64_t count) const;

  // BYTE, ASCII or UNDEFINED; lives as long as the directory.
  StatusOr<std::span<const std::byte>> Bytes(const TiffTag& tag) const;

  // One RATIONAL; none if the tag is missing or of another type, 0 for 1/0.
  // Only for what does not bear on the pixels.
  StatusOr<std::optional<double>> Ratio(const TiffTag& tag) const;

 private:
  // Of the file, as its header says.
  struct Kind {
    bool big_endian = false;
    bool big = false;  // BigTIFF: counts and offsets of 8 bytes.

    int64_t header_bytes() const { return big ? 16 : 8; }
    int64_t count_bytes() const { return big ? 8 : 2; }
    int64_t entry_bytes() const { return big ? 20 : 12; }
    int64_t offset_bytes() const { return big ? 8 : 4; }
  };
  struct Entry {
    uint64_t tag = 0;
    uint64_t type = 0;
    uint64_t count = 0;
    uint64_t at = 0;     // where the values are, if they are not in the entry.
    bool whole = false;  // they lie in the file and are of a known type.
    std::vector<std::byte> values = {};
  };

  explicit TiffDirectory(const Kind& kind) : kind_(kind) {}
  static StatusOr<Kind> ReadKind(ByteSource& bytes);
  static StatusOr<std::vector<int64_t>> Walk(ByteSource& bytes,
                                             const Kind& kind, int64_t most);
  static StatusOr<int64_t> CountOf(ByteSource& bytes, const Kind& kind,
                                   int64_t directory);
  static StatusOr<uint64_t> Get(ByteSource& bytes, const Kind& kind,
                                int64_t offset, int64_t size);
  static uint64_t Number(std::span<const std::byte> bytes, const Kind& kind);
  Status Load(ByteSource& bytes, int64_t directory, const Limits& limits);
  Status CheckEntries(const Limits& limits) const;
  Status LoadValues(ByteSource& bytes, const Limits& limits);
  const Entry* Find(const TiffTag& tag) const;
  Status CheckWhole(const TiffTag& tag, const Entry& entry) const;
  StatusOr<const Entry*> NeedNumbers(const TiffTag& tag) const;
  StatusOr<std::vector<int64_t>> NumbersOf(const TiffTag& tag,
                                           const Entry& entry) const;

  Kind kind_;
  int64_t file_bytes_ = 0;
  int64_t pages_ = 1;
  std::vector<Entry> entries_;  // by tag, no two for one.
};

}  // namespace cyto8
