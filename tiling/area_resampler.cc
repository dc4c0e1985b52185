// SPDX-License-Identifier: Apache-2.0
// Area resampling row by row; see area_resampler.h.
//
// OpenCV's INTER_AREA is four different things, told apart by the scales
// (source side over result side, computed as 1 / (result side / source side)):
// - both 1: a copy;
// - both whole numbers: the sum of a block of pixels, in integers, times the
//   reciprocal of its area in float; 2 x 2 blocks are rounded half up instead;
// - else, both at least 1: a mean in float. A pixel of the result covers an
//   interval of the source on each axis; a pixel that the interval covers in
//   part counts in part, but not at all if that part is at most 1/1000. First
//   the pixels of each row are added up, from left to right, then the rows;
// - else: a linear interpolation in fixed point of 11 bits, between pixels that
//   are found by OpenCV's rule for areas, which is not that of INTER_LINEAR.
// Every product, sum and rounding below is made in that order and precision;
// ResampleArea is the judge. The means take most of the time of a scan, so they
// have a twin in vectors (mean_rows.h) with the same products and sums.
#include "tiling/area_resampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "base/checked_math.h"
#include "base/image_view.h"
#include "tiling/mean_rows.h"

namespace cyto8 {

// Takes rows and gives rows, in order. Knows when a row of the result is
// complete, which is before the next row of the source comes.
class AreaResampler::Filter {
 public:
  virtual ~Filter() = default;
  virtual void Push(const uint8_t* src) = 0;
  virtual void Take(uint8_t* dst) = 0;
  bool HasRow() const { return taken_ < dst_rows_ && last_needed_ < pushed_; }
  int64_t rows_missing() const { return src_rows_ - pushed_; }

 protected:
  Filter(int64_t src_rows, int64_t dst_rows)
      : src_rows_(src_rows), dst_rows_(dst_rows) {}

  int64_t src_rows_;
  int64_t dst_rows_;
  int64_t pushed_ = 0;
  int64_t taken_ = 0;
  int64_t last_needed_ = 0;  // row of the source for the next of the result.
};

namespace {

// From the side of the source to that of the result.
struct Axis {
  int64_t src = 0;
  int64_t dst = 0;

  double inverse() const {
    return static_cast<double>(dst) / static_cast<double>(src);
  }
  double scale() const { return 1.0 / inverse(); }
  bool IsWhole() const { return scale() == std::nearbyint(scale()); }
};

// Half to even, as the processor rounds; value in [0, 255.5). Adding 1.5 * 2^23
// leaves no bits for the fraction. This compiles to vector code; lrint does
// not.
uint8_t RoundToByte(float value) {
  constexpr float kShift = 12582912.0F;
  const int32_t rounded =
      std::bit_cast<int32_t>(value + kShift) - std::bit_cast<int32_t>(kShift);
  return static_cast<uint8_t>(std::min(rounded, 255));
}

// The same size.
class CopyFilter final : public AreaResampler::Filter {
 public:
  CopyFilter(const Axis& x, const Axis& y)
      : Filter(y.src, y.dst), row_(static_cast<size_t>(kRgbChannels * x.src)) {}

  void Push(const uint8_t* src) override {
    ++pushed_;
    std::copy_n(src, row_.size(), row_.data());
  }

  void Take(uint8_t* dst) override {
    ++taken_;
    ++last_needed_;
    std::ranges::copy(row_, dst);
  }

 private:
  std::vector<uint8_t> row_;
};

// Sums of blocks.
class BlockFilter final : public AreaResampler::Filter {
 public:
  BlockFilter(const Axis& x, const Axis& y)
      : Filter(y.src, y.dst),
        width_(x.dst),
        block_width_(x.src / x.dst),
        block_height_(y.src / y.dst),
        sums_(static_cast<size_t>(kRgbChannels * x.dst)) {
    last_needed_ = block_height_ - 1;
  }

  void Push(const uint8_t* src) override {
    ++pushed_;
    int64_t* sums = sums_.data();
    for (int64_t x = 0; x < width_; ++x, sums += kRgbChannels) {
      int64_t red = sums[0];
      int64_t green = sums[1];
      int64_t blue = sums[2];
      for (int64_t i = 0; i < block_width_; ++i, src += kRgbChannels) {
        red += src[0];
        green += src[1];
        blue += src[2];
      }
      sums[0] = red;
      sums[1] = green;
      sums[2] = blue;
    }
  }

