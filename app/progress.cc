// SPDX-License-Identifier: Apache-2.0
// Progress on stderr; see progress.h.
#include "app/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "app/console.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

constexpr double kBarSeconds = 0.1;    // between two drawings.
constexpr double kLineSeconds = 10.0;  // between two plain lines.
constexpr std::string_view kWipe = "\r\x1b[K";

double SteadySeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string_view ValueOf(
    const std::map<std::string, std::string, std::less<>>& environment,
    std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? "" : std::string_view(found->second);
}

int64_t Columns(std::string_view text) {
  constexpr int64_t kUsual = 80;
  constexpr int64_t kMost = 10'000;
  const StatusOr<int64_t> given = ParseInt64(text);
  if (given.ok() && *given > 0) return std::min(*given, kMost);
  return StderrColumns().value_or(kUsual);
}

// "1:02:03", hours without limit.
std::string ClockText(double seconds) {
  constexpr double kLongest =
      359'999'999;  // 99,999 hours; not a number of days.
  const auto whole =
      static_cast<int64_t>(std::clamp(std::ceil(seconds), 0.0, kLongest));
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60,
                     whole % 60);
}

std::string Bar(double part, int64_t cells) {
  const auto full = static_cast<int64_t>(part * static_cast<double>(cells));
  return "[" + std::string(static_cast<size_t>(full), '#') +
         std::string(static_cast<size_t>(cells - full), '.') + "] ";
}

double Ratio(int64_t part, int64_t whole) {
  if (whole <= 0) return 0;
  return std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

ProgressOptions ProgressOnStderr(
    const std::map<std::string, std::string, std::less<>>& environment) {
  return {
      .animated = StderrIsTerminal() && ValueOf(environment, "TERM") != "dumb",
      .columns = Columns(ValueOf(environment, "COLUMNS")),
      .clock = SteadySeconds,
      .output = PrintToStderr};
}

Progress::Progress(ProgressOptions options) : options_(std::move(options)) {}

Progress::~Progress() { Finish(); }

void Progress::Start() {
  const std::lock_guard lock(mutex_);
  if (!options_.animated) {
    Line(fmt::format("{} image{}", options_.slides,
                     options_.slides == 1 ? "" : "s"));
  } else {
    Refresh();
  }
}

void Progress::SlideOpened(int64_t slide, int64_t tiles) {
  const std::lock_guard lock(mutex_);
  open_[slide] = {.tiles = tiles};
  ++slides_opened_;
  tiles_known_ += tiles;
  if (!first_tile_) first_tile_ = options_.clock();
  Refresh();
}

void Progress::TilesDone(int64_t slide, int64_t count) {
  const std::lock_guard lock(mutex_);
  OpenSlide& open = open_[slide];
  const int64_t added = std::min(count, open.tiles - open.done);
  open.done += added;
  tiles_done_ += added;
  Refresh();
}

void Progress::SlideDone(int64_t slide, const ProgressSlide& result) {
  const std::lock_guard lock(mutex_);
  const auto open = open_.find(slide);
  if (open == open_.end()) {
    ++slides_without_tiles_;
  } else {
    tiles_done_ += open->second.tiles - open->second.done;
    open_.erase(open);
  }
  ++slides_done_;
  if (!result.has_result) ++slides_failed_;
  if (options_.animated) {
    Refresh();
    return;
  }
  const std::string outcome =
      result.has_result ? fmt::format("{} cells", result.cells) : "failed";
  Line(fmt::format("[{}/{}] {}: {}, {} s", slides_done_, options_.slides,
                   result.name, outcome, FormatFixed(result.seconds, 2)));
}

void Progress::Message(std::string_view message) {
  const std::lock_guard lock(mutex_);
  WipeBar();
  options_.output("cyto8: " + Printable(message) + "\n");
}

void Progress::Note(std::string_view message) {
  if (!options_.quiet) Message(message);
}

void Progress::Finish() {
  const std::lock_guard lock(mutex_);
  WipeBar();
  finished_ = true;
}

// Images that were not opened yet are taken to be like those that were.
Progress::Estimate Progress::EstimateRest(double now) const {
  Estimate rest;
  const int64_t with_tiles = options_.slides - slides_without_tiles_;
  rest.is_exact = slides_opened_ >= with_tiles;
  rest.tiles = tiles_known_;
  if (!rest.is_exact && slides_opened_ > 0) {
    const double mean =
        static_cast<double>(tiles_known_) / static_cast<double>(slides_opened_);
    rest.tiles = std::llround(mean * static_cast<double>(with_tiles));
  }
  const double worked = first_tile_ ? now - *first_tile_ : 0;
  if (tiles_done_ == 0 || worked <= 0) return rest;
  rest.tiles_per_s = static_cast<double>(tiles_done_) / worked;
  rest.seconds_left =
      static_cast<double>(rest.tiles - tiles_done_) / rest.tiles_per_s;
  return rest;
}

std::string Progress::Figures(double now) const {
  const Estimate rest = EstimateRest(now);
  const std::string failures =
      slides_failed_ > 0 ? fmt::format(", {} failed", slides_failed_) : "";
  if (slides_opened_ == 0) {
    return fmt::format("{}/{} images{}", slides_done_, options_.slides,
                       failures);
  }
  constexpr double kPercent = 100;
  return fmt::format(
      "{} % of {}{} tiles, {}/s, {}/{} images, {} left{}",
      static_cast<int64_t>(kPercent * Ratio(tiles_done_, rest.tiles)),
      rest.is_exact ? "" : "~", rest.tiles, FormatFixed(rest.tiles_per_s, 1),
      slides_done_, options_.slides,
      rest.seconds_left ? ClockText(*rest.seconds_left) : "-:--:--", failures);
}

// Never as wide as the terminal, which would break the line.
std::string Progress::BarLine(double now) const {
  constexpr int64_t kWidestBar = 30;
  constexpr int64_t kNarrowestBar = 5;
  constexpr int64_t kFrame = 3;  // brackets and a space.
  const std::string figures = Figures(now);
  const int64_t room = std::max<int64_t>(options_.columns - 1, 0);
  const int64_t cells = std::min(
      kWidestBar, room - kFrame - static_cast<int64_t>(figures.size()));
  const double part = Ratio(tiles_done_, EstimateRest(now).tiles);
  const std::string line =
      cells >= kNarrowestBar ? Bar(part, cells) + figures : figures;
  return line.substr(0, static_cast<size_t>(room));
}

void Progress::Refresh() {
  if (!shows()) return;
  const double now = options_.clock();
  const double pause = options_.animated ? kBarSeconds : kLineSeconds;
  if (last_shown_ && now - *last_shown_ < pause) return;
  if (options_.animated) {
    options_.output(std::string(kWipe) + BarLine(now));
    bar_stands_ = true;
    last_shown_ = now;
  } else {
    Line(Figures(now));
  }
}

void Progress::WipeBar() {
  if (bar_stands_) options_.output(kWipe);
  bar_stands_ = false;
  last_shown_.reset();
}

void Progress::Line(std::string_view text) {
  if (!shows()) return;
  options_.output("cyto8: " + Printable(text) + "\n");
  last_shown_ = options_.clock();
}

}  // namespace cyto8
