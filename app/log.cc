// SPDX-License-Identifier: Apache-2.0
// Events through spdlog; see log.h. spdlog gives levels and one lock per sink;
// the lines are made here, since its patterns know no JSON, and the file is
// written through FileSystem like every other file of the program.
#include "app/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <array>
#include <chrono>
#include <ctime>
#include <mutex>
#include <utility>

#include "app/json_text.h"
#include "base/numbers.h"

namespace cyto8 {
namespace {

using SpdlogSink = spdlog::sinks::base_sink<std::mutex>;

constexpr std::array<std::pair<std::string_view, LogLevel>, 5> kLevels = {
    {{"debug", LogLevel::kDebug},
     {"info", LogLevel::kInfo},
     {"warning", LogLevel::kWarning},
     {"error", LogLevel::kError},
     {"off", LogLevel::kOff}}};

std::string_view LevelName(LogLevel level) {
  return kLevels[static_cast<size_t>(level)].first;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

std::string_view PayloadOf(const spdlog::details::log_msg& message) {
  return {message.payload.data(), message.payload.size()};
}

class ConsoleSink final : public SpdlogSink {
 public:
  explicit ConsoleSink(std::function<void(std::string_view)> console)
      : console_(std::move(console)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    console_(PayloadOf(message));
  }
  void flush_() override {}

  std::function<void(std::string_view)> console_;
};

// Every log begins with the time of its first event.
constexpr std::string_view kBeginning = "{\"time\":";

StatusOr<bool> BeginsLikeALog(FileSystem& files, int file,
                              const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(file, path));
  if (!info.is_regular) return false;
  if (info.size_bytes == 0) return true;
  std::string beginning;
  while (beginning.size() < kBeginning.size()) {
    std::array<char, kBeginning.size()> bytes{};
    CYTO8_ASSIGN_OR_RETURN(
        const int64_t count,
        files.Read(file, std::as_writable_bytes(std::span(bytes)), path));
    if (count == 0) break;
    beginning.append(bytes.data(), static_cast<size_t>(count));
  }
  return beginning.starts_with(kBeginning);
}

// So that a slip of the hand does not cost an image, nor a configuration that
// runs share the log of the first.
Status RemoveOldLog(FileSystem& files, const std::string& path) {
  const StatusOr<int> file = files.OpenForReading(path);
  if (file.status().code() == StatusCode::kNotFound) return OkStatus();
  CYTO8_RETURN_IF_ERROR(file.status());
  const StatusOr<bool> is_log = BeginsLikeALog(files, *file, path);
  const StatusOr<bool> is_free = files.TryLock(*file, path);
  CYTO8_RETURN_IF_ERROR(files.Close(*file, path));
  CYTO8_RETURN_IF_ERROR(is_log.status());
  if (is_free.ok() && !*is_free) {
    return Status(StatusCode::kUnavailable,
                  path + ": another process writes its log there");
  }
  if (*is_log) return files.Remove(path);
  return InvalidArgument(path +
                         ": is there and is not a log of cyto8: not replaced");
}

std::string UtcWithMilliseconds() {
  using std::chrono::system_clock;
  const auto now = system_clock::now();
  const std::time_t seconds =
      system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(now));
  const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(
      now - std::chrono::floor<std::chrono::seconds>(now));
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string digits = std::to_string(1000 + rest.count());
  return std::string(text.data(), size) + "." + digits.substr(1) + "Z";
}

std::string SecondsText(double seconds) {
  return FormatFixed(seconds, kSecondsDecimals);
}

std::string StagesJson(const StageSeconds& seconds) {
  return "{\"read\":" + SecondsText(seconds.read) +
         ",\"decode\":" + SecondsText(seconds.decode) +
         ",\"resample\":" + SecondsText(seconds.resample) +
         ",\"infer\":" + SecondsText(seconds.infer) +
         ",\"boxes\":" + SecondsText(seconds.boxes) +
         ",\"merge\":" + SecondsText(seconds.merge) +
         ",\"write\":" + SecondsText(seconds.write) + "}";
}

}  // namespace

// A sink that keeps its first error, since spdlog's callers hear of none.
class Log::JsonFile final : public SpdlogSink {
 public:
  JsonFile(FileSystem& files, std::string path, int file)
      : files_(files), path_(std::move(path)), file_(file) {}
  ~JsonFile() override { static_cast<void>(Close().ok()); }

  Status Close() {
    const std::lock_guard lock(mutex_);
    if (file_ < 0) return error_;
    const Status closed = files_.Close(std::exchange(file_, -1), path_);
    if (error_.ok()) error_ = closed;
    return error_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (file_ < 0 || !error_.ok()) return;
    const std::string line = std::string(PayloadOf(message)) + "\n";
    error_ = WriteAll(files_, file_, std::as_bytes(std::span(line)), path_);
  }
  void flush_() override {}

  FileSystem& files_;
  std::string path_;
  int file_;  // -1 once closed.
  Status error_;
};

struct Log::Event {
  LogLevel level = LogLevel::kInfo;
  std::string_view name = {};
  std::string fields = {};  // JSON: `,"key":value` each.
  std::string text = {};    // for people.
};

