// SPDX-License-Identifier: Apache-2.0
// Tags and their values; see tiff_directory.h.
//
// libtiff reads a directory of an image (TIFFReadDirectory) with good will: it
// takes one value for three, cuts or pads lists of strips, fills in what is
// missing, looks into JPEG data, and does not tell how many values there were.
// So the directory is read as it reads one of EXIF, where tags of images mean
// nothing: each comes with the type and the count of the file, unmended, and
// tiff_layout.cc judges. What remains to be checked here, before libtiff reads:
// a tag that stands twice, which libtiff takes once, and an index of more
// strips or tiles than a limit allows.
#include "tiling/tiff_directory.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int64_t kMaxPages = 65'535;
constexpr uint64_t kMaxEntries = 4096;  // libtiff reads no more.

// Beside the values, which lie in the file: entries are read more than once.
constexpr int64_t kSlackBytes = int64_t{1} << 20;

// Offsets and byte counts, of strips and of tiles.
constexpr uint64_t kChunkTags[] = {273, 279, 324, 325};

Status Damaged(const std::string& what) {
  return DataLoss("damaged TIFF: " + what);
}

Status WrongType(const TiffTag& tag, TIFFDataType type, const char* allowed) {
  return Damaged(std::string(tag.name) + " has values of type " +
                 std::to_string(type) + ": must be " + allowed);
}

// Not CheckRange: the value may be above what is signed.
Status OutOf(const std::string& name, uint64_t value, int64_t low,
             int64_t high) {
  return Damaged(name + " = " + std::to_string(value) + ": must be in [" +
                 std::to_string(low) + ", " + std::to_string(high) + "]");
}

template <typename T>
std::vector<int64_t> Widened(const void* data, int64_t count) {
  const T* values = static_cast<const T*>(data);
  return std::vector<int64_t>(values, values + count);
}

}  // namespace

TiffDirectory::TiffDirectory(std::unique_ptr<TiffHandle> handle)
    : handle_(std::move(handle)),
      big_endian_(TIFFIsBigEndian(handle_->tiff()) != 0),
      big_(TIFFIsBigTIFF(handle_->tiff()) != 0) {}

StatusOr<TiffDirectory> TiffDirectory::Open(ByteSource& bytes,
                                            const Limits& limits) {
  const int64_t of_file = bytes.size_bytes() + kSlackBytes;
  CYTO8_ASSIGN_OR_RETURN(
      std::unique_ptr<TiffHandle> handle,
      TiffHandle::Open(bytes, std::min(limits.max_decoder_bytes, of_file)));
  return TiffDirectory(std::move(handle));
}

StatusOr<TiffDirectory> TiffDirectory::Read(ByteSource& bytes,
                                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(TiffDirectory directory, Open(bytes, limits));
  CYTO8_RETURN_IF_ERROR(directory.CountPages());
  CYTO8_ASSIGN_OR_RETURN(const int64_t first, directory.First(bytes));
  CYTO8_RETURN_IF_ERROR(directory.Load(bytes, first, limits));
  return directory;
}

StatusOr<TiffDirectory> TiffDirectory::ReadAt(ByteSource& bytes, int64_t offset,
                                              const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(TiffDirectory directory, Open(bytes, limits));
  CYTO8_RETURN_IF_ERROR(directory.Load(bytes, offset, limits));
  return directory;
}

StatusOr<std::vector<int64_t>> TiffDirectory::Chain(ByteSource& bytes,
                                                    const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const TiffDirectory directory, Open(bytes, limits));
  std::vector<int64_t> offsets;
  CYTO8_ASSIGN_OR_RETURN(int64_t at, directory.First(bytes));
  while (at != 0) {
    const auto found = std::ranges::find(offsets, at);
    if (found != offsets.end()) {
      return Damaged("directory " + std::to_string(offsets.size()) +
                     " is at byte " + std::to_string(at) +
                     ", as is directory " +
                     std::to_string(found - offsets.begin()) +
                     ": the chain must not be a loop");
    }
    offsets.push_back(at);
    if (std::ssize(offsets) > kMaxChain) break;
    CYTO8_ASSIGN_OR_RETURN(at, directory.Next(bytes, at));
  }
  const int64_t count = std::ssize(offsets);
  if (count >= 1 && count <= kMaxChain) return offsets;
  return OutOf("directories", static_cast<uint64_t>(count), 1, kMaxChain);
}

