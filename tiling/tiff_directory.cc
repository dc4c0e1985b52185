// SPDX-License-Identifier: Apache-2.0
// Tags and their values; see tiff_directory.h.
//
// Not by libtiff: it reads a directory with good will (it cuts or pads
// lists of strips, fills in what is missing, looks into JPEG data, does not
// tell how many values there were), and where its list of fields cannot grow,
// for want of memory, version 4.5.0 reads through a null pointer. What stands
// here is TIFF 6.0, section 2, and the BigTIFF design of 2007; nothing is
// mended, tiff_layout.cc judges.
#include "tiling/tiff_directory.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <unordered_map>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxPages = 65'535;
constexpr int64_t kMaxEntries = 4096;

// Beside the values, which lie in the file: entries are read more than once.
constexpr int64_t kSlackBytes = int64_t{1} << 20;

// Offsets and byte counts, of strips and of tiles.
constexpr uint64_t kChunkTags[] = {273, 279, 324, 325};

// Types by their numbers in the file.
constexpr uint64_t kByte = 1;
constexpr uint64_t kAscii = 2;
constexpr uint64_t kShort = 3;
constexpr uint64_t kLong = 4;
constexpr uint64_t kRational = 5;
constexpr uint64_t kUndefined = 7;
constexpr uint64_t kIfd = 13;
constexpr uint64_t kLong8 = 16;
constexpr uint64_t kIfd8 = 18;

// Of one value; 0 for a type that is not known.
int64_t SizeOfType(uint64_t type) {
  constexpr int64_t kSizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                8, 4, 8, 4, 0, 0, 8, 8, 8};
  return type < std::size(kSizes) ? kSizes[type] : 0;
}

Status Damaged(const std::string& what) {
  return DataLoss("damaged TIFF: " + what);
}

// Not CheckRange: the value may be above what is signed.
Status OutOf(const std::string& name, uint64_t value, int64_t low,
             int64_t high) {
  return Damaged(name + " = " + std::to_string(value) + ": must be in [" +
                 std::to_string(low) + ", " + std::to_string(high) + "]");
}

Status NotIn(const std::string& name, uint64_t value, int64_t must) {
  return Damaged(name + " = " + std::to_string(value) + ": must be " +
                 std::to_string(must));
}

Status WrongType(const TiffTag& tag, uint64_t type, const char* allowed) {
  return Damaged(std::string(tag.name) + " has values of type " +
                 std::to_string(type) + ": must be " + allowed);
}

}  // namespace

StatusOr<TiffDirectory::Kind> TiffDirectory::ReadKind(ByteSource& bytes) {
  Kind kind;
  CYTO8_ASSIGN_OR_RETURN(const uint64_t order, Get(bytes, kind, 0, 2));
  kind.big_endian = order == 0x4D4D;
  CYTO8_ASSIGN_OR_RETURN(const uint64_t version, Get(bytes, kind, 2, 2));
  if ((order != 0x4949 && order != 0x4D4D) ||
      (version != 42 && version != 43)) {
    return Damaged("it does not begin with II or MM and 42 or 43");
  }
  kind.big = version == 43;
  if (!kind.big) return kind;
  CYTO8_ASSIGN_OR_RETURN(const uint64_t size, Get(bytes, kind, 4, 2));
  if (size != 8) return NotIn("bytes of a BigTIFF offset", size, 8);
  CYTO8_ASSIGN_OR_RETURN(const uint64_t zero, Get(bytes, kind, 6, 2));
  if (zero != 0) return NotIn("BigTIFF constant", zero, 0);
  return kind;
}

StatusOr<TiffDirectory> TiffDirectory::Read(ByteSource& bytes,
                                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const Kind kind, ReadKind(bytes));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> chain,
                         Walk(bytes, kind, kMaxPages));
  TiffDirectory directory(kind);
  CYTO8_RETURN_IF_ERROR(directory.Load(bytes, chain.front(), limits));
  directory.pages_ = std::ssize(chain);
  return directory;
}

