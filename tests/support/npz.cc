// SPDX-License-Identifier: Apache-2.0
// The central directory at the end of a zip archive lists its members.
#include "tests/support/npz.h"

#include <zlib.h>

#include <cstring>
#include <span>
#include <vector>

#include "base/file_system.h"

namespace cyto8 {
namespace {

using Bytes = std::span<const std::byte>;

constexpr int64_t kMaxFileBytes = int64_t{1} << 30;
constexpr size_t kEndRecordBytes = 22;
constexpr size_t kEntryBytes = 46;
constexpr size_t kLocalBytes = 30;

template <typename T>
T ReadAt(Bytes bytes, size_t offset) {
  T value = 0;
  if (offset + sizeof(T) <= bytes.size()) {
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
  }
  return value;
}

StatusOr<std::vector<std::byte>> Inflate(Bytes packed, size_t size) {
  std::vector<std::byte> plain(size);
  z_stream stream = {};
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_out = static_cast<uInt>(plain.size());
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return Internal("zlib");
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (result != Z_STREAM_END || stream.avail_out != 0) {
    return DataLoss("a member does not inflate");
  }
  return plain;
}

// One entry of the central directory.
struct Entry {
  std::string name;
  uint16_t method = 0;
  uint32_t packed_bytes = 0;
  uint32_t plain_bytes = 0;
  uint32_t local_offset = 0;
  size_t next = 0;  // where the next entry starts.
};

StatusOr<Entry> ReadEntry(Bytes file, size_t at) {
  if (ReadAt<uint32_t>(file, at) != 0x02014b50) {
    return DataLoss("the central directory is damaged");
  }
  const size_t name_bytes = ReadAt<uint16_t>(file, at + 28);
  const size_t extra = ReadAt<uint16_t>(file, at + 30);
  const size_t comment = ReadAt<uint16_t>(file, at + 32);
  const size_t next = at + kEntryBytes + name_bytes + extra + comment;
  if (next > file.size()) return DataLoss("the central directory is cut");
  return Entry{
      .name = {reinterpret_cast<const char*>(file.data()) + at + kEntryBytes,
               name_bytes},
      .method = ReadAt<uint16_t>(file, at + 10),
      .packed_bytes = ReadAt<uint32_t>(file, at + 20),
      .plain_bytes = ReadAt<uint32_t>(file, at + 24),
      .local_offset = ReadAt<uint32_t>(file, at + 42),
      .next = next};
}

StatusOr<NpyArray> ReadMember(Bytes file, const Entry& entry) {
  const size_t local = entry.local_offset;
  const size_t data = local + kLocalBytes + ReadAt<uint16_t>(file, local + 26) +
                      ReadAt<uint16_t>(file, local + 28);
  if (data + entry.packed_bytes > file.size()) return DataLoss("cut");
  const Bytes packed = file.subspan(data, entry.packed_bytes);
  if (entry.method == 0) return ParseNpy(packed);
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> plain,
                         Inflate(packed, entry.plain_bytes));
  return ParseNpy(plain);
}

}  // namespace

StatusOr<NpzFile> ReadNpz(const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(RealFileSystem(), path, kMaxFileBytes));
  const Bytes file(bytes);
  if (file.size() < kEndRecordBytes) return DataLoss(path + ": too short");
  const size_t end = file.size() - kEndRecordBytes;
  if (ReadAt<uint32_t>(file, end) != 0x06054b50) {
    return DataLoss(path + ": no end record");
  }
  NpzFile arrays;
  size_t at = ReadAt<uint32_t>(file, end + 16);
  for (int left = ReadAt<uint16_t>(file, end + 10); left > 0; --left) {
    CYTO8_ASSIGN_OR_RETURN(const Entry entry,
                           Annotate(ReadEntry(file, at), path));
    CYTO8_ASSIGN_OR_RETURN(NpyArray array, Annotate(ReadMember(file, entry),
                                                    path + ": " + entry.name));
    arrays[entry.name.substr(0, entry.name.rfind(".npy"))] = std::move(array);
    at = entry.next;
  }
  return arrays;
}

}  // namespace cyto8
