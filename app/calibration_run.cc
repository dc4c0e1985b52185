// SPDX-License-Identifier: Apache-2.0
// See calibration_run.h.
#include "app/calibration_run.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "base/sha256.h"
#include "detector/efficientdet/detector.h"

namespace cyto8 {
namespace {

// True if no pixel differs from `first`; sets it at the first pixel of all.
bool IsOfColour(const ImageView& image, std::optional<Rgb>& first) {
  for (int64_t y = 0; y < image.height_px; ++y) {
    const uint8_t* const row = image.Row(y);
    if (!first) first = Rgb{.red = row[0], .green = row[1], .blue = row[2]};
    for (int64_t x = 0; x < image.width_px; ++x) {
      const uint8_t* const pixel = row + x * 3;
      if (pixel[0] != first->red || pixel[1] != first->green ||
          pixel[2] != first->blue) {
        return false;
      }
    }
  }
  return true;
}

// What all workers share.
class Work {
 public:
  Work(FileSystem& files, const SlidePlanner& planner,
       std::span<const SlideInput> inputs, const CalibrationRunOptions& options)
      : files_(files), planner_(planner), inputs_(inputs), options_(options) {}

  // Takes images until there are none or something failed.
  void TakeImages(Calibrator& calibrator) {
    for (size_t i = next_++; i < inputs_.size() && !failed_; i = next_++) {
      const Status status = ObserveImage(i, calibrator);
      if (!status.ok()) Fail(status);
    }
  }

  const Status& status() const { return status_; }
  int64_t tiles() const { return tiles_; }
  std::vector<std::string> TakeHashes() {
    std::ranges::sort(hashes_);
    const auto [first, last] = std::ranges::unique(hashes_);
    hashes_.erase(first, last);
    return std::move(hashes_);
  }
  std::vector<std::vector<uint8_t>> TakeSamples() {
    std::vector<std::vector<uint8_t>> samples;
    for (auto& [place, pixels] : samples_) samples.push_back(std::move(pixels));
    return samples;
  }

 private:
  void Fail(const Status& status) {
    const std::lock_guard lock(mutex_);
    if (!failed_.exchange(true)) status_ = status;
  }

  Status ObserveImage(size_t number, Calibrator& calibrator) {
    const SlideInput& input = inputs_[number];
    CYTO8_RETURN_IF_ERROR(input.status);
    CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                           Sha256OfFile(files_, input.file()));
    CYTO8_ASSIGN_OR_RETURN(OpenedSlide slide, planner_.Open(input));
    CYTO8_RETURN_IF_ERROR(
        Annotate(ObserveTiles(number, slide, calibrator), input.identity.path));
    const std::lock_guard lock(mutex_);
    hashes_.push_back(ToHex(digest));
    tiles_ += std::ssize(slide.plan.tiles);
    return OkStatus();
  }

  Status ObserveTiles(size_t number, OpenedSlide& slide,
                      Calibrator& calibrator) {
    const auto count = std::ssize(slide.plan.tiles);
    const auto image = static_cast<int64_t>(number);
    const std::vector<int64_t> sampled =
        SampledTiles(image, std::ssize(inputs_), count, options_.max_samples);
    std::optional<Rgb> colour;
    bool one_colour = true;
    SerialFor serial;
    for (int64_t tile = 0; tile < count; ++tile) {
      CYTO8_ASSIGN_OR_RETURN(const Image pixels, slide.tiles->Take(tile));
      one_colour = one_colour && IsOfColour(pixels.view(), colour);
      FillWithTile(pixels.view(), options_.pad, options_.width_px,
                   calibrator.pixels());
      if (std::ranges::binary_search(sampled, tile)) {
        Keep({image, tile}, calibrator.pixels());
      }
      CYTO8_RETURN_IF_ERROR(calibrator.Observe(serial));
    }
    if (one_colour) {
      return InvalidArgument(
          "all pixels have one colour: calibration images must show what the "
          "network will see");
    }
    return OkStatus();
  }

  void Keep(std::pair<int64_t, int64_t> place,
            std::span<const uint8_t> pixels) {
    const std::lock_guard lock(mutex_);
    samples_[place].assign(pixels.begin(), pixels.end());
  }

  FileSystem& files_;
  const SlidePlanner& planner_;
  std::span<const SlideInput> inputs_;
  const CalibrationRunOptions& options_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  Status status_;
  std::vector<std::string> hashes_;
  std::map<std::pair<int64_t, int64_t>, std::vector<uint8_t>> samples_;
  int64_t tiles_ = 0;
};

}  // namespace

// Sample s of n is of image s * images / n; those of one image divide its tiles
// evenly and are in the middle of their parts.
std::vector<int64_t> SampledTiles(int64_t image, int64_t images, int64_t tiles,
                                  int64_t max_samples) {
  int64_t here = 0;
  for (int64_t s = 0; s < max_samples; ++s) {
    if (s * images / max_samples == image) ++here;
  }
  here = std::min(here, tiles);
  std::vector<int64_t> sampled;
  for (int64_t i = 0; i < here; ++i) {
    sampled.push_back((2 * i + 1) * tiles / (2 * here));
  }
  return sampled;
}

StatusOr<CalibrationRun> RunCalibration(
    FileSystem& files, const SlidePlanner& planner,
    std::span<const SlideInput> inputs,
    std::shared_ptr<const CalibrationPlan> plan,
    const CalibrationRunOptions& options) {
  const int64_t workers =
      std::clamp<int64_t>(std::ssize(inputs), 1, options.threads);
  std::vector<Calibrator> calibrators;
  for (int64_t i = 0; i < workers; ++i) {
    CYTO8_ASSIGN_OR_RETURN(Calibrator calibrator, Calibrator::Create(plan));
    calibrators.push_back(std::move(calibrator));
  }
  Work work(files, planner, inputs, options);
  tbb::task_arena arena(static_cast<int>(workers));
  arena.execute([&] {
    tbb::parallel_for(
        size_t{0}, calibrators.size(),
        [&](size_t i) { work.TakeImages(calibrators[i]); },
        tbb::static_partitioner());
  });
  CYTO8_RETURN_IF_ERROR(work.status());
  for (size_t i = 1; i < calibrators.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(calibrators[0].Merge(calibrators[i]));
  }
  CalibrationRun run = {.images = std::ssize(inputs), .tiles = work.tiles()};
  CYTO8_ASSIGN_OR_RETURN(run.calibration, calibrators[0].Finish());
  run.image_sha256 = work.TakeHashes();
  run.samples = work.TakeSamples();
  return run;
}

}  // namespace cyto8