StatusOr<TiffDirectory> TiffDirectory::ReadFirst(ByteSource& bytes,
                                                 const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const Kind kind, ReadKind(bytes));
  CYTO8_ASSIGN_OR_RETURN(
      const uint64_t at,
      Get(bytes, kind, kind.offset_bytes(), kind.offset_bytes()));
  TiffDirectory directory(kind);
  CYTO8_RETURN_IF_ERROR(
      directory.Load(bytes, static_cast<int64_t>(at), limits));
  return directory;
}

StatusOr<TiffDirectory> TiffDirectory::ReadAt(ByteSource& bytes, int64_t offset,
                                              const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const Kind kind, ReadKind(bytes));
  TiffDirectory directory(kind);
  CYTO8_RETURN_IF_ERROR(directory.Load(bytes, offset, limits));
  return directory;
}

StatusOr<std::vector<int64_t>> TiffDirectory::Chain(ByteSource& bytes) {
  CYTO8_ASSIGN_OR_RETURN(const Kind kind, ReadKind(bytes));
  return Walk(bytes, kind, kMaxChain);
}

// The first link stands behind the magic, as the offsets are long, the others
// behind the entries of a directory; 0 is the end.
StatusOr<std::vector<int64_t>> TiffDirectory::Walk(ByteSource& bytes,
                                                   const Kind& kind,
                                                   int64_t most) {
  std::vector<int64_t> offsets;
  std::unordered_map<int64_t, int64_t> numbers;
  int64_t link = kind.offset_bytes();
  while (std::ssize(offsets) <= most) {
    CYTO8_ASSIGN_OR_RETURN(const uint64_t value,
                           Get(bytes, kind, link, kind.offset_bytes()));
    const auto at = static_cast<int64_t>(value);  // negative: CountOf refuses.
    if (at == 0) break;
    const int64_t number = std::ssize(offsets);
    const auto [found, is_new] = numbers.try_emplace(at, number);
    if (!is_new) {
      return Damaged("directory " + std::to_string(number) + " is at byte " +
                     std::to_string(at) + ", as is directory " +
                     std::to_string(found->second) +
                     ": the chain must not be a loop");
    }
    CYTO8_ASSIGN_OR_RETURN(const int64_t count, CountOf(bytes, kind, at));
    offsets.push_back(at);
    link = at + kind.count_bytes() + count * kind.entry_bytes();
  }
  const int64_t count = std::ssize(offsets);
  if (count >= 1 && count <= most) return offsets;
  return OutOf("directories", static_cast<uint64_t>(count), 1, most);
}

StatusOr<int64_t> TiffDirectory::CountOf(ByteSource& bytes, const Kind& kind,
                                         int64_t directory) {
  if (directory >= 0 && directory < kind.header_bytes()) {
    return Damaged("a directory is at byte " + std::to_string(directory) +
                   ": the header has " + std::to_string(kind.header_bytes()));
  }
  CYTO8_ASSIGN_OR_RETURN(const uint64_t count,
                         Get(bytes, kind, directory, kind.count_bytes()));
  if (count >= 1 && count <= kMaxEntries) return static_cast<int64_t>(count);
  return OutOf("tags of the directory at byte " + std::to_string(directory),
               count, 1, kMaxEntries);
}

uint64_t TiffDirectory::Number(std::span<const std::byte> bytes,
                               const Kind& kind) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t at = kind.big_endian ? i : bytes.size() - 1 - i;
    number = number << 8 | std::to_integer<uint64_t>(bytes[at]);
  }
  return number;
}

StatusOr<uint64_t> TiffDirectory::Get(ByteSource& bytes, const Kind& kind,
                                      int64_t offset, int64_t size) {
  std::array<std::byte, 8> value = {};
  const std::span read = std::span(value).first(static_cast<size_t>(size));
  if (offset < 0 || offset > bytes.size_bytes() - size) {
    const bool header = offset >= 0 && offset < kind.header_bytes();
    return Damaged(
        (header ? "the header" : "a directory") + std::string(" needs ") +
        std::to_string(size) + " bytes at byte " + std::to_string(offset) +
        ": the file ends at byte " + std::to_string(bytes.size_bytes()));
  }
  CYTO8_RETURN_IF_ERROR(bytes.ReadAt(offset, read));
  return Number(read, kind);
}