  void Take(uint8_t* dst) override {
    ++taken_;
    last_needed_ += block_height_;
    if (block_width_ == 2 && block_height_ == 2) {
      for (const int64_t sum : sums_) {
        *dst++ = static_cast<uint8_t>((sum + 2) >> 2);
      }
    } else {
      const float factor =
          1.0F / static_cast<float>(block_width_ * block_height_);
      for (const int64_t sum : sums_) {
        *dst++ = RoundToByte(static_cast<float>(sum) * factor);
      }
    }
    std::ranges::fill(sums_, 0);
  }

 private:
  int64_t width_;
  int64_t block_width_;
  int64_t block_height_;
  std::vector<int64_t> sums_;
};

// What a pixel of the result covers on one axis: `count` pixels of the source
// from `first`, each with a weight; the inner ones have the same.
struct Coverage {
  int64_t first = 0;
  int64_t count = 0;
  float first_weight = 0;
  float inner_weight = 0;
  float last_weight = 0;

  int64_t last() const { return first + count - 1; }
  float Weight(int64_t pixel) const {
    if (pixel == first) return first_weight;
    return pixel == last() ? last_weight : inner_weight;
  }
};

Coverage CoverageOf(const Axis& axis, int64_t pixel) {
  constexpr double kLeastPart = 1e-3;
  const double scale = axis.scale();
  const double begin = static_cast<double>(pixel) * scale;
  const double end = begin + scale;
  const double width = std::min(scale, static_cast<double>(axis.src) - begin);
  // The pixels that are covered whole, those of [whole_begin, whole_end).
  const double whole_end =
      std::min(std::floor(end), static_cast<double>(axis.src - 1));
  const double whole_begin = std::min(std::ceil(begin), whole_end);
  const bool has_left = whole_begin - begin > kLeastPart;
  const bool has_right = end - whole_end > kLeastPart;
  const auto left = static_cast<float>((whole_begin - begin) / width);
  const auto inner = static_cast<float>(1.0 / width);
  const auto right =
      static_cast<float>(std::min({end - whole_end, 1.0, width}) / width);
  const bool has_inner = whole_begin < whole_end;
  const int64_t first = static_cast<int64_t>(whole_begin) - (has_left ? 1 : 0);
  const int64_t stop = static_cast<int64_t>(whole_end) + (has_right ? 1 : 0);
  return {.first = first,
          .count = stop - first,
          .first_weight = has_left ? left : (has_inner ? inner : right),
          .inner_weight = inner,
          .last_weight = has_right ? right : (has_inner ? inner : left)};
}

// The channels of a pixel and one number more, for the width of the register.
using Lanes __attribute__((vector_size(16))) = float;
constexpr int64_t kLanes = 4;

Lanes Load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

// Means in float: which rows go into which, and by what weight.
class MeanFilter : public AreaResampler::Filter {
 public:
  explicit MeanFilter(const Axis& y)
      : Filter(y.src, y.dst), y_(y), rows_(CoverageOf(y, 0)) {
    last_needed_ = rows_.last();
  }

  void Push(const uint8_t* src) final {
    AddColumns(src);
    ++pushed_;
    AddLastRow();
  }

  void Take(uint8_t* dst) final {
    Round(dst);
    ++taken_;
    if (taken_ == dst_rows_) return;
    rows_ = CoverageOf(y_, taken_);
    last_needed_ = rows_.last();
    AddLastRow();
  }

 protected:
  // The row of the source, as wide as the result.
  virtual void AddColumns(const uint8_t* src) = 0;
  // That row times a weight: the first of a row of the result, or one more.
  virtual void SetRow(float weight) = 0;
  virtual void AddRow(float weight) = 0;
  virtual void Round(uint8_t* dst) const = 0;

 private:
  // The last row that came, if the next row of the result needs it.
  void AddLastRow() {
    const int64_t row = pushed_ - 1;
    if (row < rows_.first) return;
    const float weight = rows_.Weight(row);
    if (row == rows_.first) {
      SetRow(weight);
    } else {
      AddRow(weight);
    }
  }

