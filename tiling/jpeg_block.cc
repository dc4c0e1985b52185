// SPDX-License-Identifier: Apache-2.0
// A JPEG in memory to pixels; see jpeg_block.h.
#include "tiling/jpeg_block.h"

#include <string>
#include <utility>

namespace cyto8 {
namespace {

class MemoryInput final : public JpegInput {
 public:
  explicit MemoryInput(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> Next() override {
    return std::exchange(bytes_, {});
  }
  // All bytes have been handed out at once, so these lie behind the end.
  void Skip(int64_t) override {}

 private:
  std::span<const std::byte> bytes_;
};

Status CheckSize(const JpegDecompressor& jpeg, const JpegBlock& block) {
  if (jpeg.width_px() == block.width_px &&
      jpeg.height_px() == block.height_px) {
    return OkStatus();
  }
  return DataLoss("damaged JPEG: it has " + std::to_string(jpeg.width_px()) +
                  " x " + std::to_string(jpeg.height_px()) +
                  " pixels: must have " + std::to_string(block.width_px) +
                  " x " + std::to_string(block.height_px));
}

// The size is the container's: what would be beyond a limit in an image of its
// own is damage here.
Status AsDamage(const Status& status) {
  if (status.code() != StatusCode::kInvalidArgument) return status;
  return DataLoss("damaged JPEG: " + status.message());
}

StatusOr<Image> Decode(const JpegBlock& block, int64_t reduction) {
  MemoryInput input(block.bytes);
  JpegDecompressor jpeg(input);
  if (!block.tables.empty()) {
    CYTO8_RETURN_IF_ERROR(jpeg.ReadTables(block.tables));
  }
  CYTO8_RETURN_IF_ERROR(jpeg.ReadHeader(block.colours));
  CYTO8_RETURN_IF_ERROR(CheckSize(jpeg, block));
  CYTO8_RETURN_IF_ERROR(
      jpeg.CheckHeader(static_cast<int64_t>(block.bytes.size())));
  CYTO8_RETURN_IF_ERROR(jpeg.Start(reduction));
  const auto reduced = [&](int64_t side) {
    return (side + reduction - 1) / reduction;
  };
  CYTO8_ASSIGN_OR_RETURN(
      Image image,
      Image::CreateUnset(reduced(block.width_px), reduced(block.height_px)));
  CYTO8_RETURN_IF_ERROR(jpeg.ReadRows(image.height_px(), image.MutableRow(0),
                                      image.view().stride_bytes));
  return image;
}

}  // namespace

StatusOr<Image> DecodeJpegBlock(const JpegBlock& block, int64_t reduction) {
  CYTO8_ENSURE(reduction == 1 || reduction == 2 || reduction == 4 ||
               reduction == 8);
  StatusOr<Image> image = Decode(block, reduction);
  if (image.ok()) return image;
  return AsDamage(image.status());
}

}  // namespace cyto8
