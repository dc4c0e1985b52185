// SPDX-License-Identifier: Apache-2.0
// What becomes of the results; see score_sink.h.
#include "app/score_sink.h"

#include <new>
#include <string>
#include <utility>

#include "app/console.h"
#include "app/jpeg_encoder.h"
#include "app/overlay.h"
#include "app/result_writer.h"
#include "app/stopwatch.h"
#include "base/atomic_file.h"
#include "tiling/image_reader.h"

namespace cyto8 {
namespace {

Status WriteOverlay(FileSystem& files, const std::string& folder,
                    const SlideResult& slide, const ModelCard& card,
                    const Limits& limits) {
  constexpr int kQuality = 85;
  CYTO8_ASSIGN_OR_RETURN(const Image image,
                         ReadImage(files, slide.identity.path, limits));
  CYTO8_ASSIGN_OR_RETURN(
      const Image overlay,
      DrawOverlay(image.view(), slide.cells, card.classes, limits));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> jpeg,
                         EncodeJpeg(overlay.view(), kQuality));
  return WriteFileAtomically(files, folder + "/overlay.jpg", jpeg);
}

Status WriteSlideFiles(FileSystem& files, const std::string& folder,
                       const SlideResult& slide, const ModelCard& card,
                       const OutputSettings& settings, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(MakeDirectories(files, folder));
  if (settings.overlays) {
    CYTO8_RETURN_IF_ERROR(WriteOverlay(files, folder, slide, card, limits));
  } else {
    static_cast<void>(files.Remove(folder + "/overlay.jpg").ok());
  }
  CYTO8_RETURN_IF_ERROR(WriteFileAtomically(files, folder + "/detections.csv",
                                            DetectionsCsv(slide, card)));
  return WriteFileAtomically(files, folder + "/coco.json", CocoText(slide));
}

// A failed image leaves no file that could be taken for its result, neither of
// this run nor of an earlier one.
void RemoveSlideFiles(FileSystem& files, const std::string& folder) {
  for (const char* name : {"/overlay.jpg", "/detections.csv", "/coco.json"}) {
    static_cast<void>(files.Remove(folder + name).ok());  // may not be there.
  }
}

SlideResult Unfinished(const SlideInput& input) {
  SlideResult result;
  result.identity = input.identity;
  result.status = {StatusCode::kUnavailable,
                   input.identity.path + ": interrupted before it was done"};
  return result;
}

}  // namespace

ScoreSink::ScoreSink(FileSystem& files, const OutputSettings& settings,
                     const ModelCard& card, const Limits& limits,
                     std::span<const SlideInput> inputs)
    : files_(&files), settings_(&settings), card_(&card), limits_(&limits) {
  results_.reserve(inputs.size());
  for (const SlideInput& input : inputs) results_.push_back(Unfinished(input));
}

void ScoreSink::Begin(size_t, const SlidePlan&) {}

void ScoreSink::TileDone(size_t) {}

void ScoreSink::Finish(size_t input, SlideResult result) {
  const std::string folder =
      settings_->output + "/slides/" + result.identity.id;
  if (result.status.ok()) {
    const Stopwatch watch(result.seconds.write);
    try {
      result.status = WriteSlideFiles(*files_, folder, result, *card_,
                                      *settings_, *limits_);
    } catch (const std::bad_alloc&) {
      result.status =
          ResourceExhausted(result.identity.path + ": out of memory");
    }
  }
  if (!result.status.ok()) {
    result.cells.clear();
    RemoveSlideFiles(*files_, folder);
  }
  const std::lock_guard lock(mutex_);
  if (!result.status.ok()) PrintMessage(result.status.message());
  results_[input] = std::move(result);
}

}  // namespace cyto8