  Axis y_;
  Coverage rows_;  // of the next row of the result.
};

std::vector<Coverage> CoveragesOf(const Axis& axis) {
  std::vector<Coverage> pixels(static_cast<size_t>(axis.dst));
  for (int64_t i = 0; i < axis.dst; ++i) pixels[i] = CoverageOf(axis, i);
  return pixels;
}

int64_t MostPixels(std::span<const Coverage> columns) {
  int64_t most = 1;
  for (const Coverage& column : columns) most = std::max(most, column.count);
  return most;
}

// The specification: plain loops.
class PlainMeanFilter final : public MeanFilter {
 public:
  PlainMeanFilter(const Axis& x, const Axis& y,
                  std::span<const Coverage> columns)
      : MeanFilter(y), x_(x), taps_(MostPixels(columns)) {
    first_.resize(columns.size());
    weights_.resize(columns.size() * taps_);
    for (int64_t i = 0; i < x.dst; ++i) {
      first_[i] = columns[i].first * kRgbChannels;
      for (int64_t tap = 0; tap < columns[i].count; ++tap) {
        weights_[i * taps_ + tap] = columns[i].Weight(columns[i].first + tap);
      }
    }
    pixels_.resize(kRgbChannels * (x.src + taps_) + kLanes);
    means_.resize(kRgbChannels * x.dst + kLanes);
    sums_.resize(kRgbChannels * x.dst);
  }

 private:
  void AddColumns(const uint8_t* src) override {
    for (int64_t i = 0; i < kRgbChannels * x_.src; ++i) pixels_[i] = src[i];
    switch (taps_) {
      case 2:
        AddTaps<2>();
        break;
      case 3:
        AddTaps<3>();
        break;
      default:
        AddTaps<0>();
    }
  }

  // kTaps == 0: taps_ of them. The weights beyond the last are 0 and so are the
  // pixels beyond the row: they add nothing, exactly.
  template <int64_t kTaps>
  void AddTaps() {
    const int64_t taps = kTaps > 0 ? kTaps : taps_;
    const float* weights = weights_.data();
    float* means = means_.data();
    for (const int64_t first : first_) {
      const float* pixels = pixels_.data() + first;
      Lanes mean = Load(pixels) * weights[0];
      for (int64_t tap = 1; tap < taps; ++tap) {
        mean += Load(pixels + tap * kRgbChannels) * weights[tap];
      }
      std::memcpy(means, &mean, sizeof(mean));  // the next overwrites the last.
      means += kRgbChannels;
      weights += taps;
    }
  }

  void SetRow(float weight) override {
    const auto size = static_cast<int64_t>(sums_.size());
    float* sums = sums_.data();
    const float* means = means_.data();
    for (int64_t i = 0; i < size; ++i) sums[i] = weight * means[i];
  }
  void AddRow(float weight) override {
    const auto size = static_cast<int64_t>(sums_.size());
    float* sums = sums_.data();
    const float* means = means_.data();
    for (int64_t i = 0; i < size; ++i) sums[i] += weight * means[i];
  }
  void Round(uint8_t* dst) const override {
    for (const float sum : sums_) *dst++ = RoundToByte(sum);
  }

  Axis x_;
  int64_t taps_;                // of every column, padded with zeros.
  std::vector<int64_t> first_;  // of each column, in pixels_.
  std::vector<float> weights_;  // [column][tap]
  std::vector<float> pixels_;   // the row of the source.
  std::vector<float> means_;    // that row, as wide as the result.
  std::vector<float> sums_;     // the next row of the result, so far.
};

// The same in vectors; see mean_rows.h.
class VectorMeanFilter final : public MeanFilter {
 public:
  VectorMeanFilter(const Axis& x, const Axis& y,
                   std::span<const Coverage> columns)
      : MeanFilter(y),
        taps_per_block_(MostPixels(columns)),
        dst_bytes_(kRgbChannels * x.dst) {
    const int64_t blocks = (dst_bytes_ + kMeanLanes - 1) / kMeanLanes;
    blocks_.resize(blocks);
    weights_.resize(blocks * taps_per_block_);
    places_.resize(blocks * taps_per_block_);
    means_.resize(blocks);
    sums_.resize(blocks);
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = WindowOf(b, columns).first;
      const int64_t in_row =
          std::min(kRgbChannels * x.src - first, kMeanWindowBytes);
      blocks_[b] = {.first_byte = first,
                    .in_row = ~uint64_t{0} >> (kMeanWindowBytes - in_row)};
      PlanBlock(b, columns);
    }
  }

