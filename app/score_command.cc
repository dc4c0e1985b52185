// SPDX-License-Identifier: Apache-2.0
// Scoring a list of images; see score_command.h.
#include "app/score_command.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "app/console.h"
#include "app/jpeg_encoder.h"
#include "app/load_model.h"
#include "app/overlay.h"
#include "app/result_writer.h"
#include "app/run_manifest.h"
#include "app/score_job.h"
#include "app/score_table.h"
#include "app/slide_id.h"
#include "app/stopwatch.h"
#include "base/atomic_file.h"
#include "base/checked_math.h"
#include "tiling/resample.h"

namespace cyto8 {
namespace {

struct Slide {
  SlideIdentity identity;
  MppHints hints;
  Status status;  // of its entry in the side file.
};

StatusOr<std::optional<SideFile>> ReadSideFile(
    FileSystem& files, const ScoreCommandOptions& options) {
  if (options.mpp_from.empty()) return std::optional<SideFile>();
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<std::byte> bytes,
      ReadWholeFile(files, options.mpp_from, options.limits.max_truth_bytes));
  CYTO8_ASSIGN_OR_RETURN(
      SideFile side_file,
      Annotate(SideFile::Parse(bytes, options.limits), options.mpp_from));
  return std::optional(std::move(side_file));
}

// Name, id and what is known of the scale of one image.
StatusOr<Slide> DescribeSlide(const std::string& path,
                              const std::string& relative,
                              const std::optional<SideFile>& side_file,
                              const ScoreCommandOptions& options) {
  Slide slide;
  slide.identity.path = path;
  slide.hints.flag = options.mpp;
  CYTO8_ASSIGN_OR_RETURN(slide.identity.id, SlideId(relative));
  CYTO8_ASSIGN_OR_RETURN(slide.identity.image_id, HashedImageId(relative));
  if (!side_file) return slide;
  const StatusOr<SideEntry> entry = side_file->Find(relative);
  if (!entry.ok()) {
    slide.status = Annotate(entry.status(), path + ": " + options.mpp_from);
    return slide;
  }
  slide.hints.side_file = entry->mpp;
  if (entry->image_id) slide.identity.image_id = *entry->image_id;
  return slide;
}

StatusOr<std::vector<Slide>> DescribeSlides(
    const std::optional<SideFile>& side_file,
    const ScoreCommandOptions& options) {
  const std::vector<std::string> relative =
      RelativeToCommonFolder(options.images);
  std::set<std::string> ids;
  std::map<int64_t, std::string> image_ids;  // to paths.
  std::vector<Slide> slides;
  for (size_t i = 0; i < relative.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(
        Slide slide,
        DescribeSlide(options.images[i], relative[i], side_file, options));
    if (!ids.insert(slide.identity.id).second) {
      return InvalidArgument(options.images[i] + ": is given twice");
    }
    const auto [first, is_new] =
        image_ids.emplace(slide.identity.image_id, slide.identity.path);
    if (!is_new) {
      return InvalidArgument(
          slide.identity.path + ": image_id = " + std::to_string(first->first) +
          ": is that of " + first->second + " too; list both in --mpp-from");
    }
    slides.push_back(std::move(slide));
  }
  return slides;
}

Status WriteOverlay(FileSystem& files, const std::string& folder,
                    const ScoredSlide& slide, const ModelCard& card,
                    const Limits& limits) {
  constexpr int kQuality = 85;
  CYTO8_ASSIGN_OR_RETURN(const Image overlay,
                         DrawOverlay(slide.image.view(), slide.result.cells,
                                     card.classes, limits));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> jpeg,
                         EncodeJpeg(overlay.view(), kQuality));
  return WriteFileAtomically(files, folder + "/overlay.jpg", jpeg);
}

Status WriteSlideFiles(FileSystem& files, const std::string& folder,
                       const ScoredSlide& slide, const ModelCard& card,
                       const ScoreCommandOptions& options) {
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, folder));
  if (options.overlays) {
    CYTO8_RETURN_IF_ERROR(
        WriteOverlay(files, folder, slide, card, options.limits));
  } else {
    static_cast<void>(files.Remove(folder + "/overlay.jpg").ok());
  }
  CYTO8_RETURN_IF_ERROR(WriteFileAtomically(files, folder + "/detections.csv",
                                            DetectionsCsv(slide.result, card)));
  return WriteFileAtomically(files, folder + "/coco.json",
                             CocoText(slide.result));
}

// A failed image leaves no file that could be taken for its result, neither of
// this run nor of an earlier one.
void RemoveSlideFiles(FileSystem& files, const std::string& folder) {
  for (const char* name : {"/overlay.jpg", "/detections.csv", "/coco.json"}) {
    static_cast<void>(files.Remove(folder + name).ok());  // may not be there.
  }
}

Status WriteRun(FileSystem& files, const ScoreCommandOptions& options,
                std::span<const SlideResult> results,
                const std::string& manifest) {
  const std::string& out = options.output;
  CYTO8_RETURN_IF_ERROR(
      WriteFileAtomically(files, out + "/slides.csv", SlidesCsv(results)));
  CYTO8_RETURN_IF_ERROR(WriteFileAtomically(files, out + "/coco_results.json",
                                            CocoText(results)));
  return WriteFileAtomically(files, out + "/run.json", manifest);
}

