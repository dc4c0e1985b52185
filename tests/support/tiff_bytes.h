// SPDX-License-Identifier: Apache-2.0
// Where the numbers of a TIFF stand, so that tests can make them lie. Test
// code: what is not there ends the program.
#pragma once

#include <cstdint>

#include "tests/support/image_encoding.h"

namespace cyto8 {

// A little-endian TIFF, classic or big.
class TiffBytes {
 public:
  explicit TiffBytes(Bytes whole);

  Bytes bytes;

  // `size` bytes of a number.
  uint64_t Get(int64_t at, int size) const;
  void Put(int64_t at, uint64_t value, int size);

  int64_t file_size() const;
  int offset_size() const { return big_ ? 8 : 4; }
  // Where the offset of a directory of the chain stands, and its value.
  int64_t LinkAt(int64_t directory) const;
  int64_t DirectoryAt(int64_t directory) const;
  void PutLink(int64_t directory, uint64_t offset);

  // Number of entries.
  uint64_t Entries(int64_t directory) const;
  void PutEntries(int64_t directory, uint64_t count);
  // Where the entry of a tag stands, and what it says.
  int64_t EntryAt(int64_t directory, int tag) const;
  void PutTag(int64_t directory, int tag, uint64_t other);
  void PutType(int64_t directory, int tag, uint64_t type);
  void PutCount(int64_t directory, int tag, uint64_t count);
  // The value, or where the values are.
  void PutValue(int64_t directory, int tag, uint64_t value);

  // Number i of SHORTs, LONGs or LONG8s.
  int64_t NumberAt(int64_t directory, int tag, int64_t i) const;
  uint64_t Number(int64_t directory, int tag, int64_t i = 0) const;
  void PutNumber(int64_t directory, int tag, int64_t i, uint64_t value);

 private:
  int NumberSize(int64_t entry) const;

  bool big_;
};

}  // namespace cyto8
