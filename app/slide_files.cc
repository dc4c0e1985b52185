// SPDX-License-Identifier: Apache-2.0
// The files of an image and of a run; see slide_files.h.
#include "app/slide_files.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>
#include <utility>

#include "app/coco_run.h"
#include "app/geojson_writer.h"
#include "app/gzip_writer.h"
#include "app/heatmap.h"
#include "app/qc_json.h"
#include "app/result_writer.h"
#include "app/summary_markdown.h"
#include "app/thumbnail.h"
#include "base/atomic_file.h"

namespace cyto8 {
namespace {

// The first two tell that the others are whole: written last, removed first.
constexpr size_t kMarkers = 2;
constexpr std::array<std::string_view, 8> kSlideFiles = {
    "/state.json",     "/detections.geojson.gz",
    "/qc.json",        "/overlay.jpg",
    "/thumbnail.jpg",  "/heatmap.png",
    "/detections.csv", "/coco.json"};
constexpr std::string_view kCandidates = "/candidates.bin";
constexpr std::array<std::string_view, 5> kRunFiles = {
    "/run.json", "/slides.csv", "/timing.csv", "/summary.md",
    "/coco_results.json"};

Status RemoveAll(FileSystem& files, const std::string& folder,
                 std::span<const std::string_view> names) {
  Status first;
  for (const std::string_view name : names) {
    const Status removed = files.Remove(folder + std::string(name));
    if (removed.code() == StatusCode::kNotFound) continue;
    if (first.ok()) first = removed;
  }
  return first;
}

// Of an earlier run. That the markers, the first of the names, are gone must
// reach the disk before the first new file does: else a loss of power could
// leave them beside new ones.
Status RemoveOldFiles(FileSystem& files, const std::string& folder,
                      std::span<const std::string_view> names, size_t markers) {
  bool had_marker = false;
  for (const std::string_view marker : names.first(markers)) {
    const Status removed = files.Remove(folder + std::string(marker));
    if (!removed.ok() && removed.code() != StatusCode::kNotFound) {
      return removed;
    }
    had_marker = had_marker || removed.ok();
  }
  if (had_marker) CYTO8_RETURN_IF_ERROR(SyncFolder(files, folder));
  return RemoveAll(files, folder, names.subspan(markers));
}

// Those that a killed run left of these files.
Status RemoveTemporaries(FileSystem& files, const std::string& folder,
                         std::span<const std::string_view> names) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries,
                         files.ListDirectory(folder));
  for (const DirectoryEntry& entry : entries) {
    const bool is_ours = std::ranges::any_of(names, [&](std::string_view name) {
      return ("/" + entry.name).starts_with(std::string(name) + ".tmp-");
    });
    if (!is_ours || entry.kind != EntryKind::kRegular) continue;
    CYTO8_RETURN_IF_ERROR(files.Remove(folder + "/" + entry.name));
  }
  return OkStatus();
}

using Writer = std::function<Status(const Sink&)>;

Status WriteFile(FileSystem& files, const std::string& path,
                 const Writer& writer) {
  CYTO8_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(files, path));
  CYTO8_RETURN_IF_ERROR(writer(SinkTo(file)));
  return file.Commit();
}

// For those before the last file of a folder.
Status PlaceFile(FileSystem& files, const std::string& path,
                 const Writer& writer) {
  CYTO8_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(files, path));
  CYTO8_RETURN_IF_ERROR(writer(SinkTo(file)));
  return file.Place();
}

Writer Compressed(Writer writer) {
  return [writer = std::move(writer)](const Sink& sink) -> Status {
    CYTO8_ASSIGN_OR_RETURN(GzipWriter gzip, GzipWriter::Create(sink));
    CYTO8_RETURN_IF_ERROR(
        writer([&](std::string_view text) { return gzip.Append(text); }));
    return gzip.Finish();
  };
}

Status WriteOverlayFile(FileSystem& files, const SlideFilesOptions& options,
                        SlideResult& slide) {
  if (!options.overlay_rows) return OkStatus();
  const OverlaySize size = {.width_px = slide.width_px,
                            .height_px = slide.height_px};
  if (!OverlayFits(size)) {
    AddNote(
        "no overlay.jpg: a side is above 65500 px, the most that a JPEG "
        "can have",
        slide);
    return OkStatus();
  }
  return PlaceFile(
      files, options.folder + "/overlay.jpg", [&](const Sink& sink) {
        return WriteOverlay(size,
                            OverlayPainter(slide.cells, options.card->classes),
                            options.overlay_rows, sink);
      });
}

Status WriteHeatmapFile(FileSystem& files, const SlideFilesOptions& options,
                        const SlideResult& slide) {
  if (!options.heatmap) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::string png,
                         HeatmapPng(slide, *options.card));
  return PlaceFile(files, options.folder + "/heatmap.png",
                   [&](const Sink& sink) { return sink(png); });
}

