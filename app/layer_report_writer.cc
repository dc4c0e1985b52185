// SPDX-License-Identifier: Apache-2.0
// See layer_report_writer.h.
#include "app/layer_report_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <vector>

#include "app/console.h"
#include "app/result_writer.h"
#include "app/xml_text.h"
#include "base/atomic_file.h"
#include "base/numbers.h"
#include "base/valid_utf8.h"

namespace cyto8 {
namespace {

using Cells = std::vector<std::string>;

constexpr int kDecibelDecimals = 2;
constexpr int kShareDecimals = 6;
constexpr int kMsDecimals = 4;
constexpr double kPercent = 100;

// Of values and ranges, which may be of any size.
std::string Number(double value) { return fmt::format("{:.6g}", value); }

std::string Fixed(const std::optional<double>& value, int decimals,
                  const char* none) {
  return value ? FormatFixed(*value, decimals) : none;
}

double SaturatedShare(const LayerError& error) {
  return static_cast<double>(error.saturated) /
         static_cast<double>(std::max<int64_t>(error.values, 1));
}

double RootMean(double squares, const LayerError& error) {
  return std::sqrt(squares /
                   static_cast<double>(std::max<int64_t>(error.values, 1)));
}

std::string Span(double min, double max) {
  return Number(min) + " .. " + Number(max);
}

// The table -----------------------------------------------------------------

std::string ShownSqnr(const LayerError& error) {
  if (error.noise <= 0) return "exact";
  return Fixed(error.sqnr_db(), kDecibelDecimals, "-");
}

Cells ErrorCells(const LayerRow& row) {
  if (!row.error) return {"-", "-", "-", "-", "-"};
  const LayerError& error = *row.error;
  constexpr int kPercentDecimals = 3;
  return {ShownSqnr(error),
          error.range
              ? FormatFixed(kPercent * SaturatedShare(error), kPercentDecimals)
              : "-",
          error.range ? Span(error.range->min, error.range->max) : "-",
          Span(error.fp32_min, error.fp32_max), Number(error.max_error)};
}

Cells TableCells(const LayerRow& row) {
  constexpr int kShownMsDecimals = 3;
  constexpr int kSpeedupDecimals = 2;
  Cells cells = ErrorCells(row);
  const char* const none = row.time_layer == row.name ? "-" : "v";
  cells.push_back(Fixed(row.int8_ms, kShownMsDecimals, none));
  cells.push_back(Fixed(row.fp32_ms, kShownMsDecimals, none));
  cells.push_back(Fixed(row.speedup, kSpeedupDecimals, "-"));
  cells.push_back(row.kind);
  return cells;
}

std::string TableHead(const LayerReport& report) {
  return fmt::format(
      "INT8 against FP32, layer by layer: errors on {} tiles; times of one "
      "tile on one thread\n(its CPU time), the fastest third of {} runs.\n"
      "Both networks start from the pixels: errors of layers before are in.\n"
      "saturated: FP32 values more than half a step outside of the range of "
      "codes.\n"
      "A step that computes several layers stands at the last of them, the "
      "others have \"v\";\nspeedup counts all of them.\n"
      "SQNR is missing where codes have a scale for each channel, and for "
      "gates.\n\n",
      report.tiles, report.runs);
}

std::string TableFoot(const LayerReport& report) {
  const auto line = [](const char* what, const NetworkTimes& times) {
    return fmt::format(
        "{}: layers add up to {} ms, {} % of a whole run of {} ms\n", what,
        FormatFixed(times.sum_ms(), 3),
        FormatFixed(kPercent * times.share(), 1),
        FormatFixed(times.whole_ms, 3));
  };
  return "\n" + line("INT8", report.int8) + line("FP32", report.fp32);
}

// The picture ---------------------------------------------------------------

constexpr int kWidthPx = 1190;
constexpr int kRowPx = 18;
constexpr int kTopPx = 60;
constexpr int kNameEndPx = 420;
constexpr int kSqnrPx = 430;  // where bars begin.
constexpr int kTimePx = 790;
constexpr int kBarsPx = 290;  // of the longest.
constexpr const char* kInt8Colour = "#1565c0";
constexpr const char* kFp32Colour = "#9e9e9e";

double Largest(const LayerReport& report,
               const std::function<double(const LayerRow&)>& value) {
  double largest = 0;
  for (const LayerRow& row : report.rows) {
    largest = std::max(largest, value(row));
  }
  return largest > 0 ? largest : 1;
}

double SqnrOf(const LayerRow& row) {
  return row.error ? row.error->sqnr_db().value_or(0) : 0;
}

// The end of a long name says most. Cut between characters.
std::string ShortName(std::string_view name) {
  constexpr size_t kMaxLetters = 64;
  std::vector<std::string_view> letters;
  for (std::string_view rest = name; !rest.empty();) {
    const size_t size = std::max<size_t>(Utf8CharacterBytes(rest), 1);
    letters.push_back(rest);
    rest.remove_prefix(size);
  }
  if (letters.size() <= kMaxLetters) return std::string(name);
  return ".." + std::string(letters[letters.size() - kMaxLetters + 2]);
}

struct Bar {
  double value = 0;
  double largest = 1;
  int x_px = 0;
  int y_px = 0;
  int height_px = 0;
  const char* colour = kInt8Colour;
};

std::string BarSvg(const Bar& bar) {
  const double width = kBarsPx * std::max(0.0, bar.value) / bar.largest;
  return fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
      bar.x_px, bar.y_px, FormatFixed(width, 1), bar.height_px, bar.colour);
}

std::string TextSvg(int x_px, int y_px, const char* anchor,
                    const std::string& text) {
  return fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
                     x_px, y_px, anchor, XmlText(text));
}

