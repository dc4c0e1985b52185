// SPDX-License-Identifier: Apache-2.0
// See candidate_file.h. Numbers are little-endian, as the machines are.
#include "app/candidate_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "CY8CAND1";
constexpr uint32_t kVersion = 2;

struct FileHeader {
  char magic[8] = {};
  uint32_t version = kVersion;
  uint32_t header_bytes = 0;
  int64_t tiles = 0;
  int64_t width_px = 0;
  int64_t height_px = 0;
};
static_assert(sizeof(FileHeader) == 40);

struct FileTile {
  int64_t tile = 0;
  uint32_t detections = 0;
  uint16_t outcome = 0;
  uint16_t flags = 0;
};
static_assert(sizeof(FileTile) == 16);

struct FileDetection {
  double x_min = 0, y_min = 0, x_max = 0, y_max = 0;
  float score = 0;
  int32_t class_id = 0;
};
static_assert(sizeof(FileDetection) == 40);

constexpr int64_t kDigestBytes = sizeof(Sha256Digest);
// Behind the tiles: the fingerprint and the hash of all before.
constexpr int64_t kTrailerBytes = 2 * kDigestBytes;

template <typename T>
std::span<const std::byte> BytesOf(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
template <typename T>
std::span<std::byte> WritableBytesOf(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

Status Damaged(const std::string& what) {
  return DataLoss("damaged candidates: " + what);
}

Status CheckDetection(const Detection& d, int64_t classes) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("score", static_cast<double>(d.score), 0.0, 1.0));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("class", int64_t{d.class_id}, int64_t{1}, classes));
  for (const double side :
       {d.box.x_min, d.box.y_min, d.box.x_max, d.box.y_max}) {
    CYTO8_RETURN_IF_ERROR(CheckRange("coordinate", side, -1e9, 1e9));
  }
  return OkStatus();
}

}  // namespace

StatusOr<CandidateWriter> CandidateWriter::Create(
    FileSystem& files, const std::string& path, const CandidateHeader& header) {
  CYTO8_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(files, path));
  CandidateWriter writer(std::move(file), header);
  FileHeader first = {.header_bytes = sizeof(FileHeader),
                      .tiles = header.tiles,
                      .width_px = header.width_px,
                      .height_px = header.height_px};
  std::ranges::copy(kMagic, first.magic);
  CYTO8_RETURN_IF_ERROR(writer.Write(BytesOf(first)));
  return writer;
}

Status CandidateWriter::Write(std::span<const std::byte> bytes) {
  CYTO8_RETURN_IF_ERROR(hasher_.Append(bytes));
  return file_.Append(bytes);
}

Status CandidateWriter::Append(const TileCandidates& tile) {
  CYTO8_ENSURE(tiles_ < header_.tiles);
  ++tiles_;
  const FileTile head = {
      .tile = tile.tile,
      .detections = static_cast<uint32_t>(tile.detections.size()),
      .outcome = static_cast<uint16_t>(tile.outcome),
      .flags = tile.flags};
  CYTO8_RETURN_IF_ERROR(Write(BytesOf(head)));
  for (const Detection& d : tile.detections) {
    const FileDetection record = {.x_min = d.box.x_min,
                                  .y_min = d.box.y_min,
                                  .x_max = d.box.x_max,
                                  .y_max = d.box.y_max,
                                  .score = d.score,
                                  .class_id = d.class_id};
    CYTO8_RETURN_IF_ERROR(Write(BytesOf(record)));
  }
  return OkStatus();
}

Status CandidateWriter::Commit(const Sha256Digest& fingerprint) {
  CYTO8_ENSURE(tiles_ == header_.tiles);
  CYTO8_RETURN_IF_ERROR(Write(BytesOf(fingerprint)));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, hasher_.Finish());
  CYTO8_RETURN_IF_ERROR(file_.Append(BytesOf(digest)));
  return file_.Commit();
}

CandidateReader::CandidateReader(std::unique_ptr<InputFile> file,
                                 std::string path, int64_t max_boxes)
    : file_(std::move(file)),
      path_(std::move(path)),
      bytes_(*file_, 0, file_->size_bytes() - kTrailerBytes),
      max_boxes_(max_boxes) {}

StatusOr<std::unique_ptr<CandidateReader>> CandidateReader::Open(
    FileSystem& files, const std::string& path, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<InputFile> file,
                         InputFile::Open(files, path));
  constexpr int64_t kLeast = sizeof(FileHeader) + kTrailerBytes;
  if (file->size_bytes() < kLeast) {
    return Annotate(
        Damaged("has " + std::to_string(file->size_bytes()) +
                " bytes, at least " + std::to_string(kLeast) + " are needed"),
        path);
  }
  std::unique_ptr<CandidateReader> reader(
      new CandidateReader(std::move(file), path, limits.max_boxes));
  Status status = reader->CheckHash();
  if (status.ok()) status = reader->ReadHeader(limits);
  CYTO8_RETURN_IF_ERROR(reader->file_->failure());
  CYTO8_RETURN_IF_ERROR(Annotate(status, path));
  return reader;
}