Status WriteThumbnailFile(FileSystem& files, const SlideFilesOptions& options) {
  if (options.thumbnail_of == nullptr) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::optional<Image> thumbnail,
                         MakeThumbnail(*options.thumbnail_of, Limits()));
  if (!thumbnail) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::string jpeg,
                         ThumbnailJpeg(thumbnail->view()));
  return PlaceFile(files, options.folder + "/thumbnail.jpg",
                   [&](const Sink& sink) { return sink(jpeg); });
}

Status WriteBoxFiles(FileSystem& files, const SlideFilesOptions& options,
                     const SlideResult& slide) {
  const ModelCard& card = *options.card;
  CYTO8_RETURN_IF_ERROR(PlaceFile(
      files, options.folder + "/detections.csv",
      [&](const Sink& sink) { return WriteDetectionsCsv(slide, card, sink); }));
  CYTO8_RETURN_IF_ERROR(
      PlaceFile(files, options.folder + "/coco.json",
                [&](const Sink& sink) { return WriteCoco(slide, sink); }));
  // All of them are on disk under their names before the last one gets its own.
  CYTO8_RETURN_IF_ERROR(SyncFolder(files, options.folder));
  return WriteFile(files, options.folder + "/detections.geojson.gz",
                   Compressed([&](const Sink& sink) {
                     return WriteGeoJson(slide, card, sink);
                   }));
}

Status WriteAll(FileSystem& files, const SlideFilesOptions& options,
                SlideResult& slide) {
  if (!HasResult(slide)) {
    return DataLoss(slide.identity.path + ": " + ErrorOf(slide));
  }
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, options.folder));
  CYTO8_RETURN_IF_ERROR(
      RemoveOldFiles(files, options.folder, kSlideFiles, kMarkers));
  CYTO8_RETURN_IF_ERROR(WriteOverlayFile(files, options, slide));
  CYTO8_RETURN_IF_ERROR(WriteThumbnailFile(files, options));
  CYTO8_RETURN_IF_ERROR(WriteHeatmapFile(files, options, slide));
  CYTO8_RETURN_IF_ERROR(
      PlaceFile(files, options.folder + "/qc.json",
                [&](const Sink& sink) { return sink(QcJson(slide)); }));
  return WriteBoxFiles(files, options, slide);
}

}  // namespace

Status WriteSlideFiles(FileSystem& files, const SlideFilesOptions& options,
                       SlideResult& slide) {
  const Status status = WriteAll(files, options, slide);
  if (!status.ok()) RemoveSlideFiles(files, options.folder);
  return status;
}

void RemoveSlideFiles(FileSystem& files, const std::string& folder) {
  static_cast<void>(RemoveAll(files, folder, kSlideFiles).ok());
}

Status RemoveSlideTemporaries(FileSystem& files, const std::string& folder) {
  CYTO8_RETURN_IF_ERROR(
      RemoveTemporaries(files, folder, std::span(&kCandidates, 1)));
  return RemoveTemporaries(files, folder, kSlideFiles);
}

std::vector<std::string_view> RecordedSlideFiles() {
  std::vector<std::string_view> names;
  for (const std::string_view name : std::span(kSlideFiles).subspan(1)) {
    names.push_back(name.substr(1));
  }
  names.push_back(kCandidates.substr(1));
  return names;
}

Status WriteRunFiles(FileSystem& files, const RunFilesOptions& options,
                     std::span<const SlideSummary> slides) {
  const RunFacts& facts = *options.facts;
  const LoadedModel& model = *options.model;
  const std::pair<std::string_view, Writer> run_files[] = {
      {"/slides.csv",
       [&](const Sink& sink) { return WriteSlidesCsv(slides, sink); }},
      {"/timing.csv",
       [&](const Sink& sink) {
         return WriteTimingCsv(slides, facts.host, sink);
       }},
      {"/summary.md",
       [&](const Sink& sink) {
         return WriteSummaryMarkdown(slides, model.card, sink);
       }},
      {"/coco_results.json",
       [&](const Sink& sink) {
         return WriteCocoRun(files, options.folder + "/slides", slides, sink);
       }},
      {"/run.json", [&](const Sink& sink) {
         return WriteRunManifest(facts, model, slides, sink);
       }}};
  for (const auto& [name, writer] : run_files) {
    CYTO8_RETURN_IF_ERROR(
        WriteFile(files, options.folder + std::string(name), writer));
  }
  return OkStatus();
}

Status RemoveRunFiles(FileSystem& files, const std::string& folder) {
  CYTO8_RETURN_IF_ERROR(
      RemoveOldFiles(files, folder, kRunFiles, /*markers=*/1));
  return RemoveTemporaries(files, folder, kRunFiles);
}

}  // namespace cyto8
