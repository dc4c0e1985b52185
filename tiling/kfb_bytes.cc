// SPDX-License-Identifier: Apache-2.0
// Numbers, markers and errors of KFB files; see kfb_bytes.h.
#include "tiling/kfb_bytes.h"

#include <bit>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

uint64_t Load(std::span<const std::byte> bytes, int64_t at, int64_t size) {
  uint64_t value = 0;
  for (int64_t i = size - 1; i >= 0; --i) {
    const std::byte byte = bytes[static_cast<size_t>(at + i)];
    value = value << 8 | std::to_integer<uint64_t>(byte);
  }
  return value;
}

}  // namespace

uint32_t LoadU32(std::span<const std::byte> bytes, int64_t at) {
  return static_cast<uint32_t>(Load(bytes, at, 4));
}

int32_t LoadI32(std::span<const std::byte> bytes, int64_t at) {
  return std::bit_cast<int32_t>(LoadU32(bytes, at));
}

int64_t LoadI64(std::span<const std::byte> bytes, int64_t at) {
  return std::bit_cast<int64_t>(Load(bytes, at, 8));
}

float LoadF32(std::span<const std::byte> bytes, int64_t at) {
  return std::bit_cast<float>(LoadU32(bytes, at));
}

bool HasMarker(std::span<const std::byte> bytes, int64_t at,
               std::string_view marker) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size());
  const auto begin = static_cast<size_t>(at);
  return begin <= text.size() && text.substr(begin).starts_with(marker);
}

Status DamagedKfb(const std::string& what) {
  return DataLoss("damaged KFB: " + what);
}

Status CheckKfbField(std::string_view name, int64_t value, int64_t low,
                     int64_t high) {
  const Status status = CheckRange(name, value, low, high);
  return status.ok() ? status : DamagedKfb(status.message());
}

Status ReadKfbPart(ByteSource& bytes, int64_t position,
                   std::span<std::byte> dst, const std::string& name) {
  const auto size = static_cast<int64_t>(dst.size());
  const int64_t file_size = bytes.size_bytes();
  if (position < 0 || size > file_size || position > file_size - size) {
    return DamagedKfb(name + " at byte " + std::to_string(position) +
                      " needs " + std::to_string(size) +
                      " bytes: the file ends at byte " +
                      std::to_string(file_size));
  }
  return bytes.ReadAt(position, dst);
}

}  // namespace cyto8
