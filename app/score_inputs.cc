// SPDX-License-Identifier: Apache-2.0
// Names and scales of the inputs; see score_inputs.h.
#include "app/score_inputs.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "app/anonymize.h"
#include "app/mpp_source.h"
#include "app/slide_id.h"
#include "tiling/roi_list.h"

namespace cyto8 {
namespace {

// What stands in the files beside the images.
struct SideFiles {
  std::optional<SideFile> mpp = std::nullopt;  // --mpp-from.
  std::optional<RoiList> roi = std::nullopt;   // --roi.
};

template <typename List>
Status ReadList(FileSystem& files, const std::string& path,
                const Limits& limits, std::optional<List>& list) {
  if (path.empty()) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_truth_bytes));
  CYTO8_ASSIGN_OR_RETURN(list, Annotate(List::Parse(bytes, limits), path));
  return OkStatus();
}

StatusOr<SideFiles> ReadSideFiles(FileSystem& files,
                                  const ScoreSettings& settings,
                                  const Limits& limits) {
  const bool anonymous = !settings.output.anonymize.empty();
  SideFiles lists;
  const std::string& mpp_from = settings.input.mpp_from;
  Status status = ReadList(files, mpp_from, limits, lists.mpp);
  if (anonymous) status = WithoutNames(status, mpp_from, "--mpp-from");
  CYTO8_RETURN_IF_ERROR(status);
  const std::string& roi = settings.tiling.roi;
  status = ReadList(files, roi, limits, lists.roi);
  if (anonymous) status = WithoutNames(status, roi, "--roi");
  CYTO8_RETURN_IF_ERROR(status);
  return lists;
}

// um/px and image_id.
Status ApplyScale(const SideFile& side_file, const std::string& relative,
                  SlideInput& input) {
  CYTO8_ASSIGN_OR_RETURN(const SideEntry entry, side_file.Find(relative));
  input.hints.side_file = entry.mpp;
  if (entry.image_id) input.identity.image_id = *entry.image_id;
  return OkStatus();
}

Status ApplyRegions(const RoiList& list, const std::string& relative,
                    SlideInput& input) {
  CYTO8_ASSIGN_OR_RETURN(input.regions, list.Find(relative));
  return input.regions.empty() ? NotFound("has no region of this image")
                               : OkStatus();
}

// What the side files say of one image; a failure is in `status`.
void ApplySideFiles(const SideFiles& side_files, const std::string& relative,
                    const ScoreSettings& settings, SlideInput& input) {
  Status status;
  std::string path;
  std::string flag;
  if (side_files.mpp) {
    path = settings.input.mpp_from;
    flag = "--mpp-from";
    status = Annotate(ApplyScale(*side_files.mpp, relative, input), path);
  }
  if (side_files.roi && status.ok()) {
    path = settings.tiling.roi;
    flag = "--roi";
    status = Annotate(ApplyRegions(*side_files.roi, relative, input), path);
  }
  const bool anonymous = !input.hidden_path.empty();
  if (anonymous) status = WithoutNames(status, path, flag);
  input.status = Annotate(status, input.identity.path);
}

StatusOr<SlideInput> Describe(const std::string& path,
                              const std::string& relative,
                              const ScoreSettings& settings) {
  SlideInput input;
  input.identity.path = path;
  input.hints.flag = settings.input.mpp;
  CYTO8_ASSIGN_OR_RETURN(input.identity.id, SlideId(relative));
  CYTO8_ASSIGN_OR_RETURN(input.identity.image_id, HashedImageId(relative));
  return input;
}

Status NameAll(FileSystem& files, std::span<const std::string> paths,
               const ScoreSettings& settings, const Limits& limits,
               bool dry_run, std::vector<SlideInput>& inputs) {
  const OutputSettings& output = settings.output;
  CYTO8_RETURN_IF_ERROR(CheckNameless(files, output.output));
  CYTO8_ASSIGN_OR_RETURN(const std::vector<AnonymousName> names,
                         NameByKeyFile(files,
                                       {.path = output.anonymize,
                                        .output = output.output,
                                        .write = !dry_run,
                                        .limits = limits},
                                       paths));
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs[i].hidden_path = paths[i];
    inputs[i].identity = {
        .path = names[i].id, .id = names[i].id, .image_id = names[i].image_id};
  }
  return OkStatus();
}

Status CheckDistinct(std::span<const SlideInput> inputs) {
  std::set<std::string> ids;
  std::map<int64_t, std::string> image_ids;  // to paths.
  for (const SlideInput& input : inputs) {
    const SlideIdentity& slide = input.identity;
    if (!ids.insert(slide.id).second) {
      return InvalidArgument(slide.path + ": is given twice");
    }
    const auto [first, is_new] = image_ids.emplace(slide.image_id, slide.path);
    if (is_new) continue;
    return InvalidArgument(
        slide.path + ": image_id = " + std::to_string(first->first) +
        ": is that of " + first->second + " too; list both in --mpp-from");
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<SlideInput>> DescribeInputs(
    FileSystem& files, std::span<const std::string> paths,
    const ScoreSettings& settings, const Limits& limits, bool dry_run) {
  CYTO8_ASSIGN_OR_RETURN(const SideFiles side_files,
                         ReadSideFiles(files, settings, limits));
  const std::vector<std::string> relative = RelativeToCommonFolder(paths);
  std::vector<SlideInput> inputs;
  inputs.reserve(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(SlideInput input,
                           Describe(paths[i], relative[i], settings));
    inputs.push_back(std::move(input));
  }
  if (!settings.output.anonymize.empty()) {
    CYTO8_RETURN_IF_ERROR(
        NameAll(files, paths, settings, limits, dry_run, inputs));
  } else {
    CYTO8_RETURN_IF_ERROR(CheckNamed(files, settings.output.output));
  }
  for (size_t i = 0; i < paths.size(); ++i) {
    ApplySideFiles(side_files, relative[i], settings, inputs[i]);
  }
  CYTO8_RETURN_IF_ERROR(CheckDistinct(inputs));
  return inputs;
}

}  // namespace cyto8