Status TiffDirectory::Load(ByteSource& bytes, int64_t directory,
                           const Limits& limits) {
  file_bytes_ = bytes.size_bytes();
  CYTO8_ASSIGN_OR_RETURN(const int64_t count, CountOf(bytes, kind_, directory));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at =
        directory + kind_.count_bytes() + i * kind_.entry_bytes();
    const int64_t value = at + 4 + kind_.offset_bytes();
    Entry entry;
    CYTO8_ASSIGN_OR_RETURN(entry.tag, Get(bytes, kind_, at, 2));
    CYTO8_ASSIGN_OR_RETURN(entry.type, Get(bytes, kind_, at + 2, 2));
    CYTO8_ASSIGN_OR_RETURN(entry.count,
                           Get(bytes, kind_, at + 4, kind_.offset_bytes()));
    CYTO8_ASSIGN_OR_RETURN(entry.at,
                           Get(bytes, kind_, value, kind_.offset_bytes()));
    const auto size = static_cast<uint64_t>(SizeOfType(entry.type));
    const auto room = static_cast<uint64_t>(kind_.offset_bytes());
    if (size > 0 && entry.count <= room / size) {
      entry.at = static_cast<uint64_t>(value);
    }
    entries_.push_back(std::move(entry));
  }
  std::ranges::sort(entries_, {}, &Entry::tag);
  CYTO8_RETURN_IF_ERROR(CheckEntries(limits));
  return LoadValues(bytes, limits);
}

Status TiffDirectory::CheckEntries(const Limits& limits) const {
  const auto twin = std::ranges::adjacent_find(entries_, {}, &Entry::tag);
  if (twin != entries_.end()) {
    return Damaged("tag " + std::to_string(twin->tag) + " stands twice");
  }
  for (const Entry& entry : entries_) {
    const auto* chunk = std::ranges::find(kChunkTags, entry.tag);
    if (chunk == std::end(kChunkTags)) continue;
    const uint64_t most = INT64_MAX;
    CYTO8_RETURN_IF_ERROR(
        CheckRange("values of tag " + std::to_string(entry.tag),
                   static_cast<int64_t>(std::min(entry.count, most)), 0,
                   limits.max_tiles));
  }
  return OkStatus();
}

// Many tags may share their bytes, so a small file can ask for much memory.
Status TiffDirectory::LoadValues(ByteSource& bytes, const Limits& limits) {
  const auto file = static_cast<uint64_t>(file_bytes_);
  const int64_t most =
      std::min(limits.max_decoder_bytes, file_bytes_ + kSlackBytes);
  int64_t sum = 0;
  for (Entry& entry : entries_) {
    const auto size = static_cast<uint64_t>(SizeOfType(entry.type));
    entry.whole =
        size > 0 && entry.at <= file && entry.count <= (file - entry.at) / size;
    if (!entry.whole) continue;
    sum += static_cast<int64_t>(entry.count * size);
    CYTO8_RETURN_IF_ERROR(CheckRange("TIFF directory bytes", sum, 0, most));
    entry.values.resize(entry.count * size);
    CYTO8_RETURN_IF_ERROR(
        bytes.ReadAt(static_cast<int64_t>(entry.at), entry.values));
  }
  return OkStatus();
}

const TiffDirectory::Entry* TiffDirectory::Find(const TiffTag& tag) const {
  const auto id = static_cast<uint64_t>(tag.id);
  const auto found = std::ranges::lower_bound(entries_, id, {}, &Entry::tag);
  return found != entries_.end() && found->tag == id ? &*found : nullptr;
}

Status TiffDirectory::CheckWhole(const TiffTag& tag, const Entry& entry) const {
  const std::string values =
      std::string(tag.name) + " has " + std::to_string(entry.count) + " values";
  if (entry.count == 0) return Damaged(values + ": must have at least 1");
  if (entry.whole) return OkStatus();
  return Damaged(values + " of type " + std::to_string(entry.type) +
                 " at byte " + std::to_string(entry.at) +
                 ": the file ends at byte " + std::to_string(file_bytes_));
}

