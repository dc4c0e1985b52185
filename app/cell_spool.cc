// SPDX-License-Identifier: Apache-2.0
// See cell_spool.h. The file holds detections as they lie in memory: nobody but
// this process reads it.
#include "app/cell_spool.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace cyto8 {
namespace {

static_assert(std::is_trivially_copyable_v<Detection>);

}  // namespace

CellSpool::~CellSpool() { Close(); }

Status CellSpool::Append(std::span<const Detection> cells) {
  held_.insert(held_.end(), cells.begin(), cells.end());
  const bool is_full = std::ssize(held_) > options_.held;
  return is_full && !options_.path.empty() ? Spill() : OkStatus();
}

Status CellSpool::Open() {
  FileSystem& files = *options_.files;
  const std::string& path = options_.path;
  Ends& ends = file_.emplace();
  CYTO8_ASSIGN_OR_RETURN(ends.write, files.CreateNew(path));
  const StatusOr<int> read = files.OpenForReading(path);
  if (read.ok()) ends.read = *read;
  const Status removed = files.Remove(path);
  return read.ok() ? removed : read.status();
}

Status CellSpool::Spill() {
  if (!file_) CYTO8_RETURN_IF_ERROR(Open());
  CYTO8_RETURN_IF_ERROR(WriteAll(*options_.files, file_->write,
                                 std::as_bytes(std::span(held_)),
                                 options_.path));
  on_disk_ += std::ssize(held_);
  held_.clear();
  return OkStatus();
}

StatusOr<std::vector<Detection>> CellSpool::TakeAll() {
  if (on_disk_ == 0) return std::exchange(held_, {});
  std::vector<Detection> cells(static_cast<size_t>(size()));
  const auto from_disk = std::span(cells).first(static_cast<size_t>(on_disk_));
  CYTO8_RETURN_IF_ERROR(ReadExactlyAt(*options_.files, file_->read, 0,
                                      std::as_writable_bytes(from_disk),
                                      options_.path));
  std::ranges::copy(held_, cells.begin() + on_disk_);
  held_ = {};
  on_disk_ = 0;
  Close();
  return cells;
}

// Nothing is lost if closing fails: what was written was read, or is not
// needed.
void CellSpool::Close() {
  if (!file_) return;
  for (const int end : {file_->write, file_->read}) {
    if (end < 0) continue;
    static_cast<void>(options_.files->Close(end, options_.path).ok());
  }
  file_.reset();
}

}  // namespace cyto8
