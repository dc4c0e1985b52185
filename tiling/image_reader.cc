// SPDX-License-Identifier: Apache-2.0
// Images in one piece; see image_reader.h.
#include "tiling/image_reader.h"

#include <memory>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

Status CheckBytes(std::span<const std::byte> bytes, const Limits& limits) {
  return CheckRange("image bytes", static_cast<int64_t>(bytes.size()), 0,
                    limits.max_image_bytes);
}

}  // namespace

StatusOr<ImageInfo> ParseImageHeader(std::span<const std::byte> bytes,
                                     const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckBytes(bytes, limits));
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(bytes, limits));
  return rows->info();
}

StatusOr<Image> DecodeImage(std::span<const std::byte> bytes,
                            const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckBytes(bytes, limits));
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(bytes, AsOnePiece(limits)));
  return ReadAllRows(*rows, limits);
}

StatusOr<ImageInfo> ReadImageInfo(FileSystem& files, const std::string& path,
                                  const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(files, path, limits));
  return rows->info();
}

StatusOr<Image> ReadImage(FileSystem& files, const std::string& path,
                          const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenRows(files, path, AsOnePiece(limits)));
  return ReadAllRows(*rows, limits);
}

}  // namespace cyto8
