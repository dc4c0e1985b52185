// SPDX-License-Identifier: Apache-2.0
// Names and scales of the inputs; see score_inputs.h.
#include "app/score_inputs.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

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

// Name, id and what is known of one image. A failure of its own is in
// `status`.
StatusOr<SlideInput> Describe(const std::string& path,
                              const std::string& relative,
                              const SideFiles& side_files,
                              const ScoreSettings& settings) {
  SlideInput input;
  input.identity.path = path;
  input.hints.flag = settings.input.mpp;
  CYTO8_ASSIGN_OR_RETURN(input.identity.id, SlideId(relative));
  CYTO8_ASSIGN_OR_RETURN(input.identity.image_id, HashedImageId(relative));
  if (side_files.mpp) {
    input.status = Annotate(ApplyScale(*side_files.mpp, relative, input),
                            path + ": " + settings.input.mpp_from);
  }
  if (side_files.roi && input.status.ok()) {
    input.status = Annotate(ApplyRegions(*side_files.roi, relative, input),
                            path + ": " + settings.tiling.roi);
  }
  return input;
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
    const ScoreSettings& settings, const Limits& limits) {
  SideFiles side_files;
  CYTO8_RETURN_IF_ERROR(
      ReadList(files, settings.input.mpp_from, limits, side_files.mpp));
  CYTO8_RETURN_IF_ERROR(
      ReadList(files, settings.tiling.roi, limits, side_files.roi));
  const std::vector<std::string> relative = RelativeToCommonFolder(paths);
  std::vector<SlideInput> inputs;
  inputs.reserve(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(SlideInput input, Describe(paths[i], relative[i],
                                                      side_files, settings));
    inputs.push_back(std::move(input));
  }
  CYTO8_RETURN_IF_ERROR(CheckDistinct(inputs));
  return inputs;
}

}  // namespace cyto8