StatusOr<const TiffDirectory::Entry*> TiffDirectory::NeedNumbers(
    const TiffTag& tag) const {
  const Entry* entry = Find(tag);
  if (entry == nullptr) return Damaged(std::string(tag.name) + " is missing");
  switch (entry->type) {
    case kByte:
    case kShort:
    case kLong:
    case kIfd:
    case kLong8:
    case kIfd8:
      return entry;
    default:
      return WrongType(tag, entry->type, "BYTE, SHORT, LONG or LONG8");
  }
}

StatusOr<std::vector<int64_t>> TiffDirectory::NumbersOf(
    const TiffTag& tag, const Entry& entry) const {
  CYTO8_RETURN_IF_ERROR(CheckWhole(tag, entry));
  const auto size = static_cast<size_t>(SizeOfType(entry.type));
  std::vector<int64_t> numbers;
  numbers.reserve(entry.count);
  const std::span<const std::byte> values = entry.values;
  for (size_t i = 0; i < entry.count; ++i) {
    const uint64_t number = Number(values.subspan(i * size, size), kind_);
    if (number > static_cast<uint64_t>(INT64_MAX)) {
      return Damaged(std::string(tag.name) + " has a value above " +
                     std::to_string(INT64_MAX));
    }
    numbers.push_back(static_cast<int64_t>(number));
  }
  return numbers;
}

StatusOr<int64_t> TiffDirectory::Number(const TiffTag& tag) const {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, Numbers(tag, 1));
  return numbers.front();
}

StatusOr<int64_t> TiffDirectory::NumberOr(const TiffTag& tag,
                                          int64_t missing) const {
  return Has(tag) ? Number(tag) : missing;
}

StatusOr<std::vector<int64_t>> TiffDirectory::NumbersUpTo(const TiffTag& tag,
                                                          int64_t most) const {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, NeedNumbers(tag));
  CYTO8_RETURN_IF_ERROR(CheckWhole(tag, *entry));
  if (entry->count <= static_cast<uint64_t>(most)) {
    return NumbersOf(tag, *entry);
  }
  return Damaged(std::string(tag.name) + " has " +
                 std::to_string(entry->count) + " values: must have at most " +
                 std::to_string(most));
}

StatusOr<std::vector<int64_t>> TiffDirectory::Numbers(const TiffTag& tag,
                                                      int64_t count) const {
  CYTO8_ASSIGN_OR_RETURN(const Entry* entry, NeedNumbers(tag));
  if (entry->count == static_cast<uint64_t>(count)) {
    return NumbersOf(tag, *entry);
  }
  return Damaged(std::string(tag.name) + " has " +
                 std::to_string(entry->count) + " values: must be " +
                 std::to_string(count));
}

StatusOr<std::span<const std::byte>> TiffDirectory::Bytes(
    const TiffTag& tag) const {
  const Entry* entry = Find(tag);
  if (entry == nullptr) return Damaged(std::string(tag.name) + " is missing");
  const bool bytes = entry->type == kByte || entry->type == kAscii ||
                     entry->type == kUndefined;
  if (!bytes) return WrongType(tag, entry->type, "BYTE, ASCII or UNDEFINED");
  CYTO8_RETURN_IF_ERROR(CheckWhole(tag, *entry));
  return std::span<const std::byte>(entry->values);
}

StatusOr<std::optional<double>> TiffDirectory::Ratio(const TiffTag& tag) const {
  const Entry* entry = Find(tag);
  if (entry == nullptr || entry->type != kRational || entry->count != 1) {
    return std::optional<double>();
  }
  CYTO8_RETURN_IF_ERROR(CheckWhole(tag, *entry));
  const std::span<const std::byte> values = entry->values;
  const auto part = [&](size_t at) {
    return static_cast<double>(Number(values.subspan(at, 4), kind_));
  };
  return std::optional(part(4) > 0 ? part(0) / part(4) : 0);
}

}  // namespace cyto8
