// SPDX-License-Identifier: Apache-2.0
// Scoring a list of images; see score_command.h.
#include "app/score_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/anonymize.h"
#include "app/console.h"
#include "app/cpu_quota.h"
#include "app/dry_run.h"
#include "app/execution.h"
#include "app/input_list.h"
#include "app/isolated_run.h"
#include "app/load_model.h"
#include "app/log.h"
#include "app/memory_plan.h"
#include "app/progress.h"
#include "app/run_manifest.h"
#include "app/score_inputs.h"
#include "app/score_pipeline.h"
#include "app/score_sink.h"
#include "app/score_table.h"
#include "app/settings_table.h"
#include "app/slide_files.h"
#include "app/slide_ledger.h"
#include "app/stop_signal.h"
#include "app/stopwatch.h"
#include "base/atomic_file.h"
#include "base/file_lock.h"
#include "base/version.h"

namespace cyto8 {
namespace {

// What one image's failure means for the run; a failure of one image alone
// never refuses the others.
ExitCode ExitCodeOfSlide(const Status& status) {
  const ExitCode code = ExitCodeOf(status);
  return code == ExitCode::kRefused ? ExitCode::kPartial : code;
}

// Of a run over `images` images, some of which ended in failures.
ExitCode ExitCodeOfRun(int64_t images, std::span<const Status> failures) {
  ExitCode code = ExitCode::kWhole;
  bool all_unreadable = true;
  for (const Status& failure : failures) {
    const ExitCode slide = ExitCodeOfSlide(failure);
    all_unreadable = all_unreadable && slide == ExitCode::kPartial;
    code = Worse(code, slide);
  }
  const bool none_whole = std::ssize(failures) == images;
  return none_whole && all_unreadable ? ExitCode::kNoInput : code;
}

// Where a run was to stop at failures, what it left undone is none.
std::vector<Status> FailuresOf(std::span<const SlideSummary> slides,
                               bool held_count) {
  std::vector<Status> failures;
  for (const SlideSummary& slide : slides) {
    if (HasResult(slide)) continue;
    if (!held_count && OutcomeOf(slide) == SlideOutcome::kHeld) continue;
    failures.push_back(slide.status.ok() ? DataLoss(ErrorOf(slide))
                                         : slide.status);
  }
  return failures;
}

// Tiles of an image without a result while others have one; coverage below
// what was asked for.
ExitCode ExitCodeOfCoverage(std::span<const SlideSummary> slides) {
  ExitCode code = ExitCode::kWhole;
  for (const SlideSummary& slide : slides) {
    if (OutcomeOf(slide) == SlideOutcome::kPartial) {
      code = Worse(code, ExitCode::kPartial);
    }
    const bool is_low = std::ranges::any_of(
        slide.verdict.reasons, [](const ReasonText& reason) {
          return reason.reason == VerdictReason::kLowCoverage;
        });
    if (HasResult(slide) && is_low) code = Worse(code, ExitCode::kDegraded);
  }
  return code;
}

// As many as asked for, else as many as the process may use.
int64_t ThreadsOf(FileSystem& files, const ScoreRequest& request) {
  const int64_t asked = request.resolved.settings.run.threads;
  if (asked > 0) return asked;
  return UsableCpus(ProbeResources(files, request.environment));
}

std::string EngineName(Engine engine) {
  return engine == Engine::kOneDnn ? "onednn" : "naive";
}

std::string ScheduleName(Schedule schedule) {
  return schedule == Schedule::kLatency ? "latency" : "throughput";
}

ProgressOptions ProgressOf(const ScoreRequest& request, int64_t slides) {
  ProgressOptions options = ProgressOnStderr(request.environment);
  options.slides = slides;
  options.quiet = request.resolved.settings.run.quiet;
  return options;
}

bool MergesBySuppression(const PostprocessSettings& settings) {
  return settings.merge == MergeMethod::kNms &&
         settings.match_metric == MergeMetric::kIou;
}

// Where boxes are fused, or matched in another way than inside tiles, none may
// be suppressed before. None: as the card says.
std::optional<double> SuppressionInTiles(const PostprocessSettings& settings) {
  return MergesBySuppression(settings) ? settings.match_threshold
                                       : std::optional<double>(1.0);
}

// Keys of settings that change no candidate: what becomes of them comes later,
// or nothing does.
constexpr std::array<std::string_view, 25> kBehindCandidates = {
    "input.model",
    "input.mpp",
    "input.mpp_from",
    "tiling.roi",
    "postprocess.min_score",
    "postprocess.class_min_score",
    "postprocess.merge",
    "postprocess.match_metric",
    "postprocess.match_threshold",
    "quality.min_coverage",
    "output.output",
    "output.overlays",
    "output.heatmaps",
    "output.thumbnails",
    "output.anonymize",
    "run.threads",
    "run.schedule",
    "run.isa",
    "run.on_error",
    "run.max_failures",
    "run.isolate",
    "run.isolate_mib",
    "run.budget_s",
    "run.quiet",
    "run.log_json"};
// Of those, the ones that change results. Candidates are kept of a whole slide
// only, which fits any budget.
constexpr std::array<std::string_view, 10> kOfResults = {
    "postprocess.min_score",
    "postprocess.class_min_score",
    "postprocess.merge",
    "postprocess.match_metric",
    "postprocess.match_threshold",
    "quality.min_coverage",
    "output.overlays",
    "output.heatmaps",
    "output.thumbnails",
    "run.budget_s"};

bool IsIn(std::string_view key, std::span<const std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

// One run of the command: what was asked for, and what it takes.
class ScoreRun {
 public:
  ScoreRun(FileSystem& files, const ScoreRequest& request)
      : files_(files),
        request_(request),
        settings_(request.resolved.settings),
        threads_(ThreadsOf(files, request)) {}

  StatusOr<ExitCode> Run();

 private:
  Status ListImages();
  Status ReadModel();
  StatusOr<SlidePlanner> MakePlanner() const;
  Schedule ScheduleFor(const SlidePlanner& planner) const;
  std::string IsaInUse() const;
  StatusOr<ExitCode> DescribeOnly(const SlidePlanner& planner);
  MergeOptions Merging() const;
  StatusOr<std::shared_ptr<const Detector>> DetectorFor(
      int64_t width_px, int64_t height_px) const;
  Status RunPipeline(const SlidePlanner& planner,
                     std::span<const SlideInput> inputs, ScoreSink& sink);
  ScoreSinkContext SinkContext(SlideLedger& ledger, Progress& progress,
                               Log& log) const;
  void ScoreInChildren(const SlidePlanner& planner, SlideLedger& ledger,
                       ScoreSink& sink);
  Status ScoreInChild(const SlidePlanner& planner, const SlideInput& input,
                      SlideLedger& ledger);
  StatusOr<std::unique_ptr<SlideLedger>> MakeLedger() const;
  bool SuppressesInTiles() const;
  bool EnoughFailed(const ScoreSink& sink) const;
  StatusOr<FileLock> LockOfTables() const;
  StatusOr<ExitCode> WriteTables(ScoreSink& sink);
  ExitCode CodeOf(std::span<const Status> failures) const;
  MemoryPlan Memory(int64_t pixel_bytes) const;
  RunFacts Facts(ExitCode exit_code, const ScoreSink& sink) const;
  StatusOr<Log> MakeLog();
  StatusOr<ExitCode> ScoreAll(const SlidePlanner& planner, Log& log);

  FileSystem& files_;
  const ScoreRequest& request_;
  const ScoreSettings& settings_;
  int64_t threads_;
  std::optional<Progress> progress_;  // from when the images are known.
  double seconds_ = 0;                // of scoring.
  StopSignal stop_;
  std::string started_ = UtcNow();
  int64_t started_ns_ = NanosecondsNow();
  std::vector<SlideInput> inputs_;
  int64_t unreadable_folders_ = 0;
  Isa isa_ = Isa::kPlain;
  LoadedModel model_;
  Schedule schedule_ = Schedule::kThroughput;
  int64_t loaded_bytes_ = 0;  // resident with the model.
};

// The images of files and folders; says what was passed over.
Status ScoreRun::ListImages() {
  const bool anonymous = !settings_.output.anonymize.empty();
  const StatusOr<InputList> list = ListInputs(
      files_, request_.images,
      {.output = settings_.output.output, .limits = request_.limits});
  if (!list.ok()) return anonymous ? WithoutName(list.status()) : list.status();
  for (const Status& folder : list->unreadable) {
    PrintMessage((anonymous ? WithoutName(folder) : folder).message());
  }
  const std::string left_out = DescribeLeftOut(*list);
  if (!left_out.empty() && !anonymous) PrintMessage(left_out);
  unreadable_folders_ = std::ssize(list->unreadable);
  CYTO8_ASSIGN_OR_RETURN(
      inputs_, DescribeInputs(files_, list->images, settings_, request_.limits,
                              request_.dry_run));
  return OkStatus();
}

Status ScoreRun::ReadModel() {
  const InputSettings& input = settings_.input;
  const PostprocessSettings& postprocess = settings_.postprocess;
  CYTO8_ASSIGN_OR_RETURN(isa_, ChooseIsa(settings_.run.isa, UsableIsas()));
  CYTO8_ASSIGN_OR_RETURN(
      model_,
      LoadModel(files_, {.path = input.model,
                         .engine = settings_.run.engine,
                         .isa = isa_,
                         .class_agnostic = postprocess.class_agnostic,
                         .min_score = postprocess.min_score,
                         .class_min_score = postprocess.class_min_score,
                         .iou_threshold = SuppressionInTiles(postprocess),
                         .keep_candidates = true,
                         .tile_px = settings_.tiling.tile_px,
                         .other_sizes = settings_.tiling.fit,
                         .limits = request_.limits}));
  loaded_bytes_ = ResidentBytes();
  return OkStatus();
}

StatusOr<SlidePlanner> ScoreRun::MakePlanner() const {
  const TilingSettings& tiling = settings_.tiling;
  const bool resizes = tiling.mode == TilingMode::kResize;
  if (resizes && !tiling.roi.empty()) {
    return InvalidArgument("tiling.roi: needs tiling.mode = tiles");
  }
  return SlidePlanner::Create(
      files_, {.mode = tiling.mode,
               .model_mpp = tiling.target_mpp.value_or(model_.card.mpp),
               .grid = {.tile_width_px = model_.detector->tile_width_px(),
                        .tile_height_px = model_.detector->tile_height_px(),
                        .overlap_px = resizes ? 0 : tiling.overlap_px,
                        .edge = tiling.edge},
               .skip_background = tiling.skip_background,
               .darkest_first = settings_.run.budget_s.has_value(),
               .limits = request_.limits});
}

// Counting tiles opens images, so they are counted only where it matters, and
// not where only children may open any.
Schedule ScoreRun::ScheduleFor(const SlidePlanner& planner) const {
  ScheduleFacts facts = {.is_quantized = !model_.provenance.empty(),
                         .threads = threads_};
  const int64_t enough = UsefulThreads(threads_);
  const bool may_matter = settings_.run.schedule == Schedule::kAuto &&
                          facts.is_quantized && enough > 1 &&
                          !settings_.run.isolate;
  facts.tiles = may_matter ? CountTiles(planner, inputs_, enough) : enough;
  return ChooseSchedule(settings_.run.schedule, facts);
}

// The reference engine has no other kernels than plain loops.
std::string ScoreRun::IsaInUse() const {
  const bool is_naive = settings_.run.engine == Engine::kNaive;
  return std::string(IsaName(is_naive ? Isa::kPlain : isa_));
}

// A folder that could not be looked into may have held any number of images.
ExitCode ScoreRun::CodeOf(std::span<const Status> failures) const {
  const ExitCode code = ExitCodeOfRun(std::ssize(inputs_), failures);
  return unreadable_folders_ == 0 ? code : Worse(code, ExitCode::kPartial);
}

MemoryPlan ScoreRun::Memory(int64_t pixel_bytes) const {
  return {.program_bytes = loaded_bytes_,
          .threads = threads_,
          .scratch_bytes = model_.detector->scratch_bytes(),
          .pixel_bytes = pixel_bytes};
}

// --dry-run.
StatusOr<ExitCode> ScoreRun::DescribeOnly(const SlidePlanner& planner) {
  const DryRun run = PlanAll(planner, inputs_, threads_);
  for (const Status& failure : run.failures) PrintMessage(failure.message());
  const TileGridOptions& grid = planner.options().grid;
  const MemoryPlan memory = Memory(run.pixel_bytes);
  CYTO8_RETURN_IF_ERROR(PrintData(fmt::format(
      "images   {}, {} of them unreadable\n"
      "tiles    {} of {} x {} px\n"
      "threads  {}, {}, {}\n"
      "memory   {}\n"
      "Nothing was scored and nothing written (--dry-run).\n",
      run.images, run.failures.size(), run.tiles, grid.tile_width_px,
      grid.tile_height_px, threads_, ScheduleName(schedule_), IsaInUse(),
      DescribeMemory(memory))));
  return CodeOf(run.failures);
}

MergeOptions ScoreRun::Merging() const {
  const PostprocessOptions& card = model_.card.postprocess;
  const PostprocessSettings& postprocess = settings_.postprocess;
  return {.method = postprocess.merge,
          .metric = postprocess.match_metric,
          .iou_threshold =
              postprocess.match_threshold.value_or(model_.card_iou_threshold),
          .class_agnostic = card.scope == SuppressionScope::kGlobal,
          .min_scores = model_.class_min_score};
}

// With --fit the smallest size that holds the tile.
StatusOr<std::shared_ptr<const Detector>> ScoreRun::DetectorFor(
    int64_t width_px, int64_t height_px) const {
  if (model_.family == nullptr) return model_.detector;
  CYTO8_ASSIGN_OR_RETURN(const TileSize size,
                         model_.family->SmallestSize(width_px, height_px));
  return model_.family->ForTile(size.width_px, size.height_px);
}

Status ScoreRun::RunPipeline(const SlidePlanner& planner,
                             std::span<const SlideInput> inputs,
                             ScoreSink& sink) {
  const DetectorSource detectors = [this](int64_t width_px, int64_t height_px) {
    return DetectorFor(width_px, height_px);
  };
  ScorePipeline pipeline(
      planner, detectors,
      {.threads = threads_,
       .schedule = schedule_,
       .merge = Merging(),
       .merge_single_tiles = !SuppressesInTiles(),
       .classes = std::ssize(model_.card.classes),
       .verdict = {.min_coverage = settings_.quality.min_coverage},
       .budget_s = settings_.run.budget_s.value_or(
           std::numeric_limits<double>::infinity()),
       .limits = request_.limits});
  return pipeline.Run(
      files_, inputs, sink, [this] { return stop_.received(); },
      [&] { return EnoughFailed(sink); });
}

// Whether inside a tile nothing is left to merge.
bool ScoreRun::SuppressesInTiles() const {
  const PostprocessSettings& postprocess = settings_.postprocess;
  return MergesBySuppression(postprocess) &&
         postprocess.match_threshold.value_or(1) >= model_.card_iou_threshold;
}

// After which no image is begun any more.
bool ScoreRun::EnoughFailed(const ScoreSink& sink) const {
  const RunSettings& run = settings_.run;
  const int64_t failures = sink.failures();
  if (run.on_error == OnError::kStop && failures > 0) return true;
  return run.max_failures > 0 && failures >= run.max_failures;
}

// What decides results, as text: values of settings, the model, the program.
StatusOr<std::unique_ptr<SlideLedger>> ScoreRun::MakeLedger() const {
  const PostprocessOptions& in_tiles = model_.card.postprocess;
  SlideLedgerOptions options = {.files = &files_,
                                .output = settings_.output.output,
                                .classes = std::ssize(model_.card.classes),
                                .started_ns = started_ns_,
                                .force = request_.force,
                                .limits = request_.limits};
  if (request_.hash_aside_bytes) {
    options.hash_aside_bytes = *request_.hash_aside_bytes;
  }
  options.candidates_config =
      fmt::format("cyto8 {}\nmodel {}\ncard {}\nscore {}\noverlap {}\n",
                  kVersion, model_.model_sha256, model_.card_sha256,
                  in_tiles.score_threshold, in_tiles.iou_threshold);
  for (const Setting& setting : SettingsTable()) {
    const std::string key = FullKey(setting);
    const std::string line =
        key + " " + SettingValueJson(setting.get(settings_)) + "\n";
    if (!IsIn(key, kBehindCandidates)) options.candidates_config += line;
    if (IsIn(key, kOfResults)) options.results_config += line;
  }
  return SlideLedger::Create(options);
}

RunFacts ScoreRun::Facts(ExitCode exit_code, const ScoreSink& sink) const {
  RunFacts facts = {
      .command = request_.command,
      .threads = threads_,
      .engine = EngineName(settings_.run.engine),
      .isa = IsaInUse(),
      .schedule = ScheduleName(schedule_),
      .memory_ceiling_bytes = Memory(sink.most_pixel_bytes()).total_bytes(),
      .host = HostName(),
      .cpu = CpuModel(),
      .started = started_,
      .finished = UtcNow(),
      .exit_code = exit_code};
  for (const SettingEntry& entry : request_.resolved.entries) {
    facts.settings.emplace_back(entry.key, entry.value);
  }
  if (!settings_.output.anonymize.empty()) HideNames(facts);
  return facts;
}

StatusOr<Log> ScoreRun::MakeLog() {
  return Log::Create(files_, {.json_file = settings_.run.log_json,
                              .console = [this](std::string_view message) {
                                progress_->Message(message);
                              }});
}

// Everything from the first image to the files of the run.
StatusOr<ExitCode> ScoreRun::ScoreAll(const SlidePlanner& planner, Log& log) {
  const Stopwatch watch(seconds_);
  const std::string& out = settings_.output.output;
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files_, out));
  {
    // Another process may be writing its tables.
    CYTO8_ASSIGN_OR_RETURN(const FileLock lock, LockOfTables());
    CYTO8_RETURN_IF_ERROR(RemoveRunFiles(files_, out));
  }
  log.RunStart({.slides = std::ssize(inputs_),
                .threads = threads_,
                .engine = EngineName(settings_.run.engine),
                .model = model_.card.name});
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<SlideLedger> ledger,
                         MakeLedger());
  ScoreSink sink(SinkContext(*ledger, *progress_, log), inputs_);
  if (settings_.run.isolate) {
    ScoreInChildren(planner, *ledger, sink);
  } else {
    CYTO8_RETURN_IF_ERROR(RunPipeline(planner, inputs_, sink));
  }
  sink.Close();
  progress_->Finish();
  return WriteTables(sink);
}

