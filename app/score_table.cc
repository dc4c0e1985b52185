// SPDX-License-Identifier: Apache-2.0
// The table of a run; see score_table.h.
#include "app/score_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/console.h"
#include "base/numbers.h"
#include "base/version.h"

namespace cyto8 {
namespace {

using Row = std::vector<std::string>;

constexpr int kSecondsDecimals = 2;

Row Header(const ModelCard& card) {
  Row row = {"image", "size px", "um/px", "tiles"};
  for (const CardClass& entry : card.classes) row.push_back(entry.name);
  for (const char* stage : {"read s", "decode", "resample", "infer", "boxes",
                            "merge", "write"}) {
    row.push_back(stage);
  }
  return row;
}

// Control characters, which may stand in a file's name, would break the line.
std::string ShortName(const std::string& path) {
  constexpr size_t kMaxName = 24;
  const std::string name = Printable(path.substr(path.rfind('/') + 1));
  if (name.size() <= kMaxName) return name;
  return name.substr(0, kMaxName - 2) + "..";
}

Row SlideRow(const SlideResult& slide, const ModelCard& card) {
  Row row = {ShortName(slide.identity.path)};
  if (!slide.status.ok()) {
    row.push_back("failed");
    return row;
  }
  row.push_back(fmt::format("{}x{}", slide.width_px, slide.height_px));
  row.push_back(FormatShortest(slide.mpp.value));
  row.push_back(std::to_string(slide.tiles));
  for (const CardClass& entry : card.classes) {
    row.push_back(std::to_string(CellsOfClass(slide, entry.id)));
  }
  const StageSeconds& seconds = slide.seconds;
  for (const double value : {seconds.read, seconds.decode, seconds.resample,
                             seconds.infer, seconds.boxes, seconds.merge,
                             seconds.write}) {
    row.push_back(FormatFixed(value, kSecondsDecimals));
  }
  return row;
}

std::string Aligned(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = fmt::format("{:<{}}", row[0], widths[0]);
    for (size_t i = 1; i < row.size(); ++i) {
      line += fmt::format("  {:>{}}", row[i], widths[i]);
    }
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string ScoreTable(std::span<const SlideResult> slides,
                       const ModelCard& card, const std::string& output) {
  std::vector<Row> rows = {Header(card)};
  for (const SlideResult& slide : slides) rows.push_back(SlideRow(slide, card));
  return Aligned(rows) +
         fmt::format("\nResults, one folder an image: {}/slides/\n", output) +
         fmt::format("{}\n", kResearchNotice);
}

}  // namespace cyto8
