// SPDX-License-Identifier: Apache-2.0
// See range_choice.h. A histogram is read as pieces: intervals over which
// values are spread evenly. The error of one piece is an integral in closed
// form, so one candidate costs one pass over the pieces.
#include "quant/range_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/checked_math.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr int kLastCode = 255;
constexpr int kCodes = 256;

struct NamedMethod {
  RangeMethod method;
  std::string_view name;
};
constexpr std::array<NamedMethod, 5> kMethods = {
    {{RangeMethod::kMinMax, "min_max"},
     {RangeMethod::kPercentile, "percentile"},
     {RangeMethod::kKl, "kl"},
     {RangeMethod::kMse, "mse"},
     {RangeMethod::kSearch, "search"}}};

std::string RangeText(const ValueRange& range) {
  return "range = [" + FormatShortest(range.min) + ", " +
         FormatShortest(range.max) + "]";
}

ValueRange Scaled(const ValueRange& range, double factor) {
  return {range.min * factor, range.max * factor};
}

// What was seen, and 0.
ValueRange SeenRange(const Histogram& histogram) {
  return {std::min(0.0, static_cast<double>(histogram.min)),
          std::max(0.0, static_cast<double>(histogram.max))};
}

// `count` values spread evenly over [low, high], all equal if these are.
struct Piece {
  double low = 0;
  double high = 0;
  double count = 0;
};

// In rising order. Exact zeros are a piece of their own; the first and the
// last piece end where the values do.
std::vector<Piece> Pieces(const Histogram& histogram) {
  const double width = std::ldexp(1.0, histogram.exponent);
  std::vector<Piece> pieces;
  pieces.reserve(histogram.counts.size() + 1);
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const int64_t bin = histogram.first_bin + static_cast<int64_t>(i);
    int64_t count = histogram.counts[i];
    if (bin == 0 && histogram.zeros > 0) {
      pieces.push_back({0, 0, static_cast<double>(histogram.zeros)});
      count -= histogram.zeros;
    }
    if (count <= 0) continue;
    const double low = static_cast<double>(bin) * width;
    pieces.push_back({std::max<double>(low, histogram.min),
                      std::min<double>(low + width, histogram.max),
                      static_cast<double>(count)});
  }
  return pieces;
}

// The integral of the squared distance from u to the nearest code, over u from
// 0 on, that beyond the codes times clip_weight; u in steps from the lower end
// of the range.
double ErrorIntegral(double u, double clip_weight) {
  if (u < 0) return clip_weight * u * u * u / 3;
  if (u > kLastCode) {
    const double beyond = u - kLastCode;
    return kLastCode / 12.0 + clip_weight * beyond * beyond * beyond / 3;
  }
  const int code = static_cast<int>(u + 0.5);
  const double rest = u - code;
  return code / 12.0 + rest * rest * rest / 3;
}

double ErrorAt(double u, double clip_weight) {
  const double error = u - std::clamp(std::floor(u + 0.5), 0.0, 255.0);
  return error * error * (u < 0 || u > kLastCode ? clip_weight : 1);
}

double MeanSquare(const std::vector<Piece>& pieces, double total) {
  double sum = 0;
  for (const Piece& p : pieces) {
    sum += p.count * (p.low * p.low + p.low * p.high + p.high * p.high) / 3;
  }
  return sum / total;
}

double Noise(const std::vector<Piece>& pieces, double total,
             const AffineU8& params, double clip_weight) {
  const double scale = params.scale;
  double sum = 0;
  for (const Piece& piece : pieces) {
    const double low = piece.low / scale + params.zero_point;
    const double high = piece.high / scale + params.zero_point;
    // Of a very narrow piece the difference below would be mostly rounding.
    const double error = high - low < 1e-6
                             ? ErrorAt((low + high) / 2, clip_weight)
                             : (ErrorIntegral(high, clip_weight) -
                                ErrorIntegral(low, clip_weight)) /
                                   (high - low);
    sum += piece.count * error;
  }
  return sum * scale * scale / total;
}

