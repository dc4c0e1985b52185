// SPDX-License-Identifier: Apache-2.0
// Names and scales of the inputs; see score_inputs.h.
#include "app/score_inputs.h"

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "app/mpp_source.h"
#include "app/slide_id.h"

namespace cyto8 {
namespace {

StatusOr<std::optional<SideFile>> ReadSideFile(FileSystem& files,
                                               const std::string& path,
                                               const Limits& limits) {
  if (path.empty()) return std::optional<SideFile>();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         ReadWholeFile(files, path, limits.max_truth_bytes));
  CYTO8_ASSIGN_OR_RETURN(SideFile side_file,
                         Annotate(SideFile::Parse(bytes, limits), path));
  return std::optional(std::move(side_file));
}

// Name, id and what is known of the scale of one image.
StatusOr<SlideInput> Describe(const std::string& path,
                              const std::string& relative,
                              const std::optional<SideFile>& side_file,
                              const InputSettings& settings) {
  SlideInput input;
  input.identity.path = path;
  input.hints.flag = settings.mpp;
  CYTO8_ASSIGN_OR_RETURN(input.identity.id, SlideId(relative));
  CYTO8_ASSIGN_OR_RETURN(input.identity.image_id, HashedImageId(relative));
  if (!side_file) return input;
  const StatusOr<SideEntry> entry = side_file->Find(relative);
  if (!entry.ok()) {
    input.status = Annotate(entry.status(), path + ": " + settings.mpp_from);
    return input;
  }
  input.hints.side_file = entry->mpp;
  if (entry->image_id) input.identity.image_id = *entry->image_id;
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
    return InvalidArgument(slide.path + ": image_id = " +
                           std::to_string(first->first) + ": is that of " +
                           first->second + " too; list both in --mpp-from");
  }
  return OkStatus();
}

}  // namespace

StatusOr<std::vector<SlideInput>> DescribeInputs(
    FileSystem& files, std::span<const std::string> paths,
    const InputSettings& settings, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::optional<SideFile> side_file,
                         ReadSideFile(files, settings.mpp_from, limits));
  const std::vector<std::string> relative = RelativeToCommonFolder(paths);
  std::vector<SlideInput> inputs;
  inputs.reserve(paths.size());
  for (size_t i = 0; i < paths.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(
        SlideInput input,
        Describe(paths[i], relative[i], side_file, settings));
    inputs.push_back(std::move(input));
  }
  CYTO8_RETURN_IF_ERROR(CheckDistinct(inputs));
  return inputs;
}

}  // namespace cyto8
