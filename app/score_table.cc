// SPDX-License-Identifier: Apache-2.0
// The table of a run; see score_table.h.
#include "app/score_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/console.h"
#include "base/numbers.h"
#include "base/valid_utf8.h"
#include "base/version.h"

namespace cyto8 {
namespace {

using Row = std::vector<std::string>;

constexpr int kShownDecimals = 2;  // of seconds.

Row Header(const ModelCard& card) {
  Row row = {"image", "size px", "um/px", "tiles"};
  for (const CardClass& entry : card.classes) row.push_back(entry.name);
  for (const char* stage :
       {"read s", "decode", "resample", "infer", "boxes", "merge", "write"}) {
    row.push_back(stage);
  }
  return row;
}

// Letters, more or less: bytes that begin a character.
size_t Letters(std::string_view text) {
  constexpr unsigned char kKindOfByte = 0xc0;
  constexpr unsigned char kContinuation = 0x80;
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & kKindOfByte) != kContinuation;
      }));
}

// Control characters, which may stand in a file's name, would break the line.
// Cut between characters.
std::string ShortName(const std::string& path) {
  constexpr size_t kMaxLetters = 24;
  const std::string name = Printable(path.substr(path.rfind('/') + 1));
  if (Letters(name) <= kMaxLetters) return name;
  size_t bytes = 0;
  for (size_t i = 0; i < kMaxLetters - 2; ++i) {
    bytes += Utf8CharacterBytes(std::string_view(name).substr(bytes));
  }
  return name.substr(0, bytes) + "..";
}

// Scored ones of those that are no background, where they differ.
std::string TilesText(const SlideCounts& counts) {
  const int64_t due = counts.planned - counts.background;
  if (counts.scored == due) return std::to_string(due);
  return fmt::format("{}/{}", counts.scored, due);
}

Row SlideRow(const SlideSummary& slide, const ModelCard& card) {
  Row row = {ShortName(slide.identity.path)};
  const SlideOutcome outcome = OutcomeOf(slide);
  if (!HasResult(slide)) {
    row.emplace_back(SlideOutcomeName(outcome));
    return row;
  }
  row.push_back(fmt::format("{}x{}", slide.width_px, slide.height_px));
  row.push_back(slide.mpp.is_known() ? FormatShortest(slide.mpp.value) : "-");
  row.push_back(TilesText(slide.counts));
  for (size_t i = 0; i < card.classes.size(); ++i) {
    row.push_back(std::to_string(slide.cells_of_class[i]));
  }
  const StageSeconds& seconds = slide.seconds;
  for (const double value :
       {seconds.read, seconds.decode, seconds.resample, seconds.infer,
        seconds.boxes, seconds.merge, seconds.write}) {
    row.push_back(FormatFixed(value, kShownDecimals));
  }
  return row;
}

// Spaces that make the cell so many letters wide.
std::string Padding(const std::string& cell, size_t width) {
  return std::string(width - Letters(cell), ' ');
}

void Widen(const Row& row, std::vector<size_t>& widths) {
  widths.resize(std::max(widths.size(), row.size()));
  for (size_t i = 0; i < row.size(); ++i) {
    widths[i] = std::max(widths[i], Letters(row[i]));
  }
}

std::string Line(const Row& row, const std::vector<size_t>& widths) {
  std::string line = row[0] + Padding(row[0], widths[0]);
  for (size_t i = 1; i < row.size(); ++i) {
    line += "  " + Padding(row[i], widths[i]) + row[i];
  }
  return line + "\n";
}

}  // namespace

std::string ScoreTable(std::span<const SlideSummary> slides,
                       const ModelCard& card, const std::string& output) {
  // Rows are made twice rather than kept: a run may have 100,000 of them.
  std::vector<size_t> widths;
  Widen(Header(card), widths);
  for (const SlideSummary& slide : slides) {
    Widen(SlideRow(slide, card), widths);
  }
  std::string text = Line(Header(card), widths);
  for (const SlideSummary& slide : slides) {
    text += Line(SlideRow(slide, card), widths);
  }
  for (const SlideSummary& slide : slides) {
    if (!HasResult(slide) || slide.verdict.may_be_negative()) continue;
    text += fmt::format("{}: {}\n", ShortName(slide.identity.path),
                        VerdictLine(slide.verdict));
  }
  return text +
         fmt::format("\nResults, one folder an image: {}/slides/\n", output) +
         fmt::format("{}\n", kResearchNotice);
}

}  // namespace cyto8
