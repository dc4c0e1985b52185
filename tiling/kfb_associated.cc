// SPDX-License-Identifier: Apache-2.0
// The images beside a KFB slide; see kfb_associated.h. Each is a record of 52
// bytes and then its JPEG.
#include "tiling/kfb_associated.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

#include "base/checked_math.h"
#include "tiling/jpeg_block.h"
#include "tiling/kfb_bytes.h"

namespace cyto8 {
namespace {

constexpr int64_t kRecordBytes = 52;

struct Kind {
  std::string_view name;
  int64_t KfbHeader::*position;
  std::string_view start;
  std::string_view end;
};

constexpr Kind kKinds[] = {{"label", &KfbHeader::label_position,
                            "\xF1\x03\xEE\xEE", "\xFF\x03\xEE\xEE"},
                           {"macro", &KfbHeader::overview_position,
                            "\xF1\x02\xEE\xEE", "\xFF\x02\xEE\xEE"},
                           {"thumbnail", &KfbHeader::thumbnail_position,
                            "\xF1\x02\xEE\xEE", "\xFF\x02\xEE\xEE"}};

using Record = std::array<std::byte, kRecordBytes>;

Status CheckRecord(const Record& record, const Kind& kind,
                   const Limits& limits) {
  if (!HasMarker(record, 0, kind.start) || !HasMarker(record, 48, kind.end)) {
    return DamagedKfb("its record has not the markers of this image");
  }
  const int64_t samples = LoadI32(record, 16);
  if (samples != 1 && samples != 3) {
    return DamagedKfb("samples = " + std::to_string(samples) +
                      ": must be 1 or 3");
  }
  CYTO8_RETURN_IF_ERROR(CheckKfbField("header length", LoadU32(record, 24),
                                      kRecordBytes, kRecordBytes));
  return CheckImageSize(LoadI32(record, 12), LoadI32(record, 8), AsKfb(limits));
}

// The first part of the file behind `position`, or its end.
int64_t NextPart(const KfbHeader& header, int64_t position, int64_t file_size) {
  int64_t next = file_size;
  for (const int64_t part :
       {header.label_position, header.overview_position,
        header.thumbnail_position, header.index_position}) {
    if (part > position) next = std::min(next, part);
  }
  return next;
}

// Up to the next part: the length of the record may be too short, and a JPEG
// knows its own end.
StatusOr<Image> ReadImageAt(ByteSource& bytes, const KfbHeader& header,
                            const Kind& kind, const Limits& limits) {
  const int64_t position = header.*kind.position;
  Record record = {};
  CYTO8_RETURN_IF_ERROR(ReadKfbPart(bytes, position, record, "its record"));
  CYTO8_RETURN_IF_ERROR(CheckRecord(record, kind, limits));
  const int64_t begin = position + kRecordBytes;
  const int64_t next = NextPart(header, begin, bytes.size_bytes());
  CYTO8_RETURN_IF_ERROR(
      CheckKfbField("JPEG length", LoadI32(record, 20), 0, next - begin));
  std::vector<std::byte> jpeg(
      static_cast<size_t>(std::min(kMaxKfbJpegBytes, next - begin)));
  CYTO8_RETURN_IF_ERROR(ReadKfbPart(bytes, begin, jpeg, "its JPEG"));
  return DecodeJpegBlock({.bytes = jpeg,
                          .width_px = LoadI32(record, 12),
                          .height_px = LoadI32(record, 8)},
                         1);
}

}  // namespace

std::vector<std::string> KfbAssociatedNames(const KfbHeader& header) {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) {
    if (header.*kind.position != 0) names.emplace_back(kind.name);
  }
  return names;
}

StatusOr<Image> ReadKfbAssociated(ByteSource& bytes, std::string_view name,
                                  const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const KfbHeader header, ReadKfbHeader(bytes, limits));
  const auto* kind = std::ranges::find(kKinds, name, &Kind::name);
  if (kind == std::end(kKinds) || header.*kind->position == 0) {
    return NotFound("associated image = \"" + std::string(name) +
                    "\": the slide has none of this name");
  }
  return Annotate(ReadImageAt(bytes, header, *kind, limits), name);
}

StatusOr<Image> ReadKfbAssociated(FileSystem& files, const std::string& path,
                                  std::string_view name, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<InputFile> file,
                         InputFile::Open(files, path));
  StatusOr<Image> image = ReadKfbAssociated(*file, name, limits);
  CYTO8_RETURN_IF_ERROR(file->failure());
  return Annotate(std::move(image), path);
}

}  // namespace cyto8
