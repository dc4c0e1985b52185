// SPDX-License-Identifier: Apache-2.0
// Lists joined as text; see coco_run.h. A coco.json is "[", "\n " and an entry
// for each box with "," between them, "\n]\n"; what stands between the brackets
// is copied.
#include "app/coco_run.h"

#include <algorithm>
#include <vector>

namespace cyto8 {
namespace {

constexpr std::string_view kBegin = "[";
constexpr std::string_view kEnd = "\n]\n";

// Passes on what comes between kBegin and kEnd; the last bytes are held back
// until it is known whether they are the end.
class ListBody {
 public:
  ListBody(bool follows_others, const Sink& sink)
      : sink_(sink), separator_(follows_others ? "," : "") {}

  Status Append(std::string_view bytes);
  // True if the file was whole and held so many entries.
  bool IsWhole(int64_t entries) const {
    return begun_ && held_ == kEnd && entries_ == entries;
  }

 private:
  const Sink& sink_;
  std::string_view separator_;
  bool begun_ = false;
  std::string held_;
  int64_t entries_ = 0;
};

Status ListBody::Append(std::string_view bytes) {
  if (!begun_) {
    if (!bytes.starts_with(kBegin)) return OkStatus();  // IsWhole() tells.
    bytes.remove_prefix(kBegin.size());
    begun_ = true;
  }
  held_ += bytes;
  if (held_.size() <= kEnd.size()) return OkStatus();
  const size_t known = held_.size() - kEnd.size();
  const std::string_view body = std::string_view(held_).substr(0, known);
  entries_ += std::count(body.begin(), body.end(), '\n');
  CYTO8_RETURN_IF_ERROR(sink_(separator_));
  separator_ = "";
  CYTO8_RETURN_IF_ERROR(sink_(body));
  held_.erase(0, known);
  return OkStatus();
}

Status CopyOpenFile(FileSystem& files, int file, const std::string& path,
                    ListBody& body) {
  constexpr size_t kBlockBytes = size_t{1} << 16;
  std::vector<char> block(kBlockBytes);
  while (true) {
    CYTO8_ASSIGN_OR_RETURN(
        const int64_t count,
        files.Read(file, std::as_writable_bytes(std::span(block)), path));
    if (count == 0) return OkStatus();
    CYTO8_RETURN_IF_ERROR(body.Append(
        std::string_view(block.data(), static_cast<size_t>(count))));
  }
}

Status CopyList(FileSystem& files, const std::string& path, int64_t entries,
                ListBody body) {
  const StatusOr<int> opened = files.OpenForReading(path);
  // Another run writes into the same folder.
  if (opened.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kUnavailable, path + ": is gone again");
  }
  CYTO8_ASSIGN_OR_RETURN(const int file, opened);
  const Status copied = CopyOpenFile(files, file, path, body);
  const Status closed = files.Close(file, path);
  CYTO8_RETURN_IF_ERROR(copied);
  CYTO8_RETURN_IF_ERROR(closed);
  if (body.IsWhole(entries)) return OkStatus();
  return Status(StatusCode::kUnavailable, path + ": is not the list of " +
                                              std::to_string(entries) +
                                              " boxes that was written");
}

}  // namespace

Status WriteCocoRun(FileSystem& files, const std::string& folder,
                    std::span<const SlideSummary> slides, const Sink& sink) {
  std::vector<const SlideSummary*> order;
  for (const SlideSummary& slide : slides) {
    if (HasResult(slide)) order.push_back(&slide);
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const SlideSummary* a, const SlideSummary* b) {
                     return a->identity.image_id < b->identity.image_id;
                   });
  CYTO8_RETURN_IF_ERROR(sink(kBegin));
  bool any = false;
  for (const SlideSummary* slide : order) {
    CYTO8_RETURN_IF_ERROR(
        CopyList(files, folder + "/" + slide->identity.id + "/coco.json",
                 slide->boxes, ListBody(any, sink)));
    any = any || slide->boxes > 0;
  }
  return sink(kEnd);
}

}  // namespace cyto8