// The noise, what is cut off times clip_weight; infinite where the range has no
// parameters.
class NoiseCost {
 public:
  NoiseCost(const Histogram& histogram, double clip_weight)
      : pieces_(Pieces(histogram)),
        total_(static_cast<double>(histogram.total)),
        clip_weight_(clip_weight) {}

  double operator()(const ValueRange& range) const {
    const StatusOr<AffineU8> params = QuantParamsOf(range);
    return params.ok() ? Noise(pieces_, total_, *params, clip_weight_)
                       : kInfinity;
  }

 private:
  std::vector<Piece> pieces_;
  double total_;
  double clip_weight_;
};

// The divergence of P, the values clipped into the range, from Q, the values
// inside it after coding: those of one code are spread evenly over the code's
// bins that P has values in. As in TensorRT the cut-off values are added to
// P's end bins only: that is the whole price of clipping. Two-sided: the codes
// are those of the range with its zero point, so they lie where the program's
// codes lie. Exact zeros have a code and are left out (TensorRT: bin 0).
class KlCost {
 public:
  explicit KlCost(const Histogram& histogram)
      : width_(std::ldexp(1.0, histogram.exponent)),
        first_bin_(histogram.first_bin) {
    for (size_t i = 0; i < histogram.counts.size(); ++i) {
      int64_t count = histogram.counts[i];
      if (first_bin_ + static_cast<int64_t>(i) == 0) count -= histogram.zeros;
      counts_.push_back(static_cast<double>(count));
      products_.push_back(TimesLog(counts_.back()));
    }
  }

  double operator()(const ValueRange& range) const {
    const StatusOr<AffineU8> params = QuantParamsOf(range);
    if (!params.ok()) return kInfinity;
    const int64_t first = ClampBin(std::floor(range.min / width_));
    const int64_t last = ClampBin(std::ceil(range.max / width_) - 1);
    if (last - first + 1 < kCodes) return kInfinity;
    const double below = Sum(0, first);
    const double above = Sum(last + 1, static_cast<int64_t>(counts_.size()));
    const double inside = Sum(first, last + 1);
    if (inside <= 0) return kInfinity;
    const double all = below + inside + above;
    CodeShare sum;
    for (int64_t start = first; start <= last;) {
      const int64_t end = EndOfCode(start, last, *params);
      sum += ShareOf(start, end, start == first ? below : 0,
                     end == last + 1 ? above : 0);
      start = end;
    }
    return sum.p_log_ratio / all + std::log(sum.q / all);
  }

 private:
  // Sums over bins, p and q not yet normalised.
  struct CodeShare {
    double p_log_ratio = 0;  // of p log(p / q).
    double q = 0;

    void operator+=(const CodeShare& other) {
      p_log_ratio += other.p_log_ratio;
      q += other.q;
    }
  };

  static double TimesLog(double x) { return x > 0 ? x * std::log(x) : 0; }

  int64_t ClampBin(double bin) const {
    return std::clamp<int64_t>(static_cast<int64_t>(bin) - first_bin_, 0,
                               static_cast<int64_t>(counts_.size()) - 1);
  }

  double Sum(int64_t start, int64_t end) const {
    double sum = 0;
    for (int64_t i = start; i < end; ++i) sum += counts_[i];
    return sum;
  }

  // The first bin after `start` whose centre has another code.
  int64_t EndOfCode(int64_t start, int64_t last, const AffineU8& params) const {
    const double code = CodeOf(start, params);
    if (code >= kLastCode) return last + 1;
    // The codes change at half steps; the bins are centred at i + 0.5.
    const double edge =
        (code + 0.5 - params.zero_point) * params.scale / width_;
    const auto end = static_cast<int64_t>(std::ceil(edge - 0.5)) - first_bin_;
    return std::clamp(end, start + 1, last + 1);
  }

