// SPDX-License-Identifier: Apache-2.0
// Walking folders; see input_list.h.
#include "app/input_list.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>

#include "app/real_path.h"
#include "base/checked_math.h"
#include "base/lower_case.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 18> kImageExtensions = {
    ".jpg",     ".jpeg", ".jpe",  ".png",    ".tif", ".tiff",
    ".svs",     ".ndpi", ".mrxs", ".scn",    ".vms", ".vmu",
    ".svslide", ".bif",  ".kfb",  ".qptiff", ".btf", ".tf8"};

// Of a result tree (docs/formats.md, section 3): passed over where the images
// lie in the output folder itself.
constexpr std::array<std::string_view, 5> kResultFolders = {
    "slides", "report", "bench", "sweep", "logs"};

template <typename List>
bool Holds(const List& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Whether an earlier run wrote its results here: its pictures are no input.
bool IsOutputFolder(const std::vector<DirectoryEntry>& entries) {
  return std::ranges::any_of(entries, [](const DirectoryEntry& entry) {
    return entry.name == "run.json" && entry.kind == EntryKind::kRegular;
  });
}

struct Kind {
  bool is_regular = false;
  bool is_directory = false;
};

// Of what a name leads to, links followed; neither if it leads nowhere.
Kind KindOf(FileSystem& files, const std::string& path) {
  const StatusOr<int> file = files.OpenForReading(path);
  if (!file.ok()) return {};
  const StatusOr<FileInfo> info = files.Stat(*file, path);
  static_cast<void>(files.Close(*file, path).ok());  // nothing was written.
  if (!info.ok()) return {};
  return {info->is_regular, info->is_directory};
}

// Collects the list, one argument after the other.
class InputLister {
 public:
  InputLister(FileSystem& files, const InputListOptions& options)
      : files_(files),
        options_(options),
        output_(options.output.empty() ? fs::path()
                                       : RealPath(options.output)) {}

  Status Add(const std::string& argument);
  InputList Take() { return std::move(list_); }

 private:
  // A folder that waits to be looked at.
  struct Folder {
    std::string below;  // "" or "a/b/".
    int64_t depth = 0;
  };

  Status AddImage(const std::string& path);
  Status AddFolder(const std::string& argument);
  void Visit(const std::string& root, const Folder& folder,
             std::vector<Folder>& waiting, std::vector<std::string>& images);
  bool IsResult(const std::string& below, const std::string& name) const;
  bool IsImage(const std::string& path, const DirectoryEntry& entry);

  FileSystem& files_;
  const InputListOptions& options_;
  fs::path output_;     // real; empty: none.
  fs::path real_root_;  // of the folder that is walked.
  InputList list_;
  std::set<std::string> seen_;  // normalised paths of images.
};

Status InputLister::Add(const std::string& argument) {
  return KindOf(files_, argument).is_directory ? AddFolder(argument)
                                               : AddImage(argument);
}

Status InputLister::AddImage(const std::string& path) {
  const auto count = static_cast<int64_t>(list_.images.size());
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number of images", count + 1, 1, options_.limits.max_images));
  if (!seen_.insert(AbsolutePath(path).string()).second) {
    return InvalidArgument(path + ": is given twice");
  }
  list_.images.push_back(path);
  return OkStatus();
}

Status InputLister::AddFolder(const std::string& argument) {
  const std::string root = argument.ends_with('/') ? argument : argument + "/";
  real_root_ = RealPath(argument);
  std::vector<Folder> waiting = {{}};
  std::vector<std::string> images;
  while (!waiting.empty()) {
    const Folder folder = std::move(waiting.back());
    waiting.pop_back();
    Visit(root, folder, waiting, images);
    CYTO8_RETURN_IF_ERROR(CheckRange("number of images",
                                     static_cast<int64_t>(images.size()), 0,
                                     options_.limits.max_images));
  }
  std::ranges::sort(images);
  for (const std::string& image : images) {
    CYTO8_RETURN_IF_ERROR(AddImage(root + image));
  }
  return OkStatus();
}

void InputLister::Visit(const std::string& root, const Folder& folder,
                        std::vector<Folder>& waiting,
                        std::vector<std::string>& images) {
  const std::string path = root + folder.below;
  const Status shallow = CheckRange(path + ": depth", folder.depth, 0,
                                    options_.limits.max_folder_depth);
  if (!shallow.ok()) return list_.unreadable.push_back(shallow);
  const StatusOr<std::vector<DirectoryEntry>> entries =
      files_.ListDirectory(path);
  if (!entries.ok()) return list_.unreadable.push_back(entries.status());
  const bool is_output = IsOutputFolder(*entries);
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name.starts_with('.')) continue;
    if (entry.kind == EntryKind::kDirectory) {
      if (is_output && Holds(kResultFolders, entry.name)) continue;
      if (IsResult(folder.below, entry.name)) continue;
      waiting.push_back({folder.below + entry.name + "/", folder.depth + 1});
    } else if (IsImage(path + entry.name, entry)) {
      images.push_back(folder.below + entry.name);
    }
  }
}

bool InputLister::IsResult(const std::string& below,
                           const std::string& name) const {
  if (output_.empty()) return false;
  const bool is_inside_output =
      below.empty() && real_root_ == output_ && Holds(kResultFolders, name);
  return is_inside_output || real_root_ / (below + name) == output_;
}

// A link that leads nowhere is taken, so that its failure is seen.
bool InputLister::IsImage(const std::string& path,
                          const DirectoryEntry& entry) {
  const std::string extension = LowerCaseExtension(entry.name);
  const bool has_name = Holds(kImageExtensions, extension);
  if (has_name && entry.kind == EntryKind::kRegular) return true;
  if (has_name && entry.kind == EntryKind::kSymlink &&
      !KindOf(files_, path).is_directory) {
    return true;
  }
  ++list_.left_out[extension];
  return false;
}

}  // namespace

StatusOr<InputList> ListInputs(FileSystem& files,
                               std::span<const std::string> arguments,
                               const InputListOptions& options) {
  InputLister lister(files, options);
  for (const std::string& argument : arguments) {
    CYTO8_RETURN_IF_ERROR(lister.Add(argument));
  }
  return lister.Take();
}

std::string DescribeLeftOut(const InputList& list) {
  constexpr size_t kMaxLength = 16;  // of an extension worth showing.
  constexpr size_t kMaxKinds = 8;
  std::string text;
  size_t kinds = 0;
  int64_t others = 0;
  for (const auto& [extension, count] : list.left_out) {
    if (extension.size() > kMaxLength || kinds == kMaxKinds) {
      others += count;
      continue;
    }
    ++kinds;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
            (extension.empty() ? "without extension" : extension);
  }
  if (others > 0) {
    text += (text.empty() ? "" : ", ") + std::to_string(others) + " others";
  }
  return text.empty() ? "" : "left out: " + text;
}

}  // namespace cyto8