// What one image's failure means for the run; a failure of one image alone
// never refuses the others.
ExitCode ExitCodeOfSlide(const Status& status) {
  const ExitCode code = ExitCodeOf(status);
  return code == ExitCode::kRefused ? ExitCode::kPartial : code;
}

ExitCode ExitCodeOfRun(std::span<const SlideResult> results) {
  ExitCode code = ExitCode::kWhole;
  bool any_whole = false;
  bool all_unreadable = true;
  for (const SlideResult& result : results) {
    const ExitCode slide = ExitCodeOfSlide(result.status);
    any_whole = any_whole || result.status.ok();
    all_unreadable = all_unreadable && slide == ExitCode::kPartial;
    code = Worse(code, slide);
  }
  return !any_whole && all_unreadable ? ExitCode::kNoInput : code;
}

ExitCode Fail(const Status& status) {
  PrintMessage(status.message());
  return ExitCodeOf(status);
}

// The work behind RunScore once the model is there.
class ScoreRun {
 public:
  ScoreRun(FileSystem& files, const ScoreCommandOptions& options,
           const LoadedModel& model)
      : files_(files), options_(options), model_(model) {}

  StatusOr<ExitCode> Run(const std::vector<Slide>& slides);

 private:
  SlideResult ScoreOne(ScoreJob& job, const Slide& slide);
  RunFacts Facts(const std::string& started, ExitCode exit_code) const;

  FileSystem& files_;
  const ScoreCommandOptions& options_;
  const LoadedModel& model_;
};

SlideResult ScoreRun::ScoreOne(ScoreJob& job, const Slide& slide) {
  const std::string folder = options_.output + "/slides/" + slide.identity.id;
  ScoredSlide scored;
  scored.result.identity = slide.identity;
  scored.result.status = slide.status;
  if (slide.status.ok()) scored = job.Score(slide.identity, slide.hints);
  SlideResult& result = scored.result;
  if (result.status.ok()) {
    const Stopwatch watch(result.seconds.write);
    result.status =
        WriteSlideFiles(files_, folder, scored, model_.card, options_);
  }
  if (!result.status.ok()) {
    result.cells.clear();
    RemoveSlideFiles(files_, folder);
    PrintMessage(result.status.message());
  }
  return std::move(result);
}

RunFacts ScoreRun::Facts(const std::string& started, ExitCode exit_code) const {
  return {.command = options_.command,
          .engine = options_.engine == Engine::kOneDnn ? "onednn" : "naive",
          .host = HostName(),
          .cpu = CpuModel(),
          .started = started,
          .finished = UtcNow(),
          .overlap_px = options_.overlap_px,
          .exit_code = exit_code};
}

StatusOr<ExitCode> ScoreRun::Run(const std::vector<Slide>& slides) {
  const std::string started = UtcNow();
  CYTO8_ASSIGN_OR_RETURN(ScoreJob job,
                         ScoreJob::Create(files_, model_,
                                          {.overlap_px = options_.overlap_px,
                                           .limits = options_.limits}));
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files_, options_.output));
  std::vector<SlideResult> results;
  for (const Slide& slide : slides) results.push_back(ScoreOne(job, slide));
  const ExitCode code = ExitCodeOfRun(results);
  CYTO8_RETURN_IF_ERROR(
      WriteRun(files_, options_, results,
               RunManifestText(Facts(started, code), model_, results)));
  if (!options_.quiet) {
    CYTO8_RETURN_IF_ERROR(
        PrintData(ScoreTable(results, model_.card, options_.output)));
  }
  return code;
}

Status CheckOptions(const ScoreCommandOptions& options) {
  if (options.mpp) {
    CYTO8_RETURN_IF_ERROR(CheckRange("--mpp", *options.mpp, kMinMpp, kMaxMpp));
  }
  if (options.min_score) {
    CYTO8_RETURN_IF_ERROR(CheckRange("--min-score", *options.min_score, 0, 1));
  }
  return OkStatus();
}

StatusOr<ExitCode> Score(FileSystem& files,
                         const ScoreCommandOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckOptions(options));
  CYTO8_ASSIGN_OR_RETURN(const std::optional<SideFile> side_file,
                         ReadSideFile(files, options));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<Slide> slides,
                         DescribeSlides(side_file, options));
  CYTO8_ASSIGN_OR_RETURN(
      const LoadedModel model,
      LoadModel(files, {.path = options.model,
                        .engine = options.engine,
                        .class_agnostic = options.class_agnostic,
                        .min_score = options.min_score,
                        .limits = options.limits}));
  return ScoreRun(files, options, model).Run(slides);
}

}  // namespace

ExitCode RunScore(FileSystem& files, const ScoreCommandOptions& options) {
  const StatusOr<ExitCode> code = Score(files, options);
  return code.ok() ? *code : Fail(code.status());
}

}  // namespace cyto8
