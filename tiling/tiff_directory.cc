// SPDX-License-Identifier: Apache-2.0
// Tags and their values; see tiff_directory.h. The layout is that of "TIFF
// Revision 6.0" (Adobe, 1992), section 2, and of the BigTIFF proposal.
#include "tiling/tiff_directory.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxEntries = 4096;
constexpr int64_t kMaxPages = 65'535;
constexpr int64_t kClassicMagic = 42;
constexpr int64_t kBigMagic = 43;

// Types of values, by their numbers in the file.
constexpr int kByte = 1;
constexpr int kAscii = 2;
constexpr int kShort = 3;
constexpr int kLong = 4;
constexpr int kRational = 5;
constexpr int kUndefined = 7;
constexpr int kIfd = 13;
constexpr int kLong8 = 16;
constexpr int kIfd8 = 18;

// Of an unsigned whole number; 0 for any other type.
int64_t NumberBytes(int type) {
  switch (type) {
    case kByte:
      return 1;
    case kShort:
      return 2;
    case kLong:
    case kIfd:
      return 4;
    case kLong8:
    case kIfd8:
      return 8;
    default:
      return 0;
  }
}

int64_t ValueBytes(int type) {
  if (type == kAscii || type == kUndefined) return 1;
  return type == kRational ? 8 : NumberBytes(type);
}

Status Damaged(const std::string& what) {
  return DataLoss("damaged TIFF: " + what);
}

Status WrongType(const TiffTag& tag, int type) {
  return Damaged(std::string(tag.name) + " has values of type " +
                 std::to_string(type));
}

Status WrongCount(const TiffTag& tag, uint64_t count, int64_t wanted) {
  return Damaged(std::string(tag.name) + " has " + std::to_string(count) +
                 " values: must be " + std::to_string(wanted));
}

}  // namespace

StatusOr<TiffDirectory> TiffDirectory::Read(ByteSource& bytes) {
  TiffDirectory directory(bytes);
  CYTO8_ASSIGN_OR_RETURN(const int64_t first, directory.ReadHeader());
  CYTO8_ASSIGN_OR_RETURN(const Extent extent, directory.Locate(first));
  CYTO8_RETURN_IF_ERROR(directory.ReadEntries(extent));
  CYTO8_RETURN_IF_ERROR(directory.CountPages(first, extent));
  return directory;
}

// The offset of the first directory.
StatusOr<int64_t> TiffDirectory::ReadHeader() {
  CYTO8_ASSIGN_OR_RETURN(const uint64_t order, Get(0, 1));
  big_endian_ = order == 'M';
  CYTO8_ASSIGN_OR_RETURN(const uint64_t magic, Get(2, 2));
  if (magic == kClassicMagic) return GetOffset(4);
  if (magic != kBigMagic) {
    return Damaged("version = " + std::to_string(magic) + ": must be 42 or 43");
  }
  big_tiff_ = true;
  CYTO8_ASSIGN_OR_RETURN(const uint64_t offset_bytes, Get(4, 2));
  CYTO8_ASSIGN_OR_RETURN(const uint64_t zero, Get(6, 2));
  if (offset_bytes != 8 || zero != 0) {
    return Damaged("bytes of an offset = " + std::to_string(offset_bytes) +
                   ", " + std::to_string(zero) + ": must be 8, 0");
  }
  return GetOffset(8);
}

StatusOr<TiffDirectory::Extent> TiffDirectory::Locate(int64_t directory) const {
  const int64_t count_bytes = big_tiff_ ? 8 : 2;
  const int64_t entry_bytes = big_tiff_ ? 20 : 12;
  CYTO8_ASSIGN_OR_RETURN(const uint64_t count, Get(directory, count_bytes));
  if (count < 1 || count > kMaxEntries) {
    return Damaged("entries of a directory = " + std::to_string(count) +
                   ": must be in [1, " + std::to_string(kMaxEntries) + "]");
  }
  const auto entries = static_cast<int64_t>(count);
  const int64_t entries_at = directory + count_bytes;
  const int64_t next_at = entries_at + entries * entry_bytes;
  if (next_at > bytes_->size_bytes() - OffsetBytes()) {
    return Damaged("the directory at byte " + std::to_string(directory) +
                   " has " + std::to_string(entries) +
                   " entries: the file has " +
                   std::to_string(bytes_->size_bytes()) + " bytes");
  }
  return Extent{
      .entries = entries, .entries_at = entries_at, .next_at = next_at};
}