ScoreSinkContext ScoreRun::SinkContext(SlideLedger& ledger, Progress& progress,
                                       Log& log) const {
  return {.files = &files_,
          .settings = &settings_.output,
          .card = &model_.card,
          .limits = &request_.limits,
          .threads = threads_,
          .ledger = &ledger,
          .progress = &progress,
          .log = &log};
}

// --isolate: each image in a process of its own, one after the other, with the
// model that this one has loaded.
void ScoreRun::ScoreInChildren(const SlidePlanner& planner, SlideLedger& ledger,
                               ScoreSink& sink) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (stop_.received() || EnoughFailed(sink)) return;
    const IsolatedEnd end = RunIsolated(
        settings_.run.isolate_mib, [this] { return stop_.received(); },
        [&] { return ScoreInChild(planner, inputs_[i], ledger); });
    if (!stop_.received()) sink.EndedElsewhere(i, end);
  }
}

// In the child: how the image ended. What else is known of it is in its state.
Status ScoreRun::ScoreInChild(const SlidePlanner& planner,
                              const SlideInput& input, SlideLedger& ledger) {
  ProgressOptions silent = ProgressOf(request_, 1);
  silent.quiet = true;
  Progress progress(silent);
  CYTO8_ASSIGN_OR_RETURN(
      Log log, Log::Create(files_, {.console = [](std::string_view) {}}));
  ScoreSink sink(SinkContext(ledger, progress, log), {&input, 1});
  const Status status = RunPipeline(planner, {&input, 1}, sink);
  sink.Close();
  return status.ok() ? sink.slides().front().status : status;
}