struct PictureScale {
  double sqnr_db = 1;
  double ms = 1;
};

std::string RowSvg(const LayerRow& row, int y_px, const PictureScale& scale) {
  constexpr int kTextDown = 12;
  constexpr int kGap = 6;
  constexpr int kHalfPx = 7;
  const int text_y = y_px + kTextDown;
  std::string svg = TextSvg(kNameEndPx, text_y, "end", ShortName(row.name)) +
                    BarSvg({.value = SqnrOf(row),
                            .largest = scale.sqnr_db,
                            .x_px = kSqnrPx,
                            .y_px = y_px + 1,
                            .height_px = 2 * kHalfPx}) +
                    TextSvg(kSqnrPx + kBarsPx + kGap, text_y, "start",
                            row.error ? ShownSqnr(*row.error) : "-");
  svg += BarSvg({.value = row.fp32_ms.value_or(0),
                 .largest = scale.ms,
                 .x_px = kTimePx,
                 .y_px = y_px + 1,
                 .height_px = kHalfPx,
                 .colour = kFp32Colour});
  svg += BarSvg({.value = row.int8_ms.value_or(0),
                 .largest = scale.ms,
                 .x_px = kTimePx,
                 .y_px = y_px + 1 + kHalfPx,
                 .height_px = kHalfPx});
  return svg + TextSvg(kTimePx + kBarsPx + kGap, text_y, "start",
                       Fixed(row.fp32_ms, 2, "-") + " / " +
                           Fixed(row.int8_ms, 2, "-"));
}

}  // namespace

std::string LayerTable(const LayerReport& report) {
  std::vector<Cells> lines = {{"SQNR dB", "saturated %", "range of codes",
                               "FP32 values", "max error", "INT8 ms", "FP32 ms",
                               "speedup", "kind"}};
  std::ranges::transform(report.rows, std::back_inserter(lines), TableCells);
  std::vector<size_t> widths(lines[0].size(), 0);
  for (const Cells& cells : lines) {
    for (size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], cells[i].size());
    }
  }
  std::string text = TableHead(report);
  for (size_t line = 0; line < lines.size(); ++line) {
    for (size_t i = 0; i < widths.size(); ++i) {
      text += fmt::format("{:>{}}  ", lines[line][i], widths[i]);
    }
    text += line == 0 ? "layer" : Printable(report.rows[line - 1].name);
    text += "\n";
  }
  return text + TableFoot(report);
}

