// SPDX-License-Identifier: Apache-2.0
// Reading and joining; see eval_input.h.
#include "app/eval_input.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "app/eval_join.h"
#include "app/eval_run_folder.h"
#include "eval/read_coco_records.h"

namespace cyto8 {
namespace {

using IdMap = std::unordered_map<int64_t, int64_t>;

constexpr const char* kManifest = "/run.json";

StatusOr<bool> IsFolder(FileSystem& files, const std::string& path) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  const StatusOr<FileInfo> info = files.Stat(file, path);
  const Status closed = files.Close(file, path);
  CYTO8_RETURN_IF_ERROR(info.status());
  CYTO8_RETURN_IF_ERROR(closed);
  return info->is_directory;
}

StatusOr<std::vector<FoundBox>> ReadResults(FileSystem& files,
                                            const std::string& path,
                                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_truth_bytes));
  return Annotate(ParseCocoResults(bytes, limits), path);
}

StatusOr<RunFolder> ReadRun(FileSystem& files, const std::string& path,
                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_truth_bytes));
  return Annotate(ParseRunManifest(bytes, limits), path);
}

std::string NameOf(const EvalImage& image) {
  return image.file_name.empty() ? "id " + std::to_string(image.id)
                                 : "\"" + image.file_name + "\"";
}

// "image "x" has no result (3 such images); ..." of the first of many.
Status ImagesRefused(const std::string& first, const char* what, size_t count) {
  std::string message = "image " + first + " " + what;
  if (count > 1) message += " (" + std::to_string(count) + " such images)";
  return InvalidArgument(message +
                         "; --allow-missing evaluates the images that both "
                         "sides have");
}

// Which image of the truth each image of the run is.
StatusOr<std::vector<std::optional<size_t>>> JoinRun(
    const RunFolder& run, const std::vector<EvalImage>& images, bool by_name) {
  if (by_name) {
    std::vector<std::string> paths;
    for (const RunImage& image : run.images) paths.push_back(image.path);
    return JoinByName(paths, images);
  }
  std::unordered_map<int64_t, size_t> places;
  for (size_t i = 0; i < images.size(); ++i) places[images[i].id] = i;
  std::vector<std::optional<size_t>> joined;
  for (const RunImage& image : run.images) {
    const auto found = places.find(image.image_id);
    joined.push_back(found == places.end() ? std::nullopt
                                           : std::optional(found->second));
  }
  return joined;
}

// Joins the images of a run, or says which cannot be.
class RunJoiner {
 public:
  RunJoiner(const RunFolder& run, const std::vector<EvalImage>& images)
      : run_(run), images_(images) {}

  Status Join(bool by_name) {
    CYTO8_ASSIGN_OR_RETURN(const std::vector<std::optional<size_t>> joined,
                           JoinRun(run_, images_, by_name));
    std::vector<bool> has_result(images_.size());
    for (size_t i = 0; i < joined.size(); ++i) {
      const RunImage& image = run_.images[i];
      const bool done = image.status == "done";
      if (!joined[i]) {
        extra_.push_back(&image);
      } else if (!done) {
        failed_.push_back(&image);
      } else {
        has_result[*joined[i]] = true;
        evaluated_.push_back(&image);
        truth_ids_[image.image_id] = images_[*joined[i]].id;
      }
      known_ids_.insert(image.image_id);
    }
    for (size_t i = 0; i < images_.size(); ++i) {
      if (!has_result[i]) missing_.push_back(&images_[i]);
    }
    return OkStatus();
  }

  Status RefuseGaps() const {
    if (!failed_.empty()) {
      return ImagesRefused("\"" + failed_[0]->path + "\"",
                           "of the run is not done", failed_.size());
    }
    if (!extra_.empty()) {
      return ImagesRefused("\"" + extra_[0]->path + "\"",
                           "of the run is not in the truth", extra_.size());
    }
    if (!missing_.empty()) {
      return ImagesRefused(NameOf(*missing_[0]), "of the truth has no result",
                           missing_.size());
    }
    return OkStatus();
  }

  // A hash that is not stated is no proof that the image is another one.
  Status RefuseCalibrationImages() const {
    if (run_.calibration_sha256.empty()) return OkStatus();
    std::vector<const RunImage*> used;
    for (const RunImage* image : evaluated_) {
      if (!IsSha256Text(image->sha256)) {
        return InvalidArgument("image \"" + image->path + "\": sha256 = \"" +
                               image->sha256 +
                               "\": must be 64 lower-case hex digits, to tell "
                               "it from the model's calibration images");
      }
      if (run_.calibration_sha256.contains(image->sha256)) {
        used.push_back(image);
      }
    }
    if (used.empty()) return OkStatus();
    std::string message =
        "image \"" + used[0]->path + "\" was used to calibrate the model";
    if (used.size() > 1) {
      message += " (" + std::to_string(used.size()) + " such images)";
    }
    return InvalidArgument(message +
                           "; an evaluation must not hold such an image");
  }