  // Whether every block finds its pixels in one window.
  static bool Fits(std::span<const Coverage> columns) {
    const int64_t bytes = kRgbChannels * std::ssize(columns);
    for (int64_t b = 0; b * kMeanLanes < bytes; ++b) {
      const auto [first, end] = WindowOf(b, columns);
      if (end - first > kMeanWindowBytes) return false;
    }
    return true;
  }

 private:
  struct Window {
    int64_t first = 0;
    int64_t end = 0;
  };
  // Bytes of the pixels that a block of numbers covers.
  static Window WindowOf(int64_t block, std::span<const Coverage> columns) {
    const int64_t last =
        std::min((block + 1) * kMeanLanes, kRgbChannels * std::ssize(columns)) -
        1;
    return {.first =
                columns[block * kMeanLanes / kRgbChannels].first * kRgbChannels,
            .end = (columns[last / kRgbChannels].last() + 1) * kRgbChannels};
  }

  void PlanBlock(int64_t block, std::span<const Coverage> columns) {
    for (int64_t lane = 0; lane < kMeanLanes; ++lane) {
      const int64_t number = block * kMeanLanes + lane;
      if (number >= dst_bytes_) return;
      const Coverage& column = columns[number / kRgbChannels];
      for (int64_t i = 0; i < column.count; ++i) {
        const int64_t pixel = column.first + i;
        const int64_t tap = block * taps_per_block_ + i;
        weights_[tap].values[lane] = column.Weight(pixel);
        places_[tap].places[lane] =
            static_cast<uint8_t>(pixel * kRgbChannels + number % kRgbChannels -
                                 blocks_[block].first_byte);
      }
    }
  }

  void AddColumns(const uint8_t* src) override {
    MeanRowAvx512({.blocks = blocks_.data(),
                   .block_count = std::ssize(blocks_),
                   .weights = weights_.data(),
                   .places = places_.data(),
                   .taps_per_block = taps_per_block_},
                  src, means_.data());
  }
  void SetRow(float weight) override {
    SetRowAvx512(weight, means_.data(), std::ssize(means_), sums_.data());
  }
  void AddRow(float weight) override {
    AddRowAvx512(weight, means_.data(), std::ssize(means_), sums_.data());
  }
  void Round(uint8_t* dst) const override {
    RoundRowAvx512(sums_.data(), dst_bytes_, dst);
  }

  int64_t taps_per_block_;
  int64_t dst_bytes_;  // of a row.
  std::vector<MeanBlock> blocks_;
  std::vector<MeanNumbers> weights_;  // [block][tap]
  std::vector<MeanPlaces> places_;    // [block][tap]
  // The last row that came, as wide as the result.
  std::vector<MeanNumbers> means_;
  std::vector<MeanNumbers> sums_;  // the next row of the result, so far.
};

std::unique_ptr<AreaResampler::Filter> MakeMeanFilter(const Axis& x,
                                                      const Axis& y,
                                                      ResamplerIsa isa) {
  const std::vector<Coverage> columns = CoveragesOf(x);
  if (isa == ResamplerIsa::kAvx512Vbmi && VectorMeanFilter::Fits(columns)) {
    return std::make_unique<VectorMeanFilter>(x, y, columns);
  }
  return std::make_unique<PlainMeanFilter>(x, y, columns);
}

// Two neighbours and their weights in units of 1 / 2048.
struct Pair {
  int64_t first = 0;
  int64_t second = 0;
  int32_t first_weight = 0;
  int32_t second_weight = 0;
};

Pair PairOf(const Axis& axis, int64_t pixel, bool is_column) {
  constexpr float kOne = 2048;
  const auto at = static_cast<int64_t>(
      std::floor(static_cast<double>(pixel) * axis.scale()));
  auto part = static_cast<float>(static_cast<double>(pixel + 1) -
                                 static_cast<double>(at + 1) * axis.inverse());
  part = part <= 0 ? 0 : part - std::floor(part);
  const int64_t first = std::min(at, axis.src - 1);
  if (is_column && at + 1 >= axis.src) part = 0;
  return {.first = first,
          .second = std::min(at + 1, axis.src - 1),
          .first_weight = static_cast<int32_t>(std::lrint((1 - part) * kOne)),
          .second_weight = static_cast<int32_t>(std::lrint(part * kOne))};
}

// Linear interpolation in fixed point.
class LinearFilter final : public AreaResampler::Filter {
 public:
  LinearFilter(const Axis& x, const Axis& y)
      : Filter(y.src, y.dst), y_(y), rows_(PairOf(y, 0, false)) {
    last_needed_ = rows_.second;
    for (int64_t i = 0; i < x.dst; ++i) columns_.push_back(PairOf(x, i, true));
    before_.resize(kRgbChannels * x.dst);
    current_.resize(kRgbChannels * x.dst);
  }

