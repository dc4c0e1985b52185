// SPDX-License-Identifier: Apache-2.0
// Results to text; see result_writer.h.
#include "app/result_writer.h"

#include <algorithm>
#include <vector>

#include "base/numbers.h"

namespace cyto8 {
namespace {

std::string BoxNumber(double value) { return FormatFixed(value, kBoxDecimals); }

std::string CocoEntry(const SlideIdentity& slide, const Detection& cell) {
  return "{\"image_id\": " + std::to_string(slide.image_id) +
         ", \"category_id\": " + std::to_string(cell.class_id) +
         ", \"bbox\": [" + BoxNumber(cell.box.x_min) + ", " +
         BoxNumber(cell.box.y_min) + ", " + BoxNumber(cell.box.width()) + ", " +
         BoxNumber(cell.box.height()) +
         "], \"score\": " + FormatFixed(cell.score, kScoreDecimals) + "}";
}

void AppendEntries(const SlideResult& slide, std::string& text) {
  for (const FoundCell& cell : slide.cells) {
    text += text.size() > 1 ? ",\n " : "\n ";
    text += CocoEntry(slide.identity, cell.detection);
  }
}

bool ReachesPastImage(const Box& box, const SlideResult& slide) {
  return box.x_min < 0 || box.y_min < 0 ||
         box.x_max > static_cast<double>(slide.width_px) ||
         box.y_max > static_cast<double>(slide.height_px);
}

std::string CsvLine(std::span<const std::string> cells) {
  std::string line;
  for (const std::string& cell : cells) {
    line += (line.empty() ? "" : ",") + CsvCell(cell);
  }
  return line + "\n";
}

std::string DetectionLine(const SlideResult& slide, const ModelCard& card,
                          size_t index) {
  const FoundCell& cell = slide.cells[index];
  const Box& box = cell.detection.box;
  const auto class_index = static_cast<size_t>(cell.detection.class_id - 1);
  const std::string rank = std::to_string(index + 1);
  const double x_um = (box.x_min + box.x_max) / 2 * slide.mpp.value;
  const double y_um = (box.y_min + box.y_max) / 2 * slide.mpp.value;
  const std::string cells[] = {
      slide.identity.id,
      rank,
      card.classes[class_index].name,
      FormatFixed(cell.detection.score, kScoreDecimals),
      rank,
      BoxNumber(box.x_min),
      BoxNumber(box.y_min),
      BoxNumber(box.width()),
      BoxNumber(box.height()),
      BoxNumber(x_um),
      BoxNumber(y_um),
      std::to_string(cell.tile),
      ReachesPastImage(box, slide) ? "edge" : ""};
  return CsvLine(cells);
}

std::string SlideLine(const SlideResult& slide) {
  if (!slide.status.ok()) {
    const std::string cells[] = {slide.identity.id,
                                 slide.identity.path,
                                 "failed",
                                 "",
                                 "",
                                 "",
                                 "",
                                 "",
                                 "",
                                 "",
                                 slide.status.message()};
    return CsvLine(cells);
  }
  const std::string cells[] = {slide.identity.id,
                               slide.identity.path,
                               "done",
                               FormatShortest(slide.mpp.value),
                               slide.mpp.source,
                               std::to_string(slide.width_px),
                               std::to_string(slide.height_px),
                               std::to_string(slide.tiles),
                               "0",
                               std::to_string(slide.cells.size()),
                               ""};
  return CsvLine(cells);
}

}  // namespace

std::string CsvCell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CocoText(const SlideResult& slide) {
  std::string text = "[";
  AppendEntries(slide, text);
  return text + "\n]\n";
}

std::string CocoText(std::span<const SlideResult> slides) {
  std::vector<const SlideResult*> order;
  for (const SlideResult& slide : slides) order.push_back(&slide);
  std::stable_sort(order.begin(), order.end(),
                   [](const SlideResult* a, const SlideResult* b) {
                     return a->identity.image_id < b->identity.image_id;
                   });
  std::string text = "[";
  for (const SlideResult* slide : order) AppendEntries(*slide, text);
  return text + "\n]\n";
}

std::string DetectionsCsv(const SlideResult& slide, const ModelCard& card) {
  std::string text = "slide,id,class,score,rank,x,y,w,h,x_um,y_um,tile,flags\n";
  for (size_t i = 0; i < slide.cells.size(); ++i) {
    text += DetectionLine(slide, card, i);
  }
  return text;
}

std::string SlidesCsv(std::span<const SlideResult> slides) {
  std::string text =
      "id,path,status,mpp,mpp_source,width_px,height_px,tiles,tiles_failed,"
      "boxes,error\n";
  for (const SlideResult& slide : slides) text += SlideLine(slide);
  return text;
}

}  // namespace cyto8