  // To truth ids, without what has no image there.
  Status MapImages(std::vector<FoundBox>& found) const {
    size_t kept = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      if (!known_ids_.contains(found[i].image_id)) {
        return InvalidArgument(
            CocoPlace("", static_cast<int64_t>(i)) + ".image_id = " +
            std::to_string(found[i].image_id) + ": run.json has no such image");
      }
      const auto id = truth_ids_.find(found[i].image_id);
      if (id == truth_ids_.end()) continue;
      found[kept] = found[i];
      found[kept++].image_id = id->second;
    }
    found.resize(kept);
    return OkStatus();
  }

  std::vector<int64_t> MissingIds() const {
    std::vector<int64_t> ids;
    for (const EvalImage* image : missing_) ids.push_back(image->id);
    std::ranges::sort(ids);
    return ids;
  }
  int64_t extra_images() const { return static_cast<int64_t>(extra_.size()); }

 private:
  const RunFolder& run_;
  const std::vector<EvalImage>& images_;
  IdMap truth_ids_;  // of images that are done, by image id of the run.
  std::unordered_set<int64_t> known_ids_;
  std::vector<const RunImage*> extra_;
  std::vector<const RunImage*> failed_;
  std::vector<const RunImage*> evaluated_;
  std::vector<const EvalImage*> missing_;
};

// Class ids of the model to those of the truth, by name. A class that the truth
// does not have keeps its detections out of any comparison, so it is an error
// as soon as there are some.
Status MapClasses(const RunFolder& run, const std::vector<EvalClass>& classes,
                  std::vector<FoundBox>& found) {
  std::unordered_map<std::string, int64_t> truth_ids;
  for (const EvalClass& entry : classes) truth_ids[entry.name] = entry.id;
  for (FoundBox& box : found) {
    const auto name = run.classes.find(box.class_id);
    if (name == run.classes.end()) {
      return InvalidArgument("category_id = " + std::to_string(box.class_id) +
                             ": run.json has no such class");
    }
    const auto id = truth_ids.find(name->second);
    if (id == truth_ids.end()) {
      return InvalidArgument("class \"" + name->second +
                             "\" of the run is not in the truth");
    }
    box.class_id = id->second;
  }
  return OkStatus();
}

// Our own styles: images, classes and boxes make sense.
Status CheckFound(const std::vector<FoundBox>& found, const TruthSet& truth) {
  std::unordered_set<int64_t> images;
  std::unordered_set<int64_t> classes;
  for (const EvalImage& image : truth.images) images.insert(image.id);
  for (const EvalClass& entry : truth.classes) classes.insert(entry.id);
  for (size_t i = 0; i < found.size(); ++i) {
    const std::string place = CocoPlace("", static_cast<int64_t>(i)) + ".";
    if (!images.contains(found[i].image_id)) {
      return InvalidArgument(place +
                             "image_id = " + std::to_string(found[i].image_id) +
                             ": the truth has no such image");
    }
    if (!classes.contains(found[i].class_id)) {
      return InvalidArgument(
          place + "category_id = " + std::to_string(found[i].class_id) +
          ": the truth has no such class");
    }
    const Status box = CheckEvalBox(found[i].box);
    if (!box.ok()) return InvalidArgument(place + box.message());
  }
  return OkStatus();
}

int64_t CountOutside(const std::vector<FoundBox>& found,
                     const TruthSet& truth) {
  std::unordered_map<int64_t, const EvalImage*> images;
  for (const EvalImage& image : truth.images) {
    if (image.width_px > 0 && image.height_px > 0) images[image.id] = &image;
  }
  return std::ranges::count_if(found, [&](const FoundBox& found_box) {
    const auto image = images.find(found_box.image_id);
    return image != images.end() &&
           IsWhollyOutside(found_box.box, *image->second);
  });
}

