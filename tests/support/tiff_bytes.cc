// SPDX-License-Identifier: Apache-2.0
// Numbers of a TIFF; see tiff_bytes.h.
#include "tests/support/tiff_bytes.h"

#include <cstdlib>
#include <utility>

#include "tests/support/kfb_file.h"  // GetNumber, PutNumber

namespace cyto8 {

TiffBytes::TiffBytes(Bytes whole) : bytes(std::move(whole)) {
  big_ = Get(2, 2) == 43;
  if (Get(0, 2) != 0x4949) std::abort();
}

uint64_t TiffBytes::Get(int64_t at, int size) const {
  return GetNumber(bytes, at, size);
}

void TiffBytes::Put(int64_t at, uint64_t value, int size) {
  cyto8::PutNumber(bytes, at, value, size);
}

int64_t TiffBytes::file_size() const {
  return static_cast<int64_t>(bytes.size());
}

int64_t TiffBytes::LinkAt(int64_t directory) const {
  int64_t link = big_ ? 8 : 4;
  for (int64_t i = 0; i < directory; ++i) {
    const auto at = static_cast<int64_t>(Get(link, offset_size()));
    const auto entries = static_cast<int64_t>(Get(at, big_ ? 8 : 2));
    link = at + (big_ ? 8 + 20 * entries : 2 + 12 * entries);
  }
  return link;
}

int64_t TiffBytes::DirectoryAt(int64_t directory) const {
  return static_cast<int64_t>(Get(LinkAt(directory), offset_size()));
}

void TiffBytes::PutLink(int64_t directory, uint64_t offset) {
  Put(LinkAt(directory), offset, offset_size());
}

uint64_t TiffBytes::Entries(int64_t directory) const {
  return Get(DirectoryAt(directory), big_ ? 8 : 2);
}

void TiffBytes::PutEntries(int64_t directory, uint64_t count) {
  Put(DirectoryAt(directory), count, big_ ? 8 : 2);
}

int64_t TiffBytes::EntryAt(int64_t directory, int tag) const {
  const auto entries = static_cast<int64_t>(Entries(directory));
  for (int64_t i = 0; i < entries; ++i) {
    const int64_t at =
        DirectoryAt(directory) + (big_ ? 8 + 20 * i : 2 + 12 * i);
    if (Get(at, 2) == static_cast<uint64_t>(tag)) return at;
  }
  std::abort();
}

void TiffBytes::PutTag(int64_t directory, int tag, uint64_t other) {
  Put(EntryAt(directory, tag), other, 2);
}

void TiffBytes::PutType(int64_t directory, int tag, uint64_t type) {
  Put(EntryAt(directory, tag) + 2, type, 2);
}

void TiffBytes::PutCount(int64_t directory, int tag, uint64_t count) {
  Put(EntryAt(directory, tag) + 4, count, offset_size());
}

void TiffBytes::PutValue(int64_t directory, int tag, uint64_t value) {
  Put(EntryAt(directory, tag) + 4 + offset_size(), value, offset_size());
}

int TiffBytes::NumberSize(int64_t entry) const {
  switch (Get(entry + 2, 2)) {
    case 3:
      return 2;
    case 4:
    case 13:
      return 4;
    case 16:
    case 18:
      return 8;
    default:
      std::abort();
  }
}

int64_t TiffBytes::NumberAt(int64_t directory, int tag, int64_t i) const {
  const int64_t entry = EntryAt(directory, tag);
  const int size = NumberSize(entry);
  const auto count = static_cast<int64_t>(Get(entry + 4, offset_size()));
  const int64_t value = entry + 4 + offset_size();
  const bool inside = count * size <= offset_size();
  const int64_t begin =
      inside ? value : static_cast<int64_t>(Get(value, offset_size()));
  return begin + i * size;
}

uint64_t TiffBytes::Number(int64_t directory, int tag, int64_t i) const {
  return Get(NumberAt(directory, tag, i), NumberSize(EntryAt(directory, tag)));
}

void TiffBytes::PutNumber(int64_t directory, int tag, int64_t i,
                          uint64_t value) {
  Put(NumberAt(directory, tag, i), value, NumberSize(EntryAt(directory, tag)));
}

}  // namespace cyto8
