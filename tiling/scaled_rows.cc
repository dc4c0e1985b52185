// SPDX-License-Identifier: Apache-2.0
// A row source on top of a row source; see scaled_rows.h.
#include "tiling/scaled_rows.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
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

// Rows of the source that were decoded together. libjpeg-turbo writes a row
// that begins at a multiple of 16 past the caches; these are read at once, so
// they begin elsewhere.
class DecodedRows {
 public:
  static constexpr int64_t kMostRows = 4;

  explicit DecodedRows(int64_t row_bytes)
      : stride_bytes_((row_bytes + kAlignment - 1) / kAlignment * kAlignment),
        bytes_(static_cast<size_t>(kMostRows * stride_bytes_ + kAlignment)) {
    const auto address = reinterpret_cast<uintptr_t>(bytes_.data());
    first_ = static_cast<int64_t>((kOdd - address) % kAlignment);
  }

  bool IsEmpty() const { return given_ == rows_; }
  const uint8_t* Next() { return bytes_.data() + Place(given_++); }

  // Once it is empty.
  Status ReadFrom(RowSource& source, int64_t rows) {
    given_ = rows_ = 0;
    CYTO8_RETURN_IF_ERROR(
        source.ReadRows(rows, bytes_.data() + first_, stride_bytes_));
    rows_ = rows;
    return OkStatus();
  }

 private:
  static constexpr int64_t kAlignment = 32;
  static constexpr uintptr_t kOdd = 8;

  int64_t Place(int64_t row) const { return first_ + row * stride_bytes_; }

  int64_t stride_bytes_;
  std::vector<uint8_t> bytes_;
  int64_t first_ = 0;  // byte of the first row.
  int64_t rows_ = 0;
  int64_t given_ = 0;
};

class ScaledRowSource final : public RowSource {
 public:
  ScaledRowSource(std::unique_ptr<RowSource> source, AreaResampler resampler,
                  const ImageInfo& info, ScaledRowSeconds& seconds)
      : source_(std::move(source)),
        resampler_(std::move(resampler)),
        info_(info),
        rows_left_(source_->info().height_px),
        decoded_(source_->info().width_px * kRgbChannels),
        seconds_(&seconds) {}

  const ImageInfo& info() const override { return info_; }

  // The resampler keeps a few rows of floats.
  int64_t memory_bytes() const override {
    constexpr int64_t kFloatRows = 4;
    const int64_t row_bytes =
        (source_->info().width_px + info_.width_px) * kRgbChannels;
    return source_->memory_bytes() +
           kFloatRows * static_cast<int64_t>(sizeof(float)) * row_bytes;
  }

  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override {
    const double decode_before = seconds_->decode;
    const Clock::time_point start = Clock::now();
    const Status status = Read(count, dst, dst_stride_bytes);
    seconds_->resample +=
        Seconds(start, Clock::now()) - (seconds_->decode - decode_before);
    return status;
  }

 private:
  Status Read(int64_t count, uint8_t* dst, int64_t dst_stride_bytes) {
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

  Status ReadRow(uint8_t* dst) {
    while (!resampler_.HasRow()) {
      if (decoded_.IsEmpty()) CYTO8_RETURN_IF_ERROR(Decode());
      CYTO8_RETURN_IF_ERROR(resampler_.PushRow(decoded_.Next()));
    }
    return resampler_.TakeRow(dst);
  }

  Status Decode() {
    const int64_t rows = std::min(rows_left_, DecodedRows::kMostRows);
    const Clock::time_point start = Clock::now();
    const Status status = decoded_.ReadFrom(*source_, rows);
    seconds_->decode += Seconds(start, Clock::now());
    if (status.ok()) rows_left_ -= rows;
    return status;
  }

  std::unique_ptr<RowSource> source_;
  AreaResampler resampler_;
  ImageInfo info_;
  int64_t rows_left_;                       // of the source, not decoded yet.
  int64_t rows_to_give_ = info_.height_px;  // of the result.
  DecodedRows decoded_;
  ScaledRowSeconds* seconds_;
};

}  // namespace

StatusOr<std::unique_ptr<RowSource>> ScaledRows(
    std::unique_ptr<RowSource> source, int64_t width_px, int64_t height_px,
    ScaledRowSeconds& seconds, const Limits& limits) {
  ImageInfo info = source->info();
  CYTO8_ASSIGN_OR_RETURN(
      AreaResampler resampler,
      AreaResampler::Create(info.width_px, info.height_px, width_px, height_px,
                            AsRows(limits)));
  info.width_px = width_px;
  info.height_px = height_px;
  return std::unique_ptr<RowSource>(std::make_unique<ScaledRowSource>(
      std::move(source), std::move(resampler), info, seconds));
}

}  // namespace cyto8
