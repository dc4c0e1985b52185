// SPDX-License-Identifier: Apache-2.0
// What a disk may hold after the power went; see recording_file_system.h.
#include "tests/support/recording_file_system.h"

#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

namespace cyto8 {
namespace {

namespace fs = std::filesystem;

struct Content {
  std::string bytes;
  size_t synced = 0;  // of them are on disk for sure.
};

// A change of a name in a folder, not synced yet.
struct NameChange {
  std::string gone = {};             // empty: none.
  std::string name = {};             // empty: none.
  std::optional<int64_t> file = {};  // that `name` leads to.
};

using Names = std::map<std::string, int64_t>;

std::string FolderOf(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

void Apply(const NameChange& change, Names& names) {
  if (!change.gone.empty()) names.erase(change.gone);
  if (!change.name.empty()) names[change.name] = *change.file;
}

}  // namespace

void RecordingFileSystem::Note(Event event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
}

size_t RecordingFileSystem::events() const {
  const std::lock_guard lock(mutex_);
  return events_.size();
}

void RecordingFileSystem::PutAfterPowerLoss(size_t events,
                                            const std::string& root,
                                            const std::string& folder,
                                            std::mt19937_64& random) const {
  const std::lock_guard lock(mutex_);
  std::map<int64_t, Content> files;
  Names current;  // as the program sees them.
  Names on_disk;
  std::map<std::string, std::vector<NameChange>> pending;  // by folder.
  const auto change = [&](const NameChange& names) {
    Apply(names, current);
    pending[FolderOf(names.name.empty() ? names.gone : names.name)].push_back(
        names);
  };
  for (size_t i = 0; i < events; ++i) {
    const Event& event = events_[i];
    switch (event.kind) {
      case Kind::kCreate:
        change({.name = event.path, .file = event.file});
        break;
      case Kind::kWrite:
        files[event.file].bytes += event.bytes;
        break;
      case Kind::kSync:
        files[event.file].synced = files[event.file].bytes.size();
        break;
      case Kind::kRename:
        change({.gone = event.path,
                .name = event.to,
                .file = current.at(event.path)});
        break;
      case Kind::kRemove:
        change({.gone = event.path});
        break;
      case Kind::kSyncFolder:
        for (const NameChange& names : pending[event.path]) {
          Apply(names, on_disk);
        }
        pending.erase(event.path);
        break;
    }
  }
  // Of what was not synced: all, nothing, or some.
  std::bernoulli_distribution kept(
      std::uniform_int_distribution<int>(0, 2)(random) * 0.5);
  for (const auto& [where, changes] : pending) {
    for (const NameChange& names : changes) {
      if (kept(random)) Apply(names, on_disk);
    }
  }
  for (const auto& [path, number] : on_disk) {
    const Content& file = files[number];
    std::uniform_int_distribution<size_t> more(file.synced, file.bytes.size());
    const fs::path target = folder + path.substr(root.size());
    fs::create_directories(target.parent_path());
    std::ofstream(target, std::ios::binary)
        << file.bytes.substr(0, more(random));
  }
}

StatusOr<int> RecordingFileSystem::OpenForReading(const std::string& path) {
  return files_.OpenForReading(path);
}

StatusOr<int> RecordingFileSystem::CreateNew(const std::string& path) {
  return Created(files_.CreateNew(path), path);
}

StatusOr<int> RecordingFileSystem::CreatePrivate(const std::string& path) {
  return Created(files_.CreatePrivate(path), path);
}

StatusOr<int> RecordingFileSystem::Created(const StatusOr<int>& file,
                                           const std::string& path) {
  if (!file.ok()) return file;
  const std::lock_guard lock(mutex_);
  open_[*file] = next_file_;
  events_.push_back(
      {.kind = Kind::kCreate, .file = next_file_++, .path = path});
  return file;
}

StatusOr<int> RecordingFileSystem::OpenDirectory(const std::string& path) {
  const StatusOr<int> file = files_.OpenDirectory(path);
  const std::lock_guard lock(mutex_);
  if (file.ok()) folders_[*file] = path;
  return file;
}

StatusOr<int> RecordingFileSystem::OpenLock(const std::string& path) {
  return files_.OpenLock(path);
}

StatusOr<bool> RecordingFileSystem::TryLock(int file, const std::string& path) {
  return files_.TryLock(file, path);
}

StatusOr<FileInfo> RecordingFileSystem::Stat(int file,
                                             const std::string& path) {
  return files_.Stat(file, path);
}

StatusOr<int64_t> RecordingFileSystem::Read(int file,
                                            std::span<std::byte> bytes,
                                            const std::string& path) {
  return files_.Read(file, bytes, path);
}

StatusOr<int64_t> RecordingFileSystem::ReadAt(int file, int64_t offset,
                                              std::span<std::byte> bytes,
                                              const std::string& path) {
  return files_.ReadAt(file, offset, bytes, path);
}

StatusOr<SharedBytes> RecordingFileSystem::Map(int file, int64_t bytes,
                                               const std::string& path) {
  return files_.Map(file, bytes, path);
}

StatusOr<int64_t> RecordingFileSystem::Write(int file,
                                             std::span<const std::byte> bytes,
                                             const std::string& path) {
  const StatusOr<int64_t> count = files_.Write(file, bytes, path);
  if (!count.ok()) return count;
  const std::lock_guard lock(mutex_);
  events_.push_back({.kind = Kind::kWrite,
                     .file = open_.at(file),
                     .bytes = {reinterpret_cast<const char*>(bytes.data()),
                               static_cast<size_t>(*count)}});
  return count;
}

StatusOr<int64_t> RecordingFileSystem::WriteAt(int, int64_t,
                                               std::span<const std::byte>,
                                               const std::string& path) {
  return Unimplemented(path + ": overwriting is not recorded");
}

Status RecordingFileSystem::Sync(int file, const std::string& path) {
  const Status synced = files_.Sync(file, path);
  if (!synced.ok()) return synced;
  const std::lock_guard lock(mutex_);
  const auto folder = folders_.find(file);
  if (folder != folders_.end()) {
    events_.push_back({.kind = Kind::kSyncFolder, .path = folder->second});
  } else {
    events_.push_back({.kind = Kind::kSync, .file = open_.at(file)});
  }
  return synced;
}

Status RecordingFileSystem::Close(int file, const std::string& path) {
  {
    const std::lock_guard lock(mutex_);
    open_.erase(file);
    folders_.erase(file);
  }
  return files_.Close(file, path);
}

Status RecordingFileSystem::Rename(const std::string& from,
                                   const std::string& to) {
  const Status renamed = files_.Rename(from, to);
  if (renamed.ok()) Note({.kind = Kind::kRename, .path = from, .to = to});
  return renamed;
}

Status RecordingFileSystem::Remove(const std::string& path) {
  const Status removed = files_.Remove(path);
  if (removed.ok()) Note({.kind = Kind::kRemove, .path = path});
  return removed;
}

Status RecordingFileSystem::MakeDirectory(const std::string& path) {
  return files_.MakeDirectory(path);
}

StatusOr<std::vector<DirectoryEntry>> RecordingFileSystem::ListDirectory(
    const std::string& path) {
  return files_.ListDirectory(path);
}

}  // namespace cyto8
