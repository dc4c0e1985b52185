// SPDX-License-Identifier: Apache-2.0
// A JPEG of any size to RGB rows; see strict_jpeg.h.
#include "tiling/strict_jpeg.h"

#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

// A part of a source; its failures explain what libjpeg says of them.
class StreamInput final : public JpegInput {
 public:
  StreamInput(ByteSource& bytes, const JpegStream& stream)
      : bytes_(&bytes), blocks_(bytes, stream.begin, stream.end) {}

  std::span<const std::byte> Next() override { return blocks_.Next(); }
  void Skip(int64_t bytes) override { blocks_.Skip(bytes); }
  Status failure() const override { return bytes_->failure(); }

 private:
  ByteSource* bytes_;
  BlockReader blocks_;
};

class JpegRows final : public RowSource {
 public:
  JpegRows(ByteSource& bytes, const JpegStream& stream)
      : size_bytes_(stream.end - stream.begin),
        input_(bytes, stream),
        jpeg_(input_) {}
  JpegRows(const JpegRows&) = delete;
  JpegRows& operator=(const JpegRows&) = delete;

  Status ReadHeader(const JpegStream& stream, const Limits& limits);

  const ImageInfo& info() const override { return info_; }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override;
  int64_t memory_bytes() const override {
    return jpeg_.CoefficientBytes() + JpegRowsBytes(info_.width_px);
  }

 private:
  int64_t size_bytes_;
  StreamInput input_;
  JpegDecompressor jpeg_;
  ImageInfo info_;
  bool started_ = false;
};

Status JpegRows::ReadHeader(const JpegStream& stream, const Limits& limits) {
  if (!stream.tables.empty()) {
    CYTO8_RETURN_IF_ERROR(jpeg_.ReadTables(stream.tables));
  }
  CYTO8_RETURN_IF_ERROR(jpeg_.ReadHeader(stream.colours));
  info_ = {.format = ImageFormat::kJpeg,
           .width_px = jpeg_.width_px(),
           .height_px = jpeg_.height_px(),
           .compression = jpeg_.progressive() ? "progressive" : "baseline"};
  CYTO8_RETURN_IF_ERROR(CheckRowsSize(info_.width_px, info_.height_px, limits));
  CYTO8_RETURN_IF_ERROR(jpeg_.CheckHeader(size_bytes_));
  return CheckDecoderBytes(memory_bytes(), limits);
}

Status JpegRows::ReadRows(int64_t count, uint8_t* dst,
                          int64_t dst_stride_bytes) {
  if (count == 0) return OkStatus();
  if (!std::exchange(started_, true)) CYTO8_RETURN_IF_ERROR(jpeg_.Start(1));
  return jpeg_.ReadRows(count, dst, dst_stride_bytes);
}

Status CheckSize(std::span<const std::byte> bytes, const Limits& limits) {
  return CheckRange("JPEG bytes", static_cast<int64_t>(bytes.size()), 1,
                    limits.max_image_bytes);
}

}  // namespace

StatusOr<std::unique_ptr<RowSource>> OpenJpegRows(ByteSource& bytes,
                                                  const JpegStream& stream,
                                                  const Limits& limits) {
  auto rows = std::make_unique<JpegRows>(bytes, stream);
  CYTO8_RETURN_IF_ERROR(rows->ReadHeader(stream, limits));
  return std::unique_ptr<RowSource>(std::move(rows));
}

// Rows of the inverse DCT, of up-sampling with its neighbours, and tables.
int64_t JpegRowsBytes(int64_t width_px) {
  constexpr int64_t kRowsHeld = 64;
  constexpr int64_t kTableBytes = int64_t{256} << 10;
  return kRowsHeld * kRgbChannels * width_px + kTableBytes;
}

StatusOr<ImageInfo> ParseJpegHeader(std::span<const std::byte> bytes,
                                    const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> rows,
      OpenJpegRows(source, {.end = source.size_bytes()}, limits));
  return rows->info();
}

StatusOr<Image> DecodeJpeg(std::span<const std::byte> bytes,
                           const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> rows,
      OpenJpegRows(source, {.end = source.size_bytes()}, AsOnePiece(limits)));
  return ReadAllRows(*rows, limits);
}

}  // namespace cyto8
