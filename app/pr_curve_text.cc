// SPDX-License-Identifier: Apache-2.0
// Precision-recall curves; see pr_curve_text.h.
#include "app/pr_curve_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/xml_text.h"
#include "base/numbers.h"
#include "eval/precision_recall.h"

namespace cyto8 {
namespace {

// The plot inside of the picture.
constexpr int kWidthPx = 640;
constexpr int kHeightPx = 480;
constexpr double kLeftPx = 60;
constexpr double kTopPx = 40;
constexpr double kPlotWidthPx = 540;
constexpr double kPlotHeightPx = 380;
constexpr int kTicks = 5;

double X(double recall) { return kLeftPx + recall * kPlotWidthPx; }
double Y(double precision) { return kTopPx + (1 - precision) * kPlotHeightPx; }
std::string Px(double value) { return FormatFixed(value, /*decimals=*/1); }

std::string Axes() {
  std::string svg;
  for (int i = 0; i <= kTicks; ++i) {
    const double at = static_cast<double>(i) / kTicks;
    const std::string label = FormatFixed(at, /*decimals=*/1);
    svg += fmt::format(
        "<path d=\"M{} {}V{}M{} {}H{}\" stroke=\"#ddd\"/>\n"
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n"
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
        Px(X(at)), Px(Y(1)), Px(Y(0)), Px(X(0)), Px(Y(at)), Px(X(1)), Px(X(at)),
        Px(Y(0) + 18), label, Px(X(0) - 8), Px(Y(at) + 4), label);
  }
  return svg + fmt::format(
                   "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">recall"
                   "</text>\n"
                   "<text transform=\"translate(16 {}) rotate(-90)\" "
                   "text-anchor=\"middle\">precision</text>\n",
                   Px(X(0.5)), Px(Y(0) + 40), Px(Y(0.5)));
}

std::string Line(const ClassOutcomes& outcomes, int level) {
  const SampledCurve curve = SampleCurve(outcomes, level);
  const auto& recalls = CocoRecallThresholds();
  std::string points;
  for (size_t i = 0; i < recalls.size(); ++i) {
    const double precision = std::max(0.0, curve.precisions[i]);
    points += (i > 0 ? " " : "") + Px(X(recalls[i])) + "," + Px(Y(precision));
  }
  return fmt::format(
      "<polyline points=\"{}\" fill=\"none\" stroke=\"#1565c0\" "
      "stroke-width=\"2\"/>\n",
      points);
}

std::string Legend(const CurveTitle& title, const ClassOutcomes& outcomes) {
  constexpr int kFigureDecimals = 3;
  const std::string figure =
      title.average_precision == kUndefined
          ? "none"
          : FormatFixed(title.average_precision, kFigureDecimals);
  return fmt::format(
      "<path d=\"M{} 22h24\" stroke=\"#1565c0\" stroke-width=\"2\"/>\n"
      "<text x=\"{}\" y=\"26\">{}: {} {}, {} truth boxes, {} detections"
      "</text>\n",
      Px(kLeftPx), Px(kLeftPx + 32), XmlText(title.name), XmlText(title.level),
      figure, outcomes.truth_count, outcomes.scores.size());
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

std::string PrCurveSvg(const CurveTitle& title, const ClassOutcomes& outcomes,
                       int level) {
  return fmt::format(
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
             "height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
             "font-family=\"sans-serif\" font-size=\"13\">\n"
             "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
             kWidthPx, kHeightPx) +
         Axes() + Line(outcomes, level) + Legend(title, outcomes) + "</svg>\n";
}

std::string PrCurveCsv(const ClassOutcomes& outcomes, int level) {
  std::string text =
      "score,true_positives,false_positives,recall,precision,envelope\n";
  for (const CurvePoint& point : PrecisionRecallCurve(outcomes, level)) {
    const std::string recall = point.recall == kUndefined
                                   ? std::string()
                                   : FormatFixed(point.recall, kScoreDecimals);
    text += fmt::format("{},{},{},{},{},{}\n", FormatShortest(point.score),
                        point.true_positives, point.false_positives, recall,
                        FormatFixed(point.precision, kScoreDecimals),
                        FormatFixed(point.envelope, kScoreDecimals));
  }
  return text;
}

std::string PrCurveFileStem(std::string_view kind, int64_t number,
                            std::string_view name) {
  constexpr size_t kMaxName = 60;
  std::string safe(name.substr(0, kMaxName));
  std::replace_if(
      safe.begin(), safe.end(), [](char c) { return !IsPlain(c); }, '_');
  return std::string(kind) + "-" + std::to_string(number) + "-" + safe;
}

}  // namespace cyto8
