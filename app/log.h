// SPDX-License-Identifier: Apache-2.0
// What happened in a run, as events: to the console by level, and on request
// all of them as JSON lines to a file. An object that is passed on; spdlog's
// registry is not used. Tested by tests/app/log_test.cc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "app/exit_code.h"
#include "app/score_result.h"
#include "base/file_system.h"
#include "base/status.h"

namespace spdlog {
class logger;
}  // namespace spdlog

namespace cyto8 {

enum class LogLevel { kDebug, kInfo, kWarning, kError, kOff };

// "debug", "info", "warning", "error", "off", as CYTO8_LOG has them.
StatusOr<LogLevel> ParseLogLevel(std::string_view text);

struct LogOptions {
  LogLevel level = LogLevel::kError;  // from which on the console shows events.
  std::string json_file = {};         // empty: none.
  // One message, without a line end; none: nothing is shown.
  std::function<void(std::string_view)> console = {};
  // When an event happens, for the JSON lines; none: the UTC of the process,
  // "2026-01-31T12:00:00.000Z".
  std::function<std::string()> clock = {};
};

struct LogRun {
  int64_t slides = 0;
  int64_t threads = 0;
  std::string_view engine = {};
  std::string_view model = {};
};

// Thread-safe, movable. An event never fails its caller: what kept a line from
// the file is told by Close(). Each line is written at once.
//
// JSON file: one object a line, valid UTF-8 whatever the names hold:
// {"time", "level", "event", ...}. Events, their level and further keys:
//   run_start     info     slides, threads, engine, model
//   slide_start   debug    slide, path
//   slide_done    info     slide, path, status, tiles, tiles_failed, boxes,
//                          notes, seconds
//   slide_failed  error    slide, path, status, error, seconds
//   warning       warning  message
//   run_end       info     status, exit_code, seconds
// `slide` is the id, `seconds` of a slide an object by stage.
class Log {
 public:
  // A JSON file of an earlier run is replaced; kUnavailable while another
  // process writes it. kInvalidArgument, and nothing is touched, if something
  // else bears that name: no regular file, or one that does not begin like a
  // log.
  static StatusOr<Log> Create(FileSystem& files, LogOptions options);
  Log(Log&&) noexcept;
  ~Log();  // Close().

  void RunStart(const LogRun& run);
  void SlideStart(const SlideIdentity& slide);
  void SlideEnd(const SlideSummary& slide);
  void Warning(std::string_view message);
  void RunEnd(std::string_view status, ExitCode exit_code, double seconds);

  // The first error of the JSON file, if any.
  Status Close();

 private:
  class JsonFile;
  struct Event;
  Log(LogOptions options, std::shared_ptr<JsonFile> file);
  void Write(const Event& event);

  LogOptions options_;
  std::shared_ptr<JsonFile> file_;           // null: none.
  std::shared_ptr<spdlog::logger> json_;     // to file_; null: none.
  std::shared_ptr<spdlog::logger> console_;  // null: none.
};

}  // namespace cyto8
