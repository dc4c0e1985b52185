// SPDX-License-Identifier: Apache-2.0
// The header of a KFB slide; see kfb_header.h. 100 fixed bytes, then tagged
// fields, each a tag, a length and so many bytes.
#include "tiling/kfb_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/kfb_bytes.h"
#include "tiling/row_source.h"  // CheckRowsSize

namespace cyto8 {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::string_view kStart = "\xF1\x01\xEE\xEEKFB"sv;
constexpr std::string_view kEnd = "\xFF\x01\xEE\xEE"sv;
constexpr int64_t kFixedBytes = 100;
constexpr int64_t kMaxTags = 64;
constexpr int64_t kMaxTagBytes = 256;
constexpr int64_t kChannelsTag = 75;
constexpr int64_t kMaxChannels = 64;

using Fixed = std::array<std::byte, kFixedBytes>;

// A tagged field of up to 8 bytes as a number, else 0.
int64_t NumberOf(std::span<const std::byte> value) {
  if (value.size() == 4) return LoadU32(value, 0);
  return value.size() == 8 ? LoadI64(value, 0) : 0;
}

// Checks all tagged fields. The channels that they name; 0: none.
StatusOr<int64_t> ReadTags(ByteSource& bytes, int64_t count) {
  CYTO8_RETURN_IF_ERROR(CheckKfbField("tagged fields", count, 0, kMaxTags));
  int64_t channels = 0;
  int64_t position = kFixedBytes;
  for (int64_t i = 0; i < count; ++i) {
    const std::string name = "tagged field " + std::to_string(i);
    std::array<std::byte, 8> head = {};
    CYTO8_RETURN_IF_ERROR(ReadKfbPart(bytes, position, head, name));
    const int64_t length = LoadU32(head, 4);
    CYTO8_RETURN_IF_ERROR(
        CheckKfbField("length of " + name, length, 0, kMaxTagBytes));
    std::vector<std::byte> value(static_cast<size_t>(length));
    CYTO8_RETURN_IF_ERROR(ReadKfbPart(bytes, position + 8, value, name));
    if (LoadU32(head, 0) == kChannelsTag) channels = NumberOf(value);
    position += 8 + length;
  }
  return channels;
}

// The number of channels is left out where the file does not say it plainly.
Status RefuseFluorescence(ByteSource& bytes, const Fixed& fixed) {
  const StatusOr<int64_t> channels = ReadTags(bytes, LoadU32(fixed, 0x60));
  CYTO8_RETURN_IF_ERROR(bytes.failure());
  const bool known =
      channels.ok() && *channels >= 1 && *channels <= kMaxChannels;
  return Unimplemented(
      "fluorescence slide (KFBF)" +
      (known ? " with " + std::to_string(*channels) + " channels" : "") +
      "; Cyto8 scores bright-field KFB only");
}

Status CheckSignature(ByteSource& bytes, const Fixed& fixed) {
  if (!HasMarker(fixed, 0, kStart)) {
    return DamagedKfb("it does not begin with F1 01 EE EE and \"KFB\"");
  }
  if (HasMarker(fixed, 7, "\0"sv)) return OkStatus();
  if (HasMarker(fixed, 7, "F")) return RefuseFluorescence(bytes, fixed);
  return Unimplemented(
      "KFB kind = " + std::to_string(std::to_integer<int>(fixed[7])) +
      ": must be 0, bright field");
}

// What precedes the first NUL, safe to print.
std::string TextOf(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c == '\0') break;
    text += c >= ' ' && c <= '~' ? c : '?';
  }
  return text;
}

Status CheckVariant(const Fixed& fixed) {
  const int64_t version = LoadU32(fixed, 0x08);
  if (version != 0) {
    return Unimplemented("KFB version = " + std::to_string(version) +
                         ": must be 0");
  }
  const std::string codec = TextOf(std::span(fixed).subspan(0x20, 8));
  if (!codec.starts_with("JP")) {
    return Unimplemented("KFB codec = \"" + codec + "\": must be JPEG");
  }
  const int64_t side_px = LoadI32(fixed, 0x58);
  if (side_px != kKfbBlockPx) {
    return Unimplemented("KFB tile side = " + std::to_string(side_px) +
                         ": must be " + std::to_string(kKfbBlockPx));
  }
  if (HasMarker(fixed, 0x5C, kEnd)) return OkStatus();
  return DamagedKfb("the header does not end with FF 01 EE EE at byte 92");
}

// The decimal number that the 32-bit one was made from: 0.4841, not
// 0.484100014.
std::optional<double> ScaleOf(float um_per_px) {
  if (!std::isfinite(um_per_px)) return std::nullopt;
  std::array<char, 64> text = {};
  const char* end =
      std::to_chars(text.data(), text.data() + text.size(), um_per_px).ptr;
  const StatusOr<double> value =
      ParseDouble({text.data(), static_cast<size_t>(end - text.data())});
  if (!value.ok() || !(*value >= 0.05 && *value <= 5)) return std::nullopt;
  return *value;
}

KfbHeader FieldsOf(const Fixed& fixed) {
  return {.records = LoadI32(fixed, 0x10),
          .width_px = LoadI32(fixed, 0x18),
          .height_px = LoadI32(fixed, 0x14),
          .magnification = LoadI32(fixed, 0x1C),
          .um_per_px = ScaleOf(LoadF32(fixed, 0x4C)),
          .index_position = LoadI64(fixed, 0x44),
          .overview_position = LoadU32(fixed, 0x34),
          .label_position = LoadU32(fixed, 0x38),
          .thumbnail_position = LoadI64(fixed, 0x3C)};
}

Status CheckFields(const KfbHeader& header, int64_t file_size,
                   const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("tile records", header.records, 1,
                                   std::min(kMaxKfbTiles, limits.max_tiles)));
  CYTO8_RETURN_IF_ERROR(
      CheckRowsSize(header.width_px, header.height_px, AsKfb(limits)));
  CYTO8_RETURN_IF_ERROR(
      CheckKfbField("scan magnification", header.magnification, 1, 100));
  const int64_t index_bytes = header.records * kKfbRecordBytes;
  CYTO8_RETURN_IF_ERROR(CheckKfbField("bytes of the tile index", index_bytes, 1,
                                      file_size - kFixedBytes));
  return CheckKfbField("position of the tile index", header.index_position,
                       kFixedBytes, file_size - index_bytes);
}

}  // namespace

bool LooksLikeKfb(std::span<const std::byte> begin) {
  return HasMarker(begin, 0, kStart);
}

Limits AsKfb(const Limits& limits) {
  Limits of_kfb = limits;
  of_kfb.max_side_px = std::min(limits.max_side_px, kMaxKfbSidePx);
  return of_kfb;
}

StatusOr<KfbHeader> ReadKfbHeader(ByteSource& bytes, const Limits& limits) {
  Fixed fixed = {};
  CYTO8_RETURN_IF_ERROR(ReadKfbPart(bytes, 0, fixed, "the header"));
  CYTO8_RETURN_IF_ERROR(CheckSignature(bytes, fixed));
  CYTO8_RETURN_IF_ERROR(CheckVariant(fixed));
  const KfbHeader header = FieldsOf(fixed);
  CYTO8_RETURN_IF_ERROR(CheckFields(header, bytes.size_bytes(), limits));
  CYTO8_RETURN_IF_ERROR(ReadTags(bytes, LoadU32(fixed, 0x60)).status());
  return header;
}

}  // namespace cyto8