  double CodeOf(int64_t bin, const AffineU8& params) const {
    const double centre =
        (static_cast<double>(first_bin_ + bin) + 0.5) * width_;
    return std::clamp(
        std::floor(centre / params.scale + params.zero_point + 0.5), 0.0,
        static_cast<double>(kLastCode));
  }

  // Of the bins of one code.
  CodeShare ShareOf(int64_t start, int64_t end, double below,
                    double above) const {
    double values = 0;
    double products = 0;
    int64_t filled = 0;
    for (int64_t i = start; i < end; ++i) {
      const double extra =
          (i == start ? below : 0) + (i + 1 == end ? above : 0);
      const double p = counts_[i] + extra;
      values += counts_[i];
      products += extra > 0 ? TimesLog(p) : products_[i];
      filled += p > 0 ? 1 : 0;
    }
    if (filled == 0) return {};
    // Q must not be 0 where P is not: half a value stands for none.
    const double q = std::max(values, 0.5);
    const double log_of_each = std::log(q / static_cast<double>(filled));
    return {.p_log_ratio = products - (values + below + above) * log_of_each,
            .q = q};
  }

  double width_;
  int64_t first_bin_;
  std::vector<double> counts_;
  std::vector<double> products_;  // count * log(count).
};

// The ends are (low, high) / steps of what was seen.
template <typename Cost>
class ShrinkSearch {
 public:
  ShrinkSearch(const ValueRange& seen, int64_t steps, const Cost& cost)
      : seen_(seen), steps_(steps), cost_(cost), low_(steps), high_(steps) {
    least_ = cost_(RangeOf(low_, high_));
  }

  ValueRange Run() {
    for (int64_t i = steps_ - 1; i > 0; --i) Try(i, i);
    bool moved = true;
    while (moved) {  // ends: the cost falls each time.
      moved = false;
      const int64_t low = low_;
      for (int64_t i = steps_; i > 0; --i) moved |= Try(low, i);
      const int64_t high = high_;
      for (int64_t i = steps_; i > 0; --i) moved |= Try(i, high);
    }
    return RangeOf(low_, high_);
  }

 private:
  ValueRange RangeOf(int64_t low, int64_t high) const {
    const auto steps = static_cast<double>(steps_);
    return {seen_.min * (static_cast<double>(low) / steps),
            seen_.max * (static_cast<double>(high) / steps)};
  }

  bool Try(int64_t low, int64_t high) {
    const double cost = cost_(RangeOf(low, high));
    if (!(cost < least_)) return false;
    least_ = cost;
    low_ = low;
    high_ = high;
    return true;
  }

  ValueRange seen_;
  int64_t steps_;
  const Cost& cost_;
  int64_t low_;
  int64_t high_;
  double least_ = kInfinity;
};

// Where `share` of the values lie below; from the top down if asked, so that
// the two ends are treated alike.
double Quantile(const std::vector<Piece>& pieces, double share_of_total,
                bool from_top) {
  double left = share_of_total;
  const auto size = static_cast<int64_t>(pieces.size());
  for (int64_t i = 0; i < size; ++i) {
    const Piece& piece = pieces[from_top ? size - 1 - i : i];
    if (left <= piece.count) {
      const double part = left / piece.count * (piece.high - piece.low);
      return from_top ? piece.high - part : piece.low + part;
    }
    left -= piece.count;
  }
  return from_top ? pieces.front().low : pieces.back().high;
}

ValueRange PercentileRange(const Histogram& histogram, double percentile) {
  const std::vector<Piece> pieces = Pieces(histogram);
  const double cut =
      (100 - percentile) / 100 * static_cast<double>(histogram.total);
  return {std::min(0.0, Quantile(pieces, cut, false)),
          std::max(0.0, Quantile(pieces, cut, true))};
}

ValueRange SearchedRange(const Histogram& histogram,
                         const RangeChoiceOptions& options) {
  const ValueRange base = PercentileRange(histogram, options.percentile);
  const NoiseCost cost(histogram, 1);
  const auto steps = static_cast<int64_t>(std::floor(
      (options.search_high - options.search_low) / options.search_step + 1e-6));
  ValueRange best = base;
  double least = kInfinity;
  for (int64_t i = 0; i <= steps; ++i) {
    const ValueRange range =
        Scaled(base, options.search_low +
                         static_cast<double>(i) * options.search_step);
    const double noise = cost(range);
    if (noise < least) {
      least = noise;
      best = range;
    }
  }
  return best;
}

