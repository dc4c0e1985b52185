// SPDX-License-Identifier: Apache-2.0
// Markdown as GitHub and most readers show it; see summary_markdown.h.
#include "app/summary_markdown.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "app/console.h"
#include "base/numbers.h"
#include "base/version.h"

namespace cyto8 {
namespace {

// Rows that a person would still scroll through; slides.csv has all.
constexpr size_t kMaxRows = 1000;

// An id has letters, digits and "._-" only.
std::string IdText(const SlideSummary& slide) {
  return "`" + slide.identity.id + "`";
}

// Every character that Markdown or HTML could take as its own is escaped.
std::string Escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]()<>#+!|~&$:@";
  std::string escaped;
  for (const char c : Printable(text)) {
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string TableLine(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

// The names and the line below them; text stands left, numbers right.
std::string TableHead(const std::vector<std::string>& names,
                      size_t text_columns) {
  std::vector<std::string> rule;
  for (size_t i = 0; i < names.size(); ++i) {
    rule.emplace_back(i < text_columns ? "---" : "---:");
  }
  return TableLine(names) + TableLine(rule);
}

// What the tables count: each class, then each group of the card.
struct Column {
  std::string name;
  std::vector<int> class_ids;
};

std::vector<Column> Columns(const ModelCard& card) {
  std::vector<Column> columns;
  for (const CardClass& entry : card.classes) {
    columns.push_back({.name = Escaped(entry.name), .class_ids = {entry.id}});
  }
  for (const auto& [name, ids] : card.groups) {
    columns.push_back({.name = "group " + Escaped(name), .class_ids = ids});
  }
  return columns;
}

int64_t CountOf(const SlideSummary& slide, const Column& column) {
  int64_t count = 0;
  for (const int id : column.class_ids) {
    count += slide.cells_of_class[static_cast<size_t>(id - 1)];
  }
  return count;
}

std::string OutcomeCounts(std::span<const SlideSummary> slides) {
  std::string text = fmt::format("{}", slides.size());
  std::string_view before = ": ";
  for (const SlideOutcome outcome :
       {SlideOutcome::kDone, SlideOutcome::kPartial, SlideOutcome::kFailed,
        SlideOutcome::kHeld}) {
    const auto count = std::count_if(
        slides.begin(), slides.end(),
        [&](const SlideSummary& slide) { return OutcomeOf(slide) == outcome; });
    text += fmt::format("{}{} {}", before, count, SlideOutcomeName(outcome));
    before = ", ";
  }
  return text;
}

std::string Facts(std::span<const SlideSummary> slides, const ModelCard& card) {
  int64_t boxes = 0;
  for (const SlideSummary& slide : slides) boxes += slide.boxes;
  return TableHead({"What", "Value"}, /*text_columns=*/2) +
         TableLine({"Program", fmt::format("cyto8 {}", kVersion)}) +
         TableLine({"Model", Escaped(card.name)}) +
         TableLine({"Model SHA-256", Escaped(card.sha256)}) +
         TableLine({"Model licence", Escaped(card.licence)}) +
         TableLine({"Model um/px", FormatShortest(card.mpp)}) +
         TableLine({"Images", OutcomeCounts(slides)}) +
         TableLine({"Boxes", std::to_string(boxes)});
}

std::string ClassTable(std::span<const SlideSummary> slides,
                       const std::vector<Column>& columns) {
  std::string text = TableHead({"Class or group", "Boxes", "Images with one"},
                               /*text_columns=*/1);
  for (const Column& column : columns) {
    int64_t boxes = 0;
    int64_t images = 0;
    for (const SlideSummary& slide : slides) {
      if (!HasResult(slide)) continue;
      const int64_t count = CountOf(slide, column);
      boxes += count;
      images += count > 0 ? 1 : 0;
    }
    text +=
        TableLine({column.name, std::to_string(boxes), std::to_string(images)});
  }
  return text;
}

std::string SlideRow(const SlideSummary& slide,
                     const std::vector<Column>& columns) {
  std::vector<std::string> cells = {
      IdText(slide), Escaped(slide.identity.path),
      std::string(SlideOutcomeName(OutcomeOf(slide)))};
  const bool has_result = HasResult(slide);
  if (has_result) {
    cells.push_back(fmt::format("{} x {}", slide.width_px, slide.height_px));
    cells.push_back(slide.mpp.is_known() ? FormatShortest(slide.mpp.value)
                                         : "");
    cells.push_back(
        fmt::format("{}/{}", slide.counts.scored, slide.counts.planned));
    cells.push_back(std::to_string(slide.counts.background));
    cells.emplace_back(ScanVerdictName(slide.verdict.verdict));
    cells.push_back(std::to_string(slide.boxes));
  } else {
    cells.insert(cells.end(), {"", "", "", "", "", ""});
  }
  for (const Column& column : columns) {
    cells.push_back(has_result ? std::to_string(CountOf(slide, column)) : "");
  }
  return TableLine(cells);
}

Status WriteRest(size_t all, const Sink& sink) {
  if (all <= kMaxRows) return OkStatus();
  return sink(fmt::format("\n{} more: see slides.csv.\n", all - kMaxRows));
}

Status WriteSlideTable(std::span<const SlideSummary> slides,
                       const std::vector<Column>& columns, const Sink& sink) {
  std::vector<std::string> names = {"Id",         "Image", "Status",
                                    "Size px",    "um/px", "Tiles",
                                    "Background", "Scan",  "Boxes"};
  for (const Column& column : columns) names.push_back(column.name);
  CYTO8_RETURN_IF_ERROR(
      sink("\n## Images\n\n" + TableHead(names, /*text_columns=*/3)));
  for (const SlideSummary& slide :
       slides.first(std::min(slides.size(), kMaxRows))) {
    CYTO8_RETURN_IF_ERROR(sink(SlideRow(slide, columns)));
  }
  return WriteRest(slides.size(), sink);
}

// A list of what is to be said of some images; nothing if of none.
template <typename TextOf>
Status WriteList(std::string_view title, std::span<const SlideSummary> slides,
                 const TextOf& text_of, const Sink& sink) {
  size_t count = 0;
  for (const SlideSummary& slide : slides) {
    const std::string text = text_of(slide);
    if (text.empty() || ++count > kMaxRows) continue;
    if (count == 1) {
      CYTO8_RETURN_IF_ERROR(sink(fmt::format("\n## {}\n\n", title)));
    }
    CYTO8_RETURN_IF_ERROR(
        sink(fmt::format("- {}: {}\n", IdText(slide), Escaped(text))));
  }
  return WriteRest(count, sink);
}

// Why the scan of an image is not OK; empty if it is.
std::string VerdictText(const SlideSummary& slide) {
  if (!HasResult(slide) || slide.verdict.may_be_negative()) return "";
  return VerdictLine(slide.verdict);
}

constexpr std::string_view kFiles = R"(
## Files

- `slides/<id>/overlay.jpg`: the image with its boxes; `heatmap.png`: where they are, in small; `thumbnail.jpg`: a slide, in small.
- `slides/<id>/detections.csv`, `coco.json`, `detections.geojson.gz`: the boxes, in level-0 pixels, best first.
- `slides.csv`, `coco_results.json`: all images; `run.json`: what was run and how; `timing.csv`: how long it took.

To look at the boxes in QuPath (0.4 or newer): open the image there, then drop its `detections.geojson.gz` on the viewer. Boxes arrive as
detections in the colours of their classes, with `score` and `rank` as measurements; *Measure > Show measurement maps* colours them by score.
)";

}  // namespace

Status WriteSummaryMarkdown(std::span<const SlideSummary> slides,
                            const ModelCard& card, const Sink& sink) {
  const std::vector<Column> columns = Columns(card);
  CYTO8_RETURN_IF_ERROR(
      sink(fmt::format("# Cyto8 run\n\n**{}**\n\n", kResearchNotice)));
  CYTO8_RETURN_IF_ERROR(sink(Facts(slides, card)));
  CYTO8_RETURN_IF_ERROR(sink("\n## Cells\n\n" + ClassTable(slides, columns)));
  CYTO8_RETURN_IF_ERROR(WriteSlideTable(slides, columns, sink));
  CYTO8_RETURN_IF_ERROR(
      WriteList("Images without a result", slides, ErrorOf, sink));
  CYTO8_RETURN_IF_ERROR(
      WriteList("Not to be called negative", slides, VerdictText, sink));
  CYTO8_RETURN_IF_ERROR(WriteList(
      "Notes", slides, [](const SlideSummary& slide) { return slide.notes; },
      sink));
  return sink(kFiles);
}

}  // namespace cyto8