Status TiffDirectory::ReadEntries(const Extent& extent) {
  const int64_t entry_bytes = big_tiff_ ? 20 : 12;
  for (int64_t i = 0; i < extent.entries; ++i) {
    const int64_t at = extent.entries_at + i * entry_bytes;
    CYTO8_ASSIGN_OR_RETURN(const uint64_t tag, Get(at, 2));
    CYTO8_ASSIGN_OR_RETURN(const uint64_t type, Get(at + 2, 2));
    CYTO8_ASSIGN_OR_RETURN(const uint64_t count, Get(at + 4, OffsetBytes()));
    const auto twin =
        std::ranges::find(entries_, static_cast<int>(tag), &Entry::tag);
    if (twin != entries_.end()) {
      return Damaged("tag " + std::to_string(tag) + " stands twice");
    }
    entries_.push_back({.tag = static_cast<int>(tag),
                        .type = static_cast<int>(type),
                        .count = count,
                        .value_at = at + 4 + OffsetBytes()});
  }
  return OkStatus();
}

// Walks the chain; a pyramid or a stack of pages has more than one.
Status TiffDirectory::CountPages(int64_t directory, Extent extent) {
  std::unordered_set<int64_t> seen = {directory};
  for (pages_ = 1; pages_ <= kMaxPages; ++pages_) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t next, GetOffset(extent.next_at));
    if (next == 0) return OkStatus();
    if (!seen.insert(next).second) {
      return Damaged("the directory at byte " + std::to_string(next) +
                     " follows itself");
    }
    CYTO8_ASSIGN_OR_RETURN(extent, Locate(next));
  }
  return Damaged("more than " + std::to_string(kMaxPages) + " directories");
}

StatusOr<uint64_t> TiffDirectory::Get(int64_t offset, int64_t size) const {
  std::array<std::byte, 8> value = {};
  const int64_t file_bytes = bytes_->size_bytes();
  if (offset > file_bytes - size) {
    return Damaged("ends at byte " + std::to_string(file_bytes) +
                   ", before the " + std::to_string(size) + " at " +
                   std::to_string(offset));
  }
  const std::span read = std::span(value).first(static_cast<size_t>(size));
  CYTO8_RETURN_IF_ERROR(bytes_->ReadAt(offset, read));
  if (!big_endian_) std::ranges::reverse(read);
  uint64_t number = 0;
  for (const std::byte byte : read) {
    number = number << 8 | std::to_integer<uint64_t>(byte);
  }
  return number;
}

StatusOr<int64_t> TiffDirectory::GetOffset(int64_t offset) const {
  CYTO8_ASSIGN_OR_RETURN(const uint64_t value, Get(offset, OffsetBytes()));
  if (value <= static_cast<uint64_t>(bytes_->size_bytes())) {
    return static_cast<int64_t>(value);
  }
  return Damaged("offset = " + std::to_string(value) + ": must be in [0, " +
                 std::to_string(bytes_->size_bytes()) + "]");
}

const TiffDirectory::Entry* TiffDirectory::Find(const TiffTag& tag) const {
  const auto found = std::ranges::find(entries_, tag.id, &Entry::tag);
  return found == entries_.end() ? nullptr : &*found;
}

StatusOr<const TiffDirectory::Entry*> TiffDirectory::Need(
    const TiffTag& tag) const {
  const Entry* entry = Find(tag);
  if (entry != nullptr) return entry;
  return Damaged(std::string(tag.name) + " is missing");
}