StatusOr<Predictions> ReadFolder(FileSystem& files, const std::string& path,
                                 const TruthSet& truth,
                                 const EvalSettings& settings,
                                 const Limits& limits) {
  const std::string manifest = path + kManifest;
  const std::string list = path + "/coco_results.json";
  CYTO8_ASSIGN_OR_RETURN(const RunFolder run, ReadRun(files, manifest, limits));
  Predictions result;
  CYTO8_ASSIGN_OR_RETURN(result.found, ReadResults(files, list, limits));
  result.read = static_cast<int64_t>(result.found.size());
  const bool own_ids = settings.style == EvalStyle::kCoco;
  RunJoiner joiner(run, truth.images);
  CYTO8_RETURN_IF_ERROR(Annotate(joiner.Join(/*by_name=*/!own_ids), manifest));
  if (!settings.allow_missing) {
    CYTO8_RETURN_IF_ERROR(Annotate(joiner.RefuseGaps(), manifest));
  }
  CYTO8_RETURN_IF_ERROR(Annotate(joiner.RefuseCalibrationImages(), manifest));
  CYTO8_RETURN_IF_ERROR(Annotate(joiner.MapImages(result.found), list));
  const bool named_classes = !own_ids && !run.classes.empty();
  if (named_classes) {
    CYTO8_RETURN_IF_ERROR(
        Annotate(MapClasses(run, truth.classes, result.found), list));
  }
  result.missing_image_ids = joiner.MissingIds();
  result.extra_images = joiner.extra_images();
  result.card_groups = run.groups;
  result.joined_by = std::string("images by ") +
                     (own_ids ? "image_id" : "relative path, else stem") +
                     ", classes by " + (named_classes ? "name" : "category_id");
  if (!run.calibration_sha256.empty()) {
    result.joined_by += ", none is among the model's " +
                        std::to_string(run.calibration_sha256.size()) +
                        " calibration images";
  }
  return result;
}

StatusOr<std::vector<EvalClass>> ClassesOf(const RunFolder& run) {
  if (run.classes.empty()) {
    return InvalidArgument("model.classes: must not be empty without --gt");
  }
  std::vector<EvalClass> classes;
  std::set<std::string> names;
  for (const auto& [id, name] : run.classes) {
    if (!names.insert(name).second) {
      return InvalidArgument("model.classes: name \"" + name +
                             "\" stands twice");
    }
    classes.push_back({.id = id, .name = name});
  }
  return classes;
}

StatusOr<Predictions> ReadList(FileSystem& files, const std::string& path,
                               const Limits& limits) {
  Predictions result;
  CYTO8_ASSIGN_OR_RETURN(result.found, ReadResults(files, path, limits));
  result.read = static_cast<int64_t>(result.found.size());
  result.joined_by = "images by image_id, classes by category_id";
  return result;
}

}  // namespace

StatusOr<TruthFile> ReadTruth(FileSystem& files, const std::string& path,
                              EvalStyle style, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_truth_bytes));
  const TruthRules rules = style == EvalStyle::kCoco ? TruthRules::kPycocotools
                                                     : TruthRules::kStrict;
  return Annotate(ParseCocoTruth(bytes, limits, rules), path);
}

StatusOr<TruthFile> ReadImagesOfRun(FileSystem& files, const std::string& path,
                                    const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const bool is_folder, IsFolder(files, path));
  if (!is_folder) {
    return InvalidArgument(
        path + ": must be an output folder of cyto8 score, or --gt be given");
  }
  const std::string manifest = path + kManifest;
  CYTO8_ASSIGN_OR_RETURN(const RunFolder run, ReadRun(files, manifest, limits));
  TruthFile file;
  CYTO8_ASSIGN_OR_RETURN(file.truth.classes,
                         Annotate(ClassesOf(run), manifest));
  for (const RunImage& image : run.images) {
    file.truth.images.push_back(
        {.id = image.image_id, .file_name = image.path});
  }
  return file;
}

StatusOr<Predictions> ReadPredictions(FileSystem& files,
                                      const std::string& path,
                                      const TruthSet& truth,
                                      const EvalSettings& settings,
                                      const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const bool is_folder, IsFolder(files, path));
  CYTO8_ASSIGN_OR_RETURN(Predictions result,
                         is_folder
                             ? ReadFolder(files, path, truth, settings, limits)
                             : ReadList(files, path, limits));
  if (settings.style != EvalStyle::kCoco) {
    CYTO8_RETURN_IF_ERROR(Annotate(CheckFound(result.found, truth), path));
  }
  if (settings.min_score) {
    std::erase_if(result.found, [&](const FoundBox& found) {
      return found.score <= *settings.min_score;
    });
  }
  result.outside = CountOutside(result.found, truth);
  return result;
}

void LeaveOutImages(const std::vector<int64_t>& image_ids, TruthSet& truth) {
  const auto is_out = [&](int64_t id) {
    return std::ranges::binary_search(image_ids, id);
  };
  std::erase_if(truth.images,
                [&](const EvalImage& image) { return is_out(image.id); });
  std::erase_if(truth.boxes,
                [&](const TruthBox& box) { return is_out(box.image_id); });
}

void LeaveOutImages(const std::vector<int64_t>& image_ids,
                    std::vector<FoundBox>& found) {
  std::erase_if(found, [&](const FoundBox& box) {
    return std::ranges::binary_search(image_ids, box.image_id);
  });
}

}  // namespace cyto8