// Walks the chain; a pyramid or a stack of pages has more than one.
Status TiffDirectory::CountPages() {
  pages_ = TIFFNumberOfDirectories(handle_->tiff());
  CYTO8_RETURN_IF_ERROR(handle_->failure());
  if (pages_ >= 1 && pages_ <= kMaxPages) return OkStatus();
  return OutOf("directories", static_cast<uint64_t>(pages_), 1, kMaxPages);
}

Status TiffDirectory::Load(ByteSource& bytes, int64_t offset,
                           const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(ReadEntries(bytes, offset));
  CYTO8_RETURN_IF_ERROR(CheckEntries(limits));
  TIFF* tiff = handle_->tiff();
  TIFFCreateDirectory(tiff);  // in memory; sets up the access to tags.
  TIFFReadEXIFDirectory(tiff, static_cast<toff_t>(offset));
  return handle_->failure();
}

// It stands behind the magic, as the offsets are long.
StatusOr<int64_t> TiffDirectory::First(ByteSource& bytes) const {
  return GetOffset(bytes, big_ ? 8 : 4);
}

StatusOr<uint64_t> TiffDirectory::CountOf(ByteSource& bytes,
                                          int64_t directory) const {
  const int64_t header_bytes = big_ ? 16 : 8;
  if (directory >= 0 && directory < header_bytes) {
    return Damaged("a directory is at byte " + std::to_string(directory) +
                   ": the header has " + std::to_string(header_bytes));
  }
  CYTO8_ASSIGN_OR_RETURN(const uint64_t count,
                         Get(bytes, directory, big_ ? 8 : 2));
  if (count >= 1 && count <= kMaxEntries) return count;
  return OutOf("tags of the directory at byte " + std::to_string(directory),
               count, 1, kMaxEntries);
}

// Behind the entries of this one; 0 at the end.
StatusOr<int64_t> TiffDirectory::Next(ByteSource& bytes, int64_t offset) const {
  CYTO8_ASSIGN_OR_RETURN(const uint64_t count, CountOf(bytes, offset));
  return GetOffset(bytes, offset + (big_ ? 8 : 2) +
                              static_cast<int64_t>(count) * (big_ ? 20 : 12));
}

Status TiffDirectory::ReadEntries(ByteSource& bytes, int64_t directory) {
  CYTO8_ASSIGN_OR_RETURN(const uint64_t count, CountOf(bytes, directory));
  for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) {
    const int64_t at = directory + (big_ ? 8 + 20 * i : 2 + 12 * i);
    Entry entry;
    CYTO8_ASSIGN_OR_RETURN(entry.tag, Get(bytes, at, 2));
    CYTO8_ASSIGN_OR_RETURN(entry.type, Get(bytes, at + 2, 2));
    CYTO8_ASSIGN_OR_RETURN(entry.count, Get(bytes, at + 4, big_ ? 8 : 4));
    entries_.push_back(entry);
  }
  std::ranges::sort(entries_, {}, &Entry::tag);
  return OkStatus();
}

Status TiffDirectory::CheckEntries(const Limits& limits) const {
  const auto twin = std::ranges::adjacent_find(entries_, {}, &Entry::tag);
  if (twin != entries_.end()) {
    return Damaged("tag " + std::to_string(twin->tag) + " stands twice");
  }
  for (const Entry& entry : entries_) {
    if (std::ranges::find(kChunkTags, entry.tag) == std::end(kChunkTags)) {
      continue;
    }
    const uint64_t most = INT64_MAX;
    CYTO8_RETURN_IF_ERROR(
        CheckRange("values of tag " + std::to_string(entry.tag),
                   static_cast<int64_t>(std::min(entry.count, most)), 0,
                   limits.max_tiles));
  }
  return OkStatus();
}

StatusOr<uint64_t> TiffDirectory::Get(ByteSource& bytes, int64_t offset,
                                      int64_t size) const {
  std::array<std::byte, 8> value = {};
  const std::span read = std::span(value).first(static_cast<size_t>(size));
  if (offset < 0 || offset > bytes.size_bytes() - size) {
    return Damaged("a directory needs " + std::to_string(size) +
                   " bytes at byte " + std::to_string(offset) +
                   ": the file ends at byte " +
                   std::to_string(bytes.size_bytes()));
  }
  CYTO8_RETURN_IF_ERROR(bytes.ReadAt(offset, read));
  if (!big_endian_) std::ranges::reverse(read);
  uint64_t number = 0;
  for (const std::byte byte : read) {
    number = number << 8 | std::to_integer<uint64_t>(byte);
  }
  return number;
}