Status CheckOptions(const RangeChoiceOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckRange("percentile", options.percentile, 50, 100));
  CYTO8_RETURN_IF_ERROR(CheckRange("steps", options.steps, 1, 1000));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("clip_weight", options.clip_weight, 1, kMaxClipWeight));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("search_high", options.search_high, 0.01, 10));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("search_low", options.search_low, 0.01, options.search_high));
  return CheckRange("search_step", options.search_step, 0.001, 1);
}

ValueRange RangeBy(const Histogram& histogram,
                   const RangeChoiceOptions& options) {
  const ValueRange seen = SeenRange(histogram);
  switch (options.method) {
    case RangeMethod::kMinMax:
      break;
    case RangeMethod::kPercentile:
      return PercentileRange(histogram, options.percentile);
    case RangeMethod::kKl:
      return ShrinkSearch(seen, options.steps, KlCost(histogram)).Run();
    case RangeMethod::kMse:
      return ShrinkSearch(seen, options.steps,
                          NoiseCost(histogram, options.clip_weight))
          .Run();
    case RangeMethod::kSearch:
      return SearchedRange(histogram, options);
  }
  return seen;
}

}  // namespace

std::string_view RangeMethodName(RangeMethod method) {
  const auto it = std::ranges::find(kMethods, method, &NamedMethod::method);
  return it == kMethods.end() ? "unknown" : it->name;
}

StatusOr<RangeMethod> ParseRangeMethod(std::string_view name) {
  std::string names;
  for (const NamedMethod& known : kMethods) {
    if (known.name == name) return known.method;
    names += (names.empty() ? "" : ", ") + std::string(known.name);
  }
  return InvalidArgument("range method = \"" + std::string(name) +
                         "\": must be one of " + names);
}

StatusOr<ValueRange> ChooseRange(const Histogram& histogram,
                                 const RangeChoiceOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  if (histogram.total <= 0) {
    return InvalidArgument("histogram: holds no values");
  }
  CYTO8_RETURN_IF_ERROR(QuantParamsOf(SeenRange(histogram)).status());
  const ValueRange range = RangeBy(histogram, options);
  CYTO8_RETURN_IF_ERROR(QuantParamsOf(range).status());
  return range;
}

double QuantizationNoise(const Histogram& histogram, const ValueRange& range) {
  if (histogram.total <= 0) return 0;
  const std::vector<Piece> pieces = Pieces(histogram);
  const auto total = static_cast<double>(histogram.total);
  const StatusOr<AffineU8> params = QuantParamsOf(range);
  return params.ok() ? Noise(pieces, total, *params, /*clip_weight=*/1)
                     : MeanSquare(pieces, total);
}

StatusOr<AffineU8> QuantParamsOf(const ValueRange& range) {
  if (!std::isfinite(range.min) || !std::isfinite(range.max)) {
    return InvalidArgument(RangeText(range) + ": must be finite");
  }
  if (range.min > 0 || range.max < 0) {
    return InvalidArgument(RangeText(range) + ": must contain 0");
  }
  if (range.min == range.max) {
    return InvalidArgument(RangeText(range) + ": range of width zero");
  }
  const double step = range.max / kLastCode - range.min / kLastCode;
  if (step < std::numeric_limits<float>::min() ||
      step > std::numeric_limits<float>::max()) {
    return InvalidArgument(RangeText(range) +
                           ": its 255th part is no normal float");
  }
  AffineU8 params = {.scale = static_cast<float>(step)};
  params.zero_point = static_cast<int32_t>(
      std::clamp(std::nearbyint(-range.min / params.scale), 0.0, 255.0));
  return params;
}

}  // namespace cyto8