StatusOr<FileLock> ScoreRun::LockOfTables() const {
  return WaitForLock(files_, settings_.output.output + "/.lock");
}

// One process at a time, and what others have ended by then counts: of several
// that share the folder the last one to come here writes the whole tables.
StatusOr<ExitCode> ScoreRun::WriteTables(ScoreSink& sink) {
  const std::string& out = settings_.output.output;
  CYTO8_ASSIGN_OR_RETURN(const FileLock lock, LockOfTables());
  sink.LookAgain();
  const std::vector<SlideSummary>& slides = sink.slides();
  ExitCode code = Worse(CodeOf(FailuresOf(slides, !EnoughFailed(sink))),
                        ExitCodeOfCoverage(slides));
  code = Worse(code, stop_.exit_code());
  if (!settings_.run.quiet) {
    const Status printed = PrintData(ScoreTable(slides, model_.card, out));
    if (!printed.ok()) code = Worse(code, ExitCodeOf(printed));
  }
  const RunFacts facts = Facts(code, sink);
  // The images' folders are on disk before tables that tell of them.
  CYTO8_RETURN_IF_ERROR(SyncFolder(files_, out + "/slides"));
  CYTO8_RETURN_IF_ERROR(WriteRunFiles(
      files_, {.folder = out, .facts = &facts, .model = &model_}, slides));
  return code;
}