std::string LayerCsv(const LayerReport& report) {
  std::string text =
      "name,kind,sqnr_db,rms,rms_error,max_error,saturated,range_min,range_max,"
      "fp32_min,fp32_max,int8_ms,fp32_ms,time_layer,speedup\n";
  for (const LayerRow& row : report.rows) {
    Cells cells = {row.name, row.kind};
    Cells error(9);
    if (row.error) {
      const LayerError& e = *row.error;
      const bool coded = e.range.has_value();
      error = {Fixed(e.sqnr_db(), kDecibelDecimals, ""),
               Number(RootMean(e.signal, e)),
               Number(RootMean(e.noise, e)),
               Number(e.max_error),
               coded ? FormatFixed(SaturatedShare(e), kShareDecimals) : "",
               coded ? Number(e.range->min) : "",
               coded ? Number(e.range->max) : "",
               Number(e.fp32_min),
               Number(e.fp32_max)};
    }
    cells.insert(cells.end(), error.begin(), error.end());
    cells.push_back(Fixed(row.int8_ms, kMsDecimals, ""));
    cells.push_back(Fixed(row.fp32_ms, kMsDecimals, ""));
    cells.push_back(row.time_layer);
    cells.push_back(Fixed(row.speedup, kDecibelDecimals, ""));
    for (const std::string& cell : cells) text += CsvCell(cell) + ",";
    text.back() = '\n';
  }
  return text;
}

std::string LayerSummary(const LayerReport& report) {
  const LayerRow* worst = nullptr;
  for (const LayerRow& row : report.rows) {
    if (!row.error || !row.error->sqnr_db()) continue;
    if (worst == nullptr || SqnrOf(row) < SqnrOf(*worst)) worst = &row;
  }
  const std::string least =
      worst == nullptr ? std::string("none")
                       : FormatFixed(SqnrOf(*worst), kDecibelDecimals) +
                             " dB at " + Printable(worst->name);
  return fmt::format(
      "least SQNR: {}\n"
      "one tile on one thread: INT8 {} ms ({} % in layers), FP32 {} ms ({} %)"
      "\n",
      least, FormatFixed(report.int8.whole_ms, 1),
      FormatFixed(kPercent * report.int8.share(), 1),
      FormatFixed(report.fp32.whole_ms, 1),
      FormatFixed(kPercent * report.fp32.share(), 1));
}

std::string LayerSvg(const LayerReport& report) {
  constexpr int kHeadPx = 24;
  const PictureScale scale = {.sqnr_db = Largest(report, SqnrOf),
                              .ms = Largest(report, [](const LayerRow& row) {
                                return std::max(row.fp32_ms.value_or(0),
                                                row.int8_ms.value_or(0));
                              })};
  const int height =
      kTopPx + kRowPx * static_cast<int>(report.rows.size()) + 10;
  std::string svg = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" "
      "height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n",
      kWidthPx, height);
  svg += TextSvg(kSqnrPx, kHeadPx, "start", "SQNR, dB") +
         TextSvg(kTimePx, kHeadPx, "start",
                 "ms: FP32 (grey) / INT8 (blue); -: at a layer below");
  int y_px = kTopPx;
  for (const LayerRow& row : report.rows) {
    svg += RowSvg(row, y_px, scale);
    y_px += kRowPx;
  }
  return svg + "</svg>\n";
}

Status WriteLayerReport(FileSystem& files, const std::string& folder,
                        const LayerReport& report) {
  CYTO8_RETURN_IF_ERROR(
      WriteFileAtomically(files, folder + "/layers.txt", LayerTable(report)));
  CYTO8_RETURN_IF_ERROR(
      WriteFileAtomically(files, folder + "/layers.csv", LayerCsv(report)));
  return WriteFileAtomically(files, folder + "/layers.svg", LayerSvg(report));
}

}  // namespace cyto8