StatusOr<int64_t> TiffDirectory::ValuesAt(const TiffTag& tag,
                                          const Entry& entry) const {
  const int64_t value_bytes = ValueBytes(entry.type);
  if (value_bytes == 0) return WrongType(tag, entry.type);
  const int64_t file_bytes = bytes_->size_bytes();
  if (entry.count > static_cast<uint64_t>(file_bytes / value_bytes)) {
    return Damaged(std::string(tag.name) + " has " +
                   std::to_string(entry.count) + " values: the file has " +
                   std::to_string(file_bytes) + " bytes");
  }
  const int64_t size = static_cast<int64_t>(entry.count) * value_bytes;
  if (size <= OffsetBytes()) return entry.value_at;
  CYTO8_ASSIGN_OR_RETURN(const uint64_t at, Get(entry.value_at, OffsetBytes()));
  if (at <= static_cast<uint64_t>(file_bytes - size)) {
    return static_cast<int64_t>(at);
  }
  return Damaged(std::string(tag.name) + " has " + std::to_string(size) +
                 " bytes at byte " + std::to_string(at) + ": the file has " +
                 std::to_string(file_bytes));
}

int64_t TiffDirectory::Count(const TiffTag& tag) const {
  constexpr uint64_t kMost = uint64_t{1} << 62;
  const Entry* entry = Find(tag);
  return entry == nullptr ? 0
                          : static_cast<int64_t>(std::min(entry->count, kMost));
}

StatusOr<int64_t> TiffDirectory::Number(const TiffTag& tag) const {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, Need(tag));
  if (entry->count != 1) return WrongCount(tag, entry->count, 1);
  return NumberAt(tag, 0);
}

StatusOr<int64_t> TiffDirectory::NumberOr(const TiffTag& tag,
                                          int64_t missing) const {
  return Has(tag) ? Number(tag) : missing;
}

StatusOr<int64_t> TiffDirectory::NumberAt(const TiffTag& tag,
                                          int64_t index) const {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, Need(tag));
  const int64_t size = NumberBytes(entry->type);
  if (size == 0) return WrongType(tag, entry->type);
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, ValuesAt(tag, *entry));
  CYTO8_ENSURE(index >= 0 && index < static_cast<int64_t>(entry->count));
  CYTO8_ASSIGN_OR_RETURN(const uint64_t value, Get(at + index * size, size));
  if (value <= uint64_t{INT64_MAX}) return static_cast<int64_t>(value);
  return Damaged(std::string(tag.name) + " = " + std::to_string(value) +
                 ": must be in [0, " + std::to_string(INT64_MAX) + "]");
}

StatusOr<std::vector<int64_t>> TiffDirectory::Numbers(const TiffTag& tag,
                                                      int64_t count) const {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, Need(tag));
  if (entry->count != static_cast<uint64_t>(count)) {
    return WrongCount(tag, entry->count, count);
  }
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t number, NumberAt(tag, i));
    numbers.push_back(number);
  }
  return numbers;
}

StatusOr<std::vector<std::byte>> TiffDirectory::Bytes(const TiffTag& tag,
                                                      int64_t max_bytes) const {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, Need(tag));
  if (ValueBytes(entry->type) != 1) return WrongType(tag, entry->type);
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, ValuesAt(tag, *entry));
  CYTO8_RETURN_IF_ERROR(CheckRange(std::string(tag.name) + " bytes",
                                   static_cast<int64_t>(entry->count), 0,
                                   max_bytes));
  std::vector<std::byte> bytes(entry->count);
  CYTO8_RETURN_IF_ERROR(bytes_->ReadAt(at, bytes));
  return bytes;
}

StatusOr<std::optional<double>> TiffDirectory::Ratio(const TiffTag& tag) const {
  const Entry* entry = Find(tag);
  if (entry == nullptr || entry->type != kRational || entry->count != 1) {
    return std::optional<double>();
  }
  CYTO8_ASSIGN_OR_RETURN(const int64_t at, ValuesAt(tag, *entry));
  CYTO8_ASSIGN_OR_RETURN(const uint64_t above, Get(at, 4));
  CYTO8_ASSIGN_OR_RETURN(const uint64_t below, Get(at + 4, 4));
  if (below == 0) return std::optional<double>();
  return std::optional(static_cast<double>(above) / static_cast<double>(below));
}

}  // namespace cyto8