StatusOr<ExitCode> ScoreRun::Run() {
  CYTO8_RETURN_IF_ERROR(ListImages());
  if (inputs_.empty()) {
    PrintMessage("no image or slide in the given folders");
    return ExitCode::kNoInput;
  }
  progress_.emplace(ProgressOf(request_, std::ssize(inputs_)));
  if (!request_.dry_run) progress_->Start();
  CYTO8_RETURN_IF_ERROR(ReadModel());
  CYTO8_ASSIGN_OR_RETURN(const SlidePlanner planner, MakePlanner());
  schedule_ = ScheduleFor(planner);
  if (stop_.received()) return stop_.exit_code();
  if (request_.dry_run) return DescribeOnly(planner);
  CYTO8_ASSIGN_OR_RETURN(Log log, MakeLog());
  const StatusOr<ExitCode> code = ScoreAll(planner, log);
  const ExitCode ended = code.ok() ? *code : ExitCodeOf(code.status());
  log.RunEnd(code.ok() ? "ended" : code.status().message(), ended, seconds_);
  CYTO8_RETURN_IF_ERROR(code.status());
  CYTO8_RETURN_IF_ERROR(log.Close());
  return ended;
}

}  // namespace

ExitCode RunScore(FileSystem& files, const ScoreRequest& request) {
  const StatusOr<ExitCode> code = ScoreRun(files, request).Run();
  if (code.ok()) return *code;
  PrintMessage(code.status().message());
  return ExitCodeOf(code.status());
}

}  // namespace cyto8
