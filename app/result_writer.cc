// SPDX-License-Identifier: Apache-2.0
// Results as COCO and CSV; see result_writer.h.
#include "app/result_writer.h"

#include <initializer_list>

#include "base/numbers.h"
#include "base/valid_utf8.h"

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

// Empty if the scale is unknown.
std::string Micrometres(double pixels, const Mpp& mpp) {
  return mpp.is_known() ? BoxNumber(pixels * mpp.value) : "";
}

bool ReachesPastImage(const Box& box, const SlideFacts& slide) {
  return box.x_min < 0 || box.y_min < 0 ||
         box.x_max > static_cast<double>(slide.width_px) ||
         box.y_max > static_cast<double>(slide.height_px);
}

std::string CsvLine(std::initializer_list<std::string_view> cells) {
  std::string line;
  for (const std::string_view cell : cells) line += CsvCell(cell) + ",";
  line.back() = '\n';
  return line;
}

std::string DetectionLine(const SlideResult& slide, const ModelCard& card,
                          size_t index) {
  const Detection& cell = slide.cells[index];
  const Box& box = cell.box;
  const auto class_index = static_cast<size_t>(cell.class_id - 1);
  const std::string rank = std::to_string(index + 1);
  const double x_px = (box.x_min + box.x_max) / 2;
  const double y_px = (box.y_min + box.y_max) / 2;
  return CsvLine(
      {slide.identity.id, rank, card.classes[class_index].name,
       FormatFixed(cell.score, kScoreDecimals), rank, BoxNumber(box.x_min),
       BoxNumber(box.y_min), BoxNumber(box.width()), BoxNumber(box.height()),
       Micrometres(x_px, slide.mpp), Micrometres(y_px, slide.mpp),
       std::to_string(cell.tile), ReachesPastImage(box, slide) ? "edge" : ""});
}

std::string SlideLine(const SlideSummary& slide) {
  const std::string_view outcome = SlideOutcomeName(OutcomeOf(slide));
  if (!HasResult(slide)) {
    return CsvLine({slide.identity.id, slide.identity.path, outcome, "", "", "",
                    "", "", "", "", "", "", "", ErrorOf(slide), slide.notes});
  }
  return CsvLine({slide.identity.id, slide.identity.path, outcome,
                  slide.mpp.is_known() ? FormatShortest(slide.mpp.value) : "",
                  slide.mpp.source, std::to_string(slide.width_px),
                  std::to_string(slide.height_px),
                  std::to_string(slide.counts.planned),
                  std::to_string(slide.counts.background),
                  std::to_string(slide.counts.failed),
                  FormatShortest(slide.verdict.coverage),
                  ScanVerdictName(slide.verdict.verdict),
                  std::to_string(slide.boxes), "", slide.notes});
}

std::string TimingLine(const SlideSummary& slide, std::string_view host) {
  const auto text = [](double seconds) {
    return FormatFixed(seconds, kSecondsDecimals);
  };
  const StageSeconds& seconds = slide.seconds;
  return CsvLine({slide.identity.id, std::to_string(slide.attempts), host,
                  HasResult(slide) ? std::to_string(slide.counts.planned) : "",
                  text(seconds.read), text(seconds.decode),
                  text(seconds.resample), text(seconds.infer),
                  text(seconds.boxes), text(seconds.merge), text(seconds.write),
                  text(seconds.total())});
}

}  // namespace

std::string CsvCell(std::string_view text) {
  const std::string valid = ValidUtf8(text);
  if (valid.find_first_of(",\"\r\n") == std::string::npos) return valid;
  std::string quoted = "\"";
  for (const char c : valid) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

Status WriteCoco(const SlideResult& slide, const Sink& sink) {
  std::string before = "[\n ";
  for (const Detection& cell : slide.cells) {
    CYTO8_RETURN_IF_ERROR(sink(before + CocoEntry(slide.identity, cell)));
    before = ",\n ";
  }
  return sink(slide.cells.empty() ? "[\n]\n" : "\n]\n");
}

Status WriteDetectionsCsv(const SlideResult& slide, const ModelCard& card,
                          const Sink& sink) {
  CYTO8_RETURN_IF_ERROR(
      sink("slide,id,class,score,rank,x,y,w,h,x_um,y_um,tile,flags\n"));
  for (size_t i = 0; i < slide.cells.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(sink(DetectionLine(slide, card, i)));
  }
  return OkStatus();
}

Status WriteSlidesCsv(std::span<const SlideSummary> slides, const Sink& sink) {
  CYTO8_RETURN_IF_ERROR(
      sink("id,path,status,mpp,mpp_source,width_px,height_px,tiles,"
           "tiles_skipped,tiles_failed,coverage,scan,boxes,error,notes\n"));
  for (const SlideSummary& slide : slides) {
    CYTO8_RETURN_IF_ERROR(sink(SlideLine(slide)));
  }
  return OkStatus();
}

Status WriteTimingCsv(std::span<const SlideSummary> slides,
                      std::string_view host, const Sink& sink) {
  CYTO8_RETURN_IF_ERROR(
      sink("id,attempts,host,tiles,read_s,decode_s,resample_s,infer_s,boxes_s,"
           "merge_s,write_s,total_s\n"));
  for (const SlideSummary& slide : slides) {
    CYTO8_RETURN_IF_ERROR(sink(TimingLine(slide, host)));
  }
  return OkStatus();
}

}  // namespace cyto8