namespace {

std::string Field(std::string_view key, std::string_view json) {
  return ",\"" + std::string(key) + "\":" + std::string(json);
}
std::string TextField(std::string_view key, std::string_view text) {
  return Field(key, JsonText(text));
}
std::string NumberField(std::string_view key, int64_t value) {
  return Field(key, std::to_string(value));
}

std::string IdentityFields(const SlideIdentity& slide) {
  return TextField("slide", slide.id) + TextField("path", slide.path);
}

}  // namespace

StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  for (const auto& [name, level] : kLevels) {
    if (name == text) return level;
  }
  return InvalidArgument("\"" + std::string(text) +
                         "\": must be debug, info, warning, error or off");
}

StatusOr<Log> Log::Create(FileSystem& files, LogOptions options) {
  if (!options.clock) options.clock = UtcWithMilliseconds;
  std::shared_ptr<JsonFile> json;
  if (!options.json_file.empty()) {
    const std::string& path = options.json_file;
    CYTO8_RETURN_IF_ERROR(RemoveOldLog(files, path));
    CYTO8_ASSIGN_OR_RETURN(const int file, files.CreateNew(path));
    static_cast<void>(files.TryLock(file, path).ok());  // until it is closed.
    json = std::make_shared<JsonFile>(files, path, file);
  }
  return Log(std::move(options), std::move(json));
}

Log::Log(LogOptions options, std::shared_ptr<JsonFile> file)
    : options_(std::move(options)), file_(std::move(file)) {
  if (file_ != nullptr) {
    json_ = std::make_shared<spdlog::logger>("json", file_);
    json_->set_level(spdlog::level::trace);
  }
  if (options_.console) {
    console_ = std::make_shared<spdlog::logger>(
        "console", std::make_shared<ConsoleSink>(options_.console));
    console_->set_level(SpdlogLevel(options_.level));
  }
}

Log::Log(Log&&) noexcept = default;

Log::~Log() { static_cast<void>(Close().ok()); }

Status Log::Close() { return file_ == nullptr ? OkStatus() : file_->Close(); }

void Log::Write(const Event& event) {
  if (json_ != nullptr) {
    const std::string line =
        std::string(kBeginning) + JsonText(options_.clock()) +
        TextField("level", LevelName(event.level)) +
        TextField("event", event.name) + event.fields + "}";
    json_->log(SpdlogLevel(event.level), std::string_view(line));
  }
  if (console_ != nullptr) {
    console_->log(SpdlogLevel(event.level), std::string_view(event.text));
  }
}

void Log::RunStart(const LogRun& run) {
  Write({.name = "run_start",
         .fields = NumberField("slides", run.slides) +
                   NumberField("threads", run.threads) +
                   TextField("engine", run.engine) +
                   TextField("model", run.model),
         .text = std::to_string(run.slides) + " images, model " +
                 std::string(run.model) + ", " + std::to_string(run.threads) +
                 " threads, engine " + std::string(run.engine)});
}

void Log::SlideStart(const SlideIdentity& slide) {
  Write({.level = LogLevel::kDebug,
         .name = "slide_start",
         .fields = IdentityFields(slide),
         .text = slide.path + ": begun"});
}

void Log::SlideEnd(const SlideSummary& slide) {
  const std::string_view status = SlideOutcomeName(OutcomeOf(slide));
  const std::string fields =
      IdentityFields(slide.identity) + TextField("status", status);
  const std::string seconds = Field("seconds", StagesJson(slide.seconds));
  if (!HasResult(slide)) {
    const std::string error = ErrorOf(slide);
    Write({.level = LogLevel::kError,
           .name = "slide_failed",
           .fields = fields + TextField("error", error) + seconds,
           .text = error});
    return;
  }
  Write({.name = "slide_done",
         .fields = fields + NumberField("tiles", slide.counts.planned) +
                   NumberField("tiles_skipped", slide.counts.background) +
                   NumberField("tiles_failed", slide.counts.failed) +
                   TextField("scan", ScanVerdictName(slide.verdict.verdict)) +
                   NumberField("boxes", slide.boxes) +
                   TextField("notes", slide.notes) + seconds,
         .text = slide.identity.path + ": " + std::string(status) + ", " +
                 std::to_string(slide.boxes) + " boxes, " +
                 SecondsText(slide.seconds.total()) + " s"});
}

void Log::Warning(std::string_view message) {
  Write({.level = LogLevel::kWarning,
         .name = "warning",
         .fields = TextField("message", message),
         .text = "warning: " + std::string(message)});
}

void Log::RunEnd(std::string_view status, ExitCode exit_code, double seconds) {
  const auto code = static_cast<int64_t>(exit_code);
  Write({.name = "run_end",
         .fields = TextField("status", status) +
                   NumberField("exit_code", code) +
                   Field("seconds", SecondsText(seconds)),
         .text = std::string(status) + ", exit code " + std::to_string(code) +
                 ", " + SecondsText(seconds) + " s"});
}

}  // namespace cyto8