StatusOr<int64_t> TiffDirectory::GetOffset(ByteSource& bytes,
                                           int64_t at) const {
  CYTO8_ASSIGN_OR_RETURN(const uint64_t offset, Get(bytes, at, big_ ? 8 : 4));
  return static_cast<int64_t>(offset);  // negative: Get refuses it.
}

bool TiffDirectory::Has(const TiffTag& tag) const {
  const auto id = static_cast<uint32_t>(tag.id);
  uint32_t count = 0;
  const void* data = nullptr;
  return handle_->MessageOf(tag.id) != nullptr ||
         TIFFGetField(handle_->tiff(), id, &count, &data) != 0;
}

StatusOr<TiffDirectory::Values> TiffDirectory::Need(const TiffTag& tag) const {
  const std::string* message = handle_->MessageOf(tag.id);
  if (message != nullptr) {
    const auto id = static_cast<uint64_t>(tag.id);
    const auto entry = std::ranges::lower_bound(entries_, id, {}, &Entry::tag);
    if (entry == entries_.end() || entry->tag != id) return Damaged(*message);
    return Damaged(std::string(tag.name) + " has " +
                   std::to_string(entry->count) + " values of type " +
                   std::to_string(entry->type) + ": " + *message);
  }
  TIFF* tiff = handle_->tiff();
  const auto id = static_cast<uint32_t>(tag.id);
  uint32_t count = 0;
  const void* data = nullptr;
  if (TIFFGetField(tiff, id, &count, &data) == 0) {
    return Damaged(std::string(tag.name) + " is missing");
  }
  const TIFFField* field = TIFFFindField(tiff, id, TIFF_ANY);
  CYTO8_ENSURE(field != nullptr);
  return Values{.type = TIFFFieldDataType(field), .count = count, .data = data};
}

StatusOr<int64_t> TiffDirectory::Number(const TiffTag& tag) const {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers, Numbers(tag, 1));
  return numbers.front();
}

StatusOr<int64_t> TiffDirectory::NumberOr(const TiffTag& tag,
                                          int64_t missing) const {
  return Has(tag) ? Number(tag) : missing;
}

StatusOr<std::vector<int64_t>> TiffDirectory::Numbers(
    const TiffTag& tag) const {
  CYTO8_ASSIGN_OR_RETURN(const Values values, Need(tag));
  switch (values.type) {
    case TIFF_BYTE:
      return Widened<uint8_t>(values.data, values.count);
    case TIFF_SHORT:
      return Widened<uint16_t>(values.data, values.count);
    case TIFF_LONG:
      return Widened<uint32_t>(values.data, values.count);
    case TIFF_IFD:  // libtiff widens it.
    case TIFF_IFD8:
    case TIFF_LONG8:
      break;
    default:
      return WrongType(tag, values.type, "BYTE, SHORT, LONG or LONG8");
  }
  std::vector<int64_t> numbers = Widened<uint64_t>(values.data, values.count);
  if (std::ranges::min(numbers) >= 0) return numbers;
  return Damaged(std::string(tag.name) + " has a value above " +
                 std::to_string(INT64_MAX));
}

StatusOr<std::vector<int64_t>> TiffDirectory::Numbers(const TiffTag& tag,
                                                      int64_t count) const {
  CYTO8_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, Numbers(tag));
  if (static_cast<int64_t>(numbers.size()) == count) return numbers;
  return Damaged(std::string(tag.name) + " has " +
                 std::to_string(numbers.size()) + " values: must be " +
                 std::to_string(count));
}

StatusOr<std::span<const std::byte>> TiffDirectory::Bytes(
    const TiffTag& tag) const {
  CYTO8_ASSIGN_OR_RETURN(const Values values, Need(tag));
  const bool bytes = values.type == TIFF_BYTE || values.type == TIFF_ASCII ||
                     values.type == TIFF_UNDEFINED;
  if (!bytes) {
    return WrongType(tag, values.type, "BYTE, ASCII or UNDEFINED");
  }
  return std::span(static_cast<const std::byte*>(values.data),
                   static_cast<size_t>(values.count));
}

StatusOr<std::optional<double>> TiffDirectory::Ratio(const TiffTag& tag) const {
  if (!Has(tag)) return std::optional<double>();
  CYTO8_ASSIGN_OR_RETURN(const Values values, Need(tag));
  if (values.type != TIFF_RATIONAL || values.count != 1) {
    return std::optional<double>();
  }
  return std::optional<double>(*static_cast<const float*>(values.data));
}

}  // namespace cyto8
