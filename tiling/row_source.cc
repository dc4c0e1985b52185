// SPDX-License-Identifier: Apache-2.0
// TEMPORARY.
#include "tiling/row_source.h"
#include <cstring>
#include "tiling/image_reader.h"
namespace cyto8 {
namespace {
class Whole final : public RowSource {
 public:
  explicit Whole(FileSystem& f, std::string p, ImageInfo info, Limits l) : files_(f), path_(p), info_(info), limits_(l) {}
  const ImageInfo& info() const override { return info_; }
  int64_t memory_bytes() const override { return 0; }
  Status ReadRows(int64_t count, uint8_t* dst, int64_t stride) override {
    if (image_.width_px() == 0) { CYTO8_ASSIGN_OR_RETURN(image_, ReadImage(files_, path_, limits_)); }
    for (int64_t i = 0; i < count; ++i) std::memcpy(dst + i * stride, image_.view().Row(next_++), static_cast<size_t>(3 * info_.width_px));
    return OkStatus();
  }
  FileSystem& files_; std::string path_; ImageInfo info_; Limits limits_; Image image_; int64_t next_ = 0;
};
}
StatusOr<std::unique_ptr<RowSource>> OpenRows(FileSystem& files, const std::string& path, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(ImageInfo info, ReadImageInfo(files, path, limits));
  return std::unique_ptr<RowSource>(std::make_unique<Whole>(files, path, info, limits));
}
}
