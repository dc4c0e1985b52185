// SPDX-License-Identifier: Apache-2.0
// Damage on the way; see slide_output.h.
#include "tiling/slide_output.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace cyto8 {
namespace {

struct NamedKind {
  std::string_view name;
  DamageKind kind;
};
constexpr std::array<NamedKind, 6> kKinds = {
    NamedKind{"missing", DamageKind::kMissing},
    NamedKind{"truncated", DamageKind::kTruncated},
    NamedKind{"wrong-length", DamageKind::kWrongLength},
    NamedKind{"flips", DamageKind::kBitFlips},
    NamedKind{"zeroed", DamageKind::kZeroed},
    NamedKind{"cut", DamageKind::kCut}};

// Evenly over the second half, where a JPEG has its pixels, but for the end
// marker; another bit each time.
void FlipBits(std::string& jpeg) {
  const auto size = static_cast<int64_t>(jpeg.size());
  const int64_t first = size / 2;
  const int64_t room = std::max<int64_t>(1, size - 2 - first);
  for (int64_t i = 0; i < kFlippedBits; ++i) {
    char& byte = jpeg[static_cast<size_t>(first + i * room / kFlippedBits)];
    byte = static_cast<char>(byte ^ (1 << (i % 8)));
  }
}

}  // namespace

std::string_view DamageName(DamageKind kind) {
  return std::ranges::find(kKinds, kind, &NamedKind::kind)->name;
}

StatusOr<DamageKind> ParseDamageKind(std::string_view text) {
  const auto* found = std::ranges::find(kKinds, text, &NamedKind::name);
  if (found != kKinds.end()) return found->kind;
  std::string names;
  for (const NamedKind& kind : kKinds) {
    names += (names.empty() ? "" : ", ") + std::string(kind.name);
  }
  return InvalidArgument("\"" + std::string(text) + "\": must be one of " +
                         names);
}

void AppendLittleEndian(std::string& bytes, uint64_t value, int count) {
  for (int i = 0; i < count; ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  }
}

StatusOr<SlideOutput> SlideOutput::Create(FileSystem& files,
                                          const std::string& path,
                                          std::vector<Damage> damage) {
  CYTO8_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(files, path));
  return SlideOutput(std::move(file), std::move(damage));
}

SlideOutput::SlideOutput(AtomicFile file, std::vector<Damage> damage)
    : file_(std::move(file)),
      damage_(std::move(damage)),
      cut_at_(std::numeric_limits<int64_t>::max()) {}

Status SlideOutput::Append(std::string_view bytes) {
  const int64_t kept = std::clamp<int64_t>(cut_at_ - position_, 0,
                                           static_cast<int64_t>(bytes.size()));
  position_ += static_cast<int64_t>(bytes.size());
  return file_.Append(bytes.substr(0, static_cast<size_t>(kept)));
}

StatusOr<TilePlace> SlideOutput::AppendTile(const BlockId& block,
                                            std::string jpeg) {
  TilePlace place = {.begin = position_,
                     .length = static_cast<int64_t>(jpeg.size())};
  const Damage* damage = DamageOf(block);
  if (damage != nullptr) place = Spoil(damage->kind, block, jpeg);
  Zero(block, jpeg);
  CYTO8_RETURN_IF_ERROR(Append(jpeg));
  tiles_end_ = position_;
  return place;
}

Status SlideOutput::Overwrite(int64_t offset, std::string_view bytes) {
  return file_.Overwrite(offset, std::as_bytes(std::span(bytes)));
}

std::vector<DamageRecord> SlideOutput::records() const {
  std::vector<DamageRecord> records = records_;
  for (DamageRecord& record : records) {
    if (record.kind == DamageKind::kCut) record.end = position_;
    if (record.kind == DamageKind::kZeroed) {
      record.end = std::min(record.end, tiles_end_);
    }
  }
  return records;
}

const Damage* SlideOutput::DamageOf(const BlockId& block) const {
  if (block.level != 0) return nullptr;
  for (const Damage& damage : damage_) {
    if (damage.column == block.column && damage.row == block.row) {
      return &damage;
    }
  }
  return nullptr;
}

TilePlace SlideOutput::Spoil(DamageKind kind, const BlockId& block,
                             std::string& jpeg) {
  const auto size = static_cast<int64_t>(jpeg.size());
  const int64_t half = size / 2;
  TilePlace place = {.begin = position_, .length = size};
  DamageRecord record = {.kind = kind,
                         .begin = position_,
                         .end = position_ + size,
                         .blocks = {block}};
  switch (kind) {
    case DamageKind::kMissing:
      jpeg.clear();
      place = {};
      record.end = record.begin;
      break;
    case DamageKind::kTruncated:
      jpeg.resize(static_cast<size_t>(half));
      place.length = half;
      record.begin = record.end = position_ + half;
      break;
    case DamageKind::kWrongLength:
      place.length = half;
      break;
    case DamageKind::kBitFlips:
      FlipBits(jpeg);
      break;
    case DamageKind::kZeroed:
      record.begin = position_ + half;
      record.end = record.begin + kZeroedBytes;
      record.blocks.clear();  // Zero() names them.
      break;
    case DamageKind::kCut:
      cut_at_ = record.begin = position_ + half;
      break;
  }
  records_.push_back(std::move(record));
  return place;
}

void SlideOutput::Zero(const BlockId& block, std::string& jpeg) {
  const auto size = static_cast<int64_t>(jpeg.size());
  for (DamageRecord& record : records_) {
    if (record.kind != DamageKind::kZeroed) continue;
    const int64_t first = std::max<int64_t>(0, record.begin - position_);
    const int64_t end = std::min(size, record.end - position_);
    if (first >= end) continue;
    std::fill(jpeg.begin() + first, jpeg.begin() + end, '\0');
    record.blocks.push_back(block);
  }
}

}  // namespace cyto8