  void Push(const uint8_t* src) override {
    ++pushed_;
    std::swap(before_, current_);
    int32_t* row = current_.data();
    for (const Pair& pair : columns_) {
      const uint8_t* first = src + pair.first * kRgbChannels;
      const uint8_t* second = src + pair.second * kRgbChannels;
      for (int64_t c = 0; c < kRgbChannels; ++c) {
        *row++ = first[c] * pair.first_weight + second[c] * pair.second_weight;
      }
    }
  }

  void Take(uint8_t* dst) override {
    const auto& upper = rows_.first == pushed_ - 1 ? current_ : before_;
    const auto size = static_cast<int64_t>(current_.size());
    for (int64_t i = 0; i < size; ++i) {
      const int32_t sum = ((upper[i] >> 4) * rows_.first_weight >> 16) +
                          ((current_[i] >> 4) * rows_.second_weight >> 16);
      dst[i] = static_cast<uint8_t>((sum + 2) >> 2);
    }
    ++taken_;
    rows_ = PairOf(y_, taken_, false);
    last_needed_ = rows_.second;
  }

 private:
  Axis y_;
  std::vector<Pair> columns_;
  Pair rows_;                     // of the next row of the result.
  std::vector<int32_t> before_;   // the last two rows that came, as wide as
  std::vector<int32_t> current_;  // the result, times 2048.
};

std::unique_ptr<AreaResampler::Filter> MakeFilter(const Axis& x, const Axis& y,
                                                  ResamplerIsa isa) {
  if (x.scale() < 1 || y.scale() < 1) {
    return std::make_unique<LinearFilter>(x, y);
  }
  if (x.src == x.dst && y.src == y.dst) {
    return std::make_unique<CopyFilter>(x, y);
  }
  if (x.IsWhole() && y.IsWhole()) return std::make_unique<BlockFilter>(x, y);
  return MakeMeanFilter(x, y, isa);
}

}  // namespace

std::vector<ResamplerIsa> UsableResamplerIsas() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vbmi")) {
    return {ResamplerIsa::kPlain, ResamplerIsa::kAvx512Vbmi};
  }
  return {ResamplerIsa::kPlain};
}

ResamplerIsa BestResamplerIsa() { return UsableResamplerIsas().back(); }

AreaResampler::AreaResampler(std::unique_ptr<Filter> filter)
    : filter_(std::move(filter)) {}
AreaResampler::AreaResampler(AreaResampler&&) noexcept = default;
AreaResampler& AreaResampler::operator=(AreaResampler&&) noexcept = default;
AreaResampler::~AreaResampler() = default;

StatusOr<AreaResampler> AreaResampler::Create(
    int64_t src_width_px, int64_t src_height_px, int64_t dst_width_px,
    int64_t dst_height_px, const Limits& limits, ResamplerIsa isa) {
  const auto check = [&](std::string_view name, int64_t side_px) {
    return CheckRange(name, side_px, 1, limits.max_side_px);
  };
  CYTO8_RETURN_IF_ERROR(check("src_width_px", src_width_px));
  CYTO8_RETURN_IF_ERROR(check("src_height_px", src_height_px));
  CYTO8_RETURN_IF_ERROR(check("dst_width_px", dst_width_px));
  CYTO8_RETURN_IF_ERROR(check("dst_height_px", dst_height_px));
  return AreaResampler(MakeFilter({.src = src_width_px, .dst = dst_width_px},
                                  {.src = src_height_px, .dst = dst_height_px},
                                  isa));
}

Status AreaResampler::PushRow(const uint8_t* src) {
  if (HasRow()) return InvalidArgument("a row of the result was not taken");
  if (filter_->rows_missing() == 0) {
    return InvalidArgument("a row after the last row of the source");
  }
  filter_->Push(src);
  return OkStatus();
}

bool AreaResampler::HasRow() const { return filter_->HasRow(); }

Status AreaResampler::TakeRow(uint8_t* dst) {
  if (!HasRow()) return InvalidArgument("no row of the result is complete");
  filter_->Take(dst);
  return OkStatus();
}

}  // namespace cyto8
