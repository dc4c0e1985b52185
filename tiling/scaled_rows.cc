// SPDX-License-Identifier: Apache-2.0
// A row source on top of a row source; see scaled_rows.h.
#include "tiling/scaled_rows.h"

#include <chrono>
#include <utility>
#include <vector>

#include "base/image_view.h"
#include "tiling/area_resampler.h"

namespace cyto8 {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

class ScaledRowSource final : public RowSource {
 public:
  ScaledRowSource(std::unique_ptr<RowSource> source, AreaResampler resampler,
                  const ImageInfo& info, ScaledRowSeconds& seconds)
      : source_(std::move(source)),
        resampler_(std::move(resampler)),
        info_(info),
        rows_left_(source_->info().height_px),
        row_(static_cast<size_t>(source_->info().width_px * kRgbChannels)),
        seconds_(&seconds) {}

  const ImageInfo& info() const override { return info_; }

  // The resampler keeps a few rows of floats.
  int64_t memory_bytes() const override {
    constexpr int64_t kFloatRows = 4;
    const int64_t row_bytes = std::ssize(row_) + info_.width_px * kRgbChannels;
    return source_->memory_bytes() +
           kFloatRows * static_cast<int64_t>(sizeof(float)) * row_bytes;
  }

  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override {
    for (int64_t i = 0; i < count; ++i) {
      CYTO8_RETURN_IF_ERROR(ReadRow(dst + i * dst_stride_bytes));
      --rows_to_give_;
    }
    // Rows of the source that no row of the result needed.
    while (rows_to_give_ == 0 && rows_left_ > 0) {
      CYTO8_RETURN_IF_ERROR(Decode());
    }
    return OkStatus();
  }

 private:
  Status ReadRow(uint8_t* dst) {
    while (!resampler_.HasRow()) {
      CYTO8_RETURN_IF_ERROR(Decode());
      const Clock::time_point start = Clock::now();
      CYTO8_RETURN_IF_ERROR(resampler_.PushRow(row_.data()));
      seconds_->resample += Seconds(start, Clock::now());
    }
    const Clock::time_point start = Clock::now();
    const Status status = resampler_.TakeRow(dst);
    seconds_->resample += Seconds(start, Clock::now());
    return status;
  }

  Status Decode() {
    const Clock::time_point start = Clock::now();
    const Status status =
        source_->ReadRows(/*count=*/1, row_.data(), std::ssize(row_));
    seconds_->decode += Seconds(start, Clock::now());
    --rows_left_;
    return status;
  }

  std::unique_ptr<RowSource> source_;
  AreaResampler resampler_;
  ImageInfo info_;
  int64_t rows_left_;                       // of the source.
  int64_t rows_to_give_ = info_.height_px;  // of the result.
  std::vector<uint8_t> row_;
  ScaledRowSeconds* seconds_;
};

}  // namespace

StatusOr<std::unique_ptr<RowSource>> ScaledRows(
    std::unique_ptr<RowSource> source, int64_t width_px, int64_t height_px,
    ScaledRowSeconds& seconds, const Limits& limits) {
  ImageInfo info = source->info();
  CYTO8_ASSIGN_OR_RETURN(AreaResampler resampler,
                         AreaResampler::Create(info.width_px, info.height_px,
                                               width_px, height_px, limits));
  info.width_px = width_px;
  info.height_px = height_px;
  return std::unique_ptr<RowSource>(std::make_unique<ScaledRowSource>(
      std::move(source), std::move(resampler), info, seconds));
}

}  // namespace cyto8