Status CandidateReader::CheckHash() {
  const int64_t end = file_->size_bytes() - kDigestBytes;
  BlockReader blocks(*file_, 0, end);
  Sha256Hasher hasher;
  for (auto block = blocks.Next(); !block.empty(); block = blocks.Next()) {
    CYTO8_RETURN_IF_ERROR(hasher.Append(block));
  }
  Sha256Digest stated{};
  CYTO8_RETURN_IF_ERROR(file_->ReadAt(end, WritableBytesOf(stated)));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest found, hasher.Finish());
  return found == stated ? OkStatus() : Damaged("SHA-256 does not fit");
}

Status CandidateReader::ReadHeader(const Limits& limits) {
  FileHeader first;
  if (!bytes_.Read(WritableBytesOf(first))) return file_->failure();
  if (std::string_view(first.magic, kMagic.size()) != kMagic) {
    return Damaged("does not begin with " + std::string(kMagic));
  }
  if (first.version != kVersion || first.header_bytes != sizeof(FileHeader)) {
    return Unimplemented("candidates of version " +
                         std::to_string(first.version) + ": only " +
                         std::to_string(kVersion) + " is read");
  }
  CYTO8_RETURN_IF_ERROR(file_->ReadAt(file_->size_bytes() - kTrailerBytes,
                                      WritableBytesOf(fingerprint_)));
  header_ = {.tiles = first.tiles,
             .width_px = first.width_px,
             .height_px = first.height_px};
  const auto checked = [&]() -> Status {
    CYTO8_RETURN_IF_ERROR(
        CheckRange("tiles", header_.tiles, int64_t{0}, limits.max_tiles));
    CYTO8_RETURN_IF_ERROR(
        CheckRange("width", header_.width_px, int64_t{1}, limits.max_side_px));
    return CheckRange("height", header_.height_px, int64_t{1},
                      limits.max_side_px);
  };
  const Status status = checked();
  if (!status.ok()) return Damaged(status.message());
  tiles_left_ = header_.tiles;
  seen_.resize(static_cast<size_t>(header_.tiles));
  return OkStatus();
}

StatusOr<std::optional<TileCandidates>> CandidateReader::Next() {
  StatusOr<std::optional<TileCandidates>> tile = ReadTile();
  if (tile.ok()) return tile;
  CYTO8_RETURN_IF_ERROR(file_->failure());
  return Annotate(
      Damaged("tile " + std::to_string(header_.tiles - tiles_left_) + ": " +
              tile.status().message()),
      path_);
}

StatusOr<std::optional<TileCandidates>> CandidateReader::ReadTile() {
  if (tiles_left_ == 0) {
    if (!bytes_.Next().empty()) return DataLoss("more bytes than tiles");
    return std::optional<TileCandidates>();
  }
  FileTile head;
  if (!bytes_.Read(WritableBytesOf(head))) return DataLoss("is missing");
  CYTO8_RETURN_IF_ERROR(
      CheckRange("number", head.tile, int64_t{0}, header_.tiles - 1));
  if (seen_[static_cast<size_t>(head.tile)]) return DataLoss("comes twice");
  seen_[static_cast<size_t>(head.tile)] = true;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("outcome", int64_t{head.outcome}, int64_t{0},
                 static_cast<int64_t>(TileOutcome::kBackground)));
  TileCandidates tile = {.tile = head.tile,
                         .outcome = static_cast<TileOutcome>(head.outcome),
                         .flags = head.flags};
  const bool scored = tile.outcome == TileOutcome::kScored;
  CYTO8_RETURN_IF_ERROR(CheckRange("detections", int64_t{head.detections},
                                   int64_t{0}, scored ? max_boxes_ : 0));
  for (uint32_t i = 0; i < head.detections; ++i) {
    FileDetection record;
    if (!bytes_.Read(WritableBytesOf(record))) return DataLoss("is cut");
    tile.detections.push_back({.box = {.x_min = record.x_min,
                                       .y_min = record.y_min,
                                       .x_max = record.x_max,
                                       .y_max = record.y_max},
                               .score = record.score,
                               .class_id = record.class_id,
                               .tile = head.tile});
    CYTO8_RETURN_IF_ERROR(
        CheckDetection(tile.detections.back(), int64_t{0xFFFF}));
  }
  --tiles_left_;
  return std::optional(std::move(tile));
}

}  // namespace cyto8
