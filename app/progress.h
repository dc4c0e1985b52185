// SPDX-License-Identifier: Apache-2.0
// How far a run is: a bar with the time that is left on a terminal, plain lines
// elsewhere, on stderr. It has no colours, so NO_COLOR asks for nothing. Tested
// by tests/app/progress_test.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace cyto8 {

struct ProgressOptions {
  int64_t slides = 0;     // of the run.
  bool quiet = false;     // errors only.
  bool animated = false;  // a bar in one line, else lines.
  int64_t columns = 80;   // of the terminal.
  // Seconds, never falling.
  std::function<double()> clock = {};
  // To stderr, in one piece.
  std::function<void(std::string_view)> output = {};
};

// With the clock and the stderr of the process. Animated on a terminal that
// TERM does not call dumb; as wide as COLUMNS says, else as the terminal does.
ProgressOptions ProgressOnStderr(
    const std::map<std::string, std::string, std::less<>>& environment);

// How one image ended.
struct ProgressSlide {
  std::string_view name;  // as given; shown without control characters.
  bool has_result = false;
  int64_t cells = 0;
  double seconds = 0;
};

// Thread-safe. The bar is drawn when something happened, at most 10 times a
// second; a plain line between finished images at most every 10 seconds.
class Progress {
 public:
  explicit Progress(ProgressOptions options);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // Finish().

  // The first sign of life, at once: "185 images".
  void Start();

  // `slide` is any number that is this image's alone. An image that fails
  // before it has tiles is only done.
  void SlideOpened(int64_t slide, int64_t tiles);
  // Tiles that need no more work, failed ones too.
  void TilesDone(int64_t slide, int64_t count);
  void SlideDone(int64_t slide, const ProgressSlide& result);

  // "cyto8: message" in a line of its own, quiet or not, and never mixed with
  // the bar. For errors.
  void Message(std::string_view message);
  // The same, not if quiet.
  void Note(std::string_view message);

  // Wipes the bar; nothing is shown afterwards but messages.
  void Finish();

 private:
  struct OpenSlide {
    int64_t tiles = 0;
    int64_t done = 0;
  };
  struct Estimate {
    int64_t tiles = 0;      // of the whole run.
    bool is_exact = false;  // every image was opened.
    double tiles_per_s = 0;
    std::optional<double> seconds_left = std::nullopt;
  };

  bool shows() const { return !options_.quiet && !finished_; }
  Estimate EstimateRest(double now) const;
  std::string Figures(double now) const;
  std::string BarLine(double now) const;
  void Refresh();
  void WipeBar();
  void Line(std::string_view text);

  const ProgressOptions options_;
  std::mutex mutex_;  // guards everything below, and the order of output.
  std::map<int64_t, OpenSlide> open_ = {};
  int64_t slides_opened_ = 0;
  int64_t slides_done_ = 0;
  int64_t slides_failed_ = 0;
  int64_t slides_without_tiles_ = 0;  // done and never opened.
  int64_t tiles_known_ = 0;           // of all images that were opened.
  int64_t tiles_done_ = 0;
  std::optional<double> first_tile_ = std::nullopt;  // when work began.
  std::optional<double> last_shown_ = std::nullopt;
  bool bar_stands_ = false;
  bool finished_ = false;
};

}  // namespace cyto8
