// SPDX-License-Identifier: Apache-2.0
// A row source on top of a row source; see scaled_rows.h.
#include "tiling/scaled_rows.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "base/image_view.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

class Scaled final : public RowSource {
 public:
  Scaled(std::unique_ptr<RowSource> source, int64_t width_px,
         int64_t height_px, ScaledRowSeconds& seconds, const Limits& limits)
      : source_(std::move(source)),
        info_(source_->info()),
        seconds_(&seconds),
        limits_(limits) {
    info_.width_px = width_px;
    info_.height_px = height_px;
  }
  const ImageInfo& info() const override { return info_; }
  int64_t memory_bytes() const override { return source_->memory_bytes(); }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override {
    if (!image_) {
      CYTO8_ASSIGN_OR_RETURN(
          Image whole, Image::Create(source_->info().width_px,
                                     source_->info().height_px, limits_));
      CYTO8_RETURN_IF_ERROR(source_->ReadRows(whole.height_px(),
                                              whole.MutableRow(0),
                                              whole.view().stride_bytes));
      CYTO8_ASSIGN_OR_RETURN(
          image_, ResampleArea(whole.view(), info_.width_px, info_.height_px,
                               limits_));
    }
    for (int64_t i = 0; i < count; ++i) {
      std::memcpy(dst + i * dst_stride_bytes, image_->view().Row(next_++),
                  static_cast<size_t>(info_.width_px * 3));
    }
    return OkStatus();
  }

 private:
  std::unique_ptr<RowSource> source_;
  ImageInfo info_;
  ScaledRowSeconds* seconds_;
  Limits limits_;
  std::optional<Image> image_;
  int64_t next_ = 0;
};

}  // namespace

StatusOr<std::unique_ptr<RowSource>> ScaledRows(
    std::unique_ptr<RowSource> source, int64_t width_px, int64_t height_px,
    ScaledRowSeconds& seconds, const Limits& limits) {
  return std::unique_ptr<RowSource>(std::make_unique<Scaled>(
      std::move(source), width_px, height_px, seconds, limits));
}

}  // namespace cyto8
