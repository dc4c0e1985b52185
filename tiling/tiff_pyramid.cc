// SPDX-License-Identifier: Apache-2.0
// Directories to levels, tiles to pixels; see tiff_pyramid.h.
#include "tiling/tiff_pyramid.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tiling/jpeg_block.h"
#include "tiling/jpeg_decompressor.h"
#include "tiling/row_source.h"
#include "tiling/slide_block.h"
#include "tiling/slide_bytes.h"
#include "tiling/tiff_chunk.h"
#include "tiling/tiff_directory.h"
#include "tiling/tiff_layout.h"
#include "tiling/tiff_pixels.h"

namespace cyto8 {
namespace {

constexpr TiffTag kNewSubfileType = {254, "NewSubfileType"};
constexpr TiffTag kImageWidth = {256, "ImageWidth"};
constexpr TiffTag kImageLength = {257, "ImageLength"};
constexpr TiffTag kImageDescription = {270, "ImageDescription"};
constexpr TiffTag kStripOffsets = {273, "StripOffsets"};
constexpr TiffTag kSoftware = {305, "Software"};
constexpr TiffTag kTileWidth = {322, "TileWidth"};
constexpr TiffTag kTileOffsets = {324, "TileOffsets"};
constexpr TiffTag kSubIfds = {330, "SubIFDs"};
constexpr TiffTag kOldJpeg = {513, "JPEGInterchangeFormat"};
constexpr TiffTag kXmp = {700, "XMP"};
constexpr TiffTag kHamamatsuLens = {65421, "SourceLens"};

constexpr int64_t kMaskBit = 4;  // of NewSubfileType: a transparency mask.

// What parsing reads more than once. All else lies in the file: directories
// that share their bytes cannot make many of few.
constexpr int64_t kSlackBytes = int64_t{1} << 20;

// A tag as text; empty if it is missing or no text.
std::string_view TextOf(const TiffDirectory& directory, const TiffTag& tag) {
  if (!directory.Has(tag)) return {};
  const StatusOr<std::span<const std::byte>> bytes = directory.Bytes(tag);
  if (!bytes.ok()) return {};
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool IsAperio(const TiffDirectory& directory) {
  return TextOf(directory, kImageDescription).starts_with("Aperio");
}

bool IsTiled(const TiffDirectory& directory) {
  return directory.Has(kTileWidth) || directory.Has(kTileOffsets);
}

bool HasPixels(const TiffDirectory& directory) {
  return IsTiled(directory) || directory.Has(kStripOffsets) ||
         directory.Has(kOldJpeg);
}

// Makers whose TIFFs need more than the tags say: overlapping or shifted tiles,
// padded levels, several scans in one file.
const char* MakerOf(const TiffDirectory& directory) {
  const std::string_view description = TextOf(directory, kImageDescription);
  const std::string_view software = TextOf(directory, kSoftware);
  if (directory.Has(kHamamatsuLens)) return "Hamamatsu NDPI";
  if (Contains(description, "www.leica-microsystems.com/scn/")) {
    return "Leica SCN";
  }
  if (software.starts_with("Philips")) return "Philips TIFF";
  if (software.starts_with("MedScan")) return "Trestle TIFF";
  if (Contains(TextOf(directory, kXmp), "iScan")) return "Ventana BIF";
  return nullptr;
}

// What Aperio calls an image beside the slide, in the second line of its
// description; of names, only these are known to say nothing of a patient.
std::optional<std::string> AperioNameOf(const TiffDirectory& directory) {
  const std::string_view text = TextOf(directory, kImageDescription);
  for (const char* name : {"label", "macro"}) {
    if (Contains(text, std::string("\n") + name + " ")) return name;
  }
  return std::nullopt;
}

struct Candidate {
  const TiffDirectory* directory = nullptr;
  int64_t width_px = 0;
  int64_t height_px = 0;
};

// Whether one factor divides both sides, each rounded either way.
bool HasAspectOf(const Candidate& base, const Candidate& reduced) {
  const auto holds = [](int64_t a, int64_t a_reduced, int64_t b,
                        int64_t b_reduced) {
    return a * (b_reduced - 1) <= b * (a_reduced + 1);
  };
  return holds(base.width_px, reduced.width_px, base.height_px,
               reduced.height_px) &&
         holds(base.height_px, reduced.height_px, base.width_px,
               reduced.width_px);
}

struct Level {
  TiffLayout layout;
  bool jpeg = false;  // each tile is one JPEG of all its colours.
};

// What a file is, before any tile is read.
struct Pyramid {
  SlideInfo info;
  std::vector<Level> levels;
};

std::string NameOf(size_t directory) {
  return "directory " + std::to_string(directory);
}

// Whether a first directory shows a plain image; later ones may still be a
// slide's.
bool IsPlain(const TiffDirectory& first) {
  return HasPixels(first) && !IsTiled(first) && !first.Has(kSubIfds) &&
         !IsAperio(first);
}

Status HasNoTiles() {
  return Unimplemented("TIFF without tiles is not a slide");
}

std::string NameOfSub(size_t directory) {
  return "SubIFD " + std::to_string(directory);
}

// Of a decompressor that reads tables only.
class NoInput final : public JpegInput {
 public:
  std::span<const std::byte> Next() override { return {}; }
  void Skip(int64_t) override {}
};

// Finds the levels among the directories of a file.
class PyramidParser {
 public:
  PyramidParser(ByteSource& bytes, const Limits& limits)
      : bytes_(&bytes), limits_(limits) {}

  StatusOr<Pyramid> Parse();

 private:
  Status ReadChain();
  Status ReadDirectories();
  Status ReadSubDirectories();
  Status CheckSubDirectories(const std::vector<int64_t>& offsets) const;
  Status CheckMakers() const;
  Status Sort();
  Status CheckAperio() const;
  Status SortOne(const TiffDirectory& directory, int64_t number, bool aperio);
  void ChooseLevels();
  StatusOr<Level> ReadLevel(const TiffDirectory& directory) const;

  ByteSource* bytes_;
  Limits limits_;
  std::vector<int64_t> chain_;  // where the directories are.
  std::vector<TiffDirectory> directories_;
  std::vector<TiffDirectory> sub_directories_;  // of the first one.
  std::vector<Candidate> candidates_;
  std::vector<Candidate> chosen_;
  SlideInfo info_ = {.reader = "direct"};
};

Status PyramidParser::ReadChain() {
  StatusOr<std::vector<int64_t>> chain = TiffDirectory::Chain(*bytes_);
  if (!chain.ok()) {
    const auto first = TiffDirectory::ReadFirst(*bytes_, limits_);
    return first.ok() && IsPlain(*first) ? HasNoTiles() : chain.status();
  }
  chain_ = *std::move(chain);
  return OkStatus();
}

// Of a plain image only the first page is read, as rows, so neither the number
// of the others nor damage in them is looked at; but where one of them has
// tiles it is a slide that begins with a thumbnail.
Status PyramidParser::ReadDirectories() {
  CYTO8_RETURN_IF_ERROR(ReadChain());
  Status damage;
  for (size_t i = 0; i < chain_.size(); ++i) {
    StatusOr<TiffDirectory> directory =
        Annotate(TiffDirectory::ReadAt(*bytes_, chain_[i], limits_), NameOf(i));
    if (directory.ok()) {
      directories_.push_back(*std::move(directory));
      continue;
    }
    if (damage.ok()) damage = directory.status();
    if (directories_.empty() || !IsPlain(directories_.front())) return damage;
  }
  if (IsPlain(directories_.front()) &&
      std::ranges::none_of(directories_, IsTiled)) {
    CYTO8_RETURN_IF_ERROR(CheckMakers());
    return HasNoTiles();
  }
  CYTO8_RETURN_IF_ERROR(damage);
  return ReadSubDirectories();
}

// Each may be reached once only.
Status PyramidParser::CheckSubDirectories(
    const std::vector<int64_t>& offsets) const {
  for (auto at = offsets.begin(); at != offsets.end(); ++at) {
    const bool again = std::find(offsets.begin(), at, *at) != at ||
                       std::ranges::find(chain_, *at) != chain_.end();
    if (!again) continue;
    return DataLoss("damaged TIFF: SubIFDs = " + std::to_string(*at) +
                    ": another directory is at this byte");
  }
  return OkStatus();
}

Status PyramidParser::ReadSubDirectories() {
  if (!directories_.front().Has(kSubIfds)) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> offsets,
                         Annotate(directories_.front().NumbersUpTo(
                                      kSubIfds, TiffDirectory::kMaxChain),
                                  NameOf(0)));
  CYTO8_RETURN_IF_ERROR(Annotate(CheckSubDirectories(offsets), NameOf(0)));
  for (size_t i = 0; i < offsets.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(
        TiffDirectory directory,
        Annotate(TiffDirectory::ReadAt(*bytes_, offsets[i], limits_),
                 NameOfSub(i)));
    sub_directories_.push_back(std::move(directory));
  }
  return OkStatus();
}

Status PyramidParser::CheckMakers() const {
  for (const TiffDirectory& directory : directories_) {
    const char* maker = MakerOf(directory);
    if (maker == nullptr) continue;
    return Unimplemented(std::string(maker) + " is not read directly");
  }
  return OkStatus();
}

// Candidates for levels, and names of all else.
Status PyramidParser::Sort() {
  const bool aperio = IsAperio(directories_.front());
  info_.format = aperio ? "Aperio SVS" : "tiled TIFF";
  for (size_t i = 0; i < directories_.size(); ++i) {
    CYTO8_RETURN_IF_ERROR(Annotate(
        SortOne(directories_[i], static_cast<int64_t>(i), aperio), NameOf(i)));
    if (i > 0) continue;
    for (size_t k = 0; k < sub_directories_.size(); ++k) {
      CYTO8_RETURN_IF_ERROR(Annotate(
          SortOne(sub_directories_[k], /*number=*/0, aperio), NameOfSub(k)));
    }
  }
  return aperio ? CheckAperio() : OkStatus();
}

// Its first directory is level 0, which alone has the um/px that its
// description says.
Status PyramidParser::CheckAperio() const {
  if (candidates_.empty()) return OkStatus();
  const auto pixels = [](const Candidate& candidate) {
    return candidate.width_px * candidate.height_px;
  };
  const Candidate& largest = *std::ranges::max_element(candidates_, {}, pixels);
  if (candidates_.front().directory != &directories_.front()) {
    return DataLoss(
        "damaged TIFF: directory 0 of an Aperio slide has no tiles");
  }
  if (pixels(candidates_.front()) == pixels(largest)) return OkStatus();
  return DataLoss("damaged TIFF: directory 0 of an Aperio slide has " +
                  std::to_string(candidates_.front().width_px) + " x " +
                  std::to_string(candidates_.front().height_px) +
                  " pixels: must be the largest, " +
                  std::to_string(largest.width_px) + " x " +
                  std::to_string(largest.height_px));
}

Status PyramidParser::SortOne(const TiffDirectory& directory, int64_t number,
                              bool aperio) {
  const std::optional<std::string> name =
      aperio ? AperioNameOf(directory) : std::nullopt;
  if (!name && !HasPixels(directory)) {
    return DataLoss("damaged TIFF: there are neither strips nor tiles");
  }
  if (name || !IsTiled(directory)) {
    const bool thumbnail = aperio && number == 1;
    info_.associated.push_back(name        ? *name
                               : thumbnail ? "thumbnail"
                                           : "image " + std::to_string(number));
    return OkStatus();
  }
  CYTO8_ASSIGN_OR_RETURN(const int64_t kind,
                         directory.NumberOr(kNewSubfileType, 0));
  if ((kind & kMaskBit) != 0) return OkStatus();
  Candidate candidate = {.directory = &directory};
  CYTO8_ASSIGN_OR_RETURN(candidate.width_px, directory.Number(kImageWidth));
  CYTO8_ASSIGN_OR_RETURN(candidate.height_px, directory.Number(kImageLength));
  CYTO8_RETURN_IF_ERROR(
      CheckRowsSize(candidate.width_px, candidate.height_px, limits_));
  candidates_.push_back(candidate);
  return OkStatus();
}

void PyramidParser::ChooseLevels() {
  std::ranges::stable_sort(candidates_, std::ranges::greater(),
                           [](const Candidate& candidate) {
                             return candidate.width_px * candidate.height_px;
                           });
  const Candidate& base = candidates_.front();
  chosen_.push_back(base);
  for (const Candidate& next : std::span(candidates_).subspan(1)) {
    const Candidate& last = chosen_.back();
    const bool same_size =
        next.width_px == last.width_px && next.height_px == last.height_px;
    if (same_size && chosen_.size() == 1) ++info_.focal_planes;
    if (same_size) continue;
    const bool smaller =
        next.width_px <= last.width_px && next.height_px <= last.height_px;
    if (smaller && HasAspectOf(base, next)) {
      chosen_.push_back(next);
    } else {
      info_.associated.push_back("image of another shape");
    }
  }
}

// Else every tile would fail of them.
Status CheckJpegTables(const TiffLayout& layout) {
  if (layout.jpeg_tables.empty()) return OkStatus();
  NoInput input;
  JpegDecompressor jpeg(input);
  return Annotate(jpeg.ReadTables(layout.jpeg_tables), "JPEGTables");
}

StatusOr<Level> PyramidParser::ReadLevel(const TiffDirectory& directory) const {
  Level level;
  CYTO8_ASSIGN_OR_RETURN(
      level.layout,
      ReadSparseTiffLayout(directory, bytes_->size_bytes(), limits_));
  const TiffLayout& layout = level.layout;
  CYTO8_RETURN_IF_ERROR(CheckJpegTables(layout));
  level.jpeg = layout.compression == TiffCompression::kJpeg &&
               !layout.separate && layout.colour != TiffColour::kWhiteIsZero;
  return level;
}

StatusOr<Pyramid> PyramidParser::Parse() {
  CYTO8_RETURN_IF_ERROR(ReadDirectories());
  CYTO8_RETURN_IF_ERROR(CheckMakers());
  CYTO8_RETURN_IF_ERROR(Sort());
  if (candidates_.empty()) return HasNoTiles();
  ChooseLevels();
  Pyramid pyramid;
  for (size_t i = 0; i < chosen_.size(); ++i) {
    CYTO8_ASSIGN_OR_RETURN(Level level,
                           Annotate(ReadLevel(*chosen_[i].directory),
                                    "level " + std::to_string(i)));
    const TiffLayout& layout = level.layout;
    info_.levels.push_back({.width_px = layout.width_px,
                            .height_px = layout.height_px,
                            .block_width_px = layout.chunk_width_px,
                            .block_height_px = layout.chunk_height_px});
    pyramid.levels.push_back(std::move(level));
  }
  const TiffLayout& base = pyramid.levels.front().layout;
  info_.um_per_px = base.um_per_px;
  info_.mpp_source = base.mpp_source;
  info_.magnification = base.magnification;
  pyramid.info = std::move(info_);
  return pyramid;
}

// The whole tile, once more for its part inside of the level, and what its
// decoder holds for each plane.
int64_t BlockBytes(const TiffLayout& layout) {
  int64_t packed = 0;
  for (const TiffExtent& extent : layout.chunks) {
    packed = std::max(packed, extent.end - extent.begin);
  }
  const int64_t pixels = layout.chunk_width_px * layout.chunk_height_px;
  return 2 * pixels * kRgbChannels +
         layout.planes() *
             (packed + TiffChunkBytes(layout) + layout.RowBytes());
}

// As it stands in the file, one piece for each plane.
using Tile = std::vector<std::vector<std::byte>>;

JpegColours ColoursOf(const TiffLayout& layout) {
  if (layout.samples == 1) return JpegColours::kGrey;
  return layout.colour == TiffColour::kYcbcr ? JpegColours::kYcbcr
                                             : JpegColours::kRgb;
}

// The rows of a tile that is no single JPEG, plane beside plane.
class PlaneRows {
 public:
  // `layout` and `tile` outlive the result.
  static StatusOr<PlaneRows> Open(const TiffLayout& layout, const Tile& tile,
                                  int64_t row_of_tiles, const Limits& limits);

  Status Next() {
    for (size_t i = 0; i < chunks_.size(); ++i) {
      CYTO8_RETURN_IF_ERROR(chunks_[i]->ReadRow(row_[i]));
    }
    return OkStatus();
  }
  Status Finish() {
    for (const std::unique_ptr<TiffChunk>& chunk : chunks_) {
      CYTO8_RETURN_IF_ERROR(chunk->Finish());
    }
    return OkStatus();
  }
  std::span<const std::vector<uint8_t>> row() const { return row_; }

 private:
  std::vector<std::unique_ptr<MemoryBytes>> bytes_;
  std::vector<std::unique_ptr<TiffChunk>> chunks_;
  std::vector<std::vector<uint8_t>> row_;
};

StatusOr<PlaneRows> PlaneRows::Open(const TiffLayout& layout, const Tile& tile,
                                    int64_t row_of_tiles,
                                    const Limits& limits) {
  PlaneRows rows;
  for (const std::vector<std::byte>& plane : tile) {
    if (plane.empty()) return DataLoss("damaged TIFF: a plane is missing");
    rows.bytes_.push_back(std::make_unique<MemoryBytes>(plane));
    CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<TiffChunk> chunk,
                           OpenTiffChunk(layout, *rows.bytes_.back(),
                                         {.begin = 0, .end = std::ssize(plane)},
                                         row_of_tiles, limits));
    rows.chunks_.push_back(std::move(chunk));
    rows.row_.emplace_back(static_cast<size_t>(layout.RowBytes()));
  }
  return rows;
}

class TiffPyramid final : public SlideReader {
 public:
  TiffPyramid(std::unique_ptr<SlideBytes> bytes, Pyramid pyramid,
              const Limits& limits)
      : bytes_(std::move(bytes)),
        pyramid_(std::move(pyramid)),
        limits_(limits) {
    for (const Level& level : pyramid_.levels) {
      memory_bytes_ = std::max(memory_bytes_, BlockBytes(level.layout));
      if (!level.jpeg) largest_reduction_ = 1;
    }
  }

  Status CheckMemory() const {
    return bytes_->Named(CheckDecoderBytes(memory_bytes_, limits_));
  }

  const SlideInfo& info() const override { return pyramid_.info; }
  bool HasBlock(const BlockId& block) const override;
  StatusOr<Image> ReadBlock(const BlockId& block) override;
  void WillNeed(const BlockId& block) override;
  int64_t largest_reduction() const override { return largest_reduction_; }
  int64_t memory_bytes() const override { return memory_bytes_; }

 private:
  const SlideLevel& GridOf(const BlockId& block) const {
    return pyramid_.info.levels[static_cast<size_t>(block.level)];
  }
  const TiffLayout& LayoutOf(const BlockId& block) const {
    return pyramid_.levels[static_cast<size_t>(block.level)].layout;
  }
  TiffExtent ExtentOf(const BlockId& block, int64_t plane) const;
  StatusOr<Tile> ReadTile(const BlockId& block) const;
  StatusOr<Image> Decode(const Tile& tile, const BlockId& block) const;
  StatusOr<Image> DecodeJpeg(const Tile& tile, const BlockId& block) const;
  StatusOr<Image> DecodeRows(const Tile& tile, const BlockId& block) const;

  std::unique_ptr<SlideBytes> bytes_;
  Pyramid pyramid_;
  Limits limits_;
  int64_t largest_reduction_ = 8;
  int64_t memory_bytes_ = 0;
};

TiffExtent TiffPyramid::ExtentOf(const BlockId& block, int64_t plane) const {
  const TiffLayout& layout = LayoutOf(block);
  const int64_t index =
      (plane * layout.chunks_down + block.row) * layout.chunks_across +
      block.column;
  return layout.chunks[static_cast<size_t>(index)];
}

// A tile of which one plane alone is missing is damaged, not background.
bool TiffPyramid::HasBlock(const BlockId& block) const {
  for (int64_t plane = 0; plane < LayoutOf(block).planes(); ++plane) {
    const TiffExtent extent = ExtentOf(block, plane);
    if (extent.begin < extent.end) return true;
  }
  return false;
}

StatusOr<Image> TiffPyramid::ReadBlock(const BlockId& block) {
  CYTO8_RETURN_IF_ERROR(CheckBlock(info(), block, largest_reduction_));
  if (!HasBlock(block)) return WhiteBlock(GridOf(block), block);
  CYTO8_ASSIGN_OR_RETURN(const Tile tile, ReadTile(block));
  StatusOr<Image> image = Decode(tile, block);
  if (image.ok()) return image;
  return bytes_->Named(Annotate(image.status(), NameOfBlock(block)));
}

void TiffPyramid::WillNeed(const BlockId& block) {
  for (int64_t plane = 0; plane < LayoutOf(block).planes(); ++plane) {
    const TiffExtent extent = ExtentOf(block, plane);
    if (extent.begin == extent.end) continue;
    bytes_->WillNeed(extent.begin, extent.end - extent.begin);
  }
}

StatusOr<Tile> TiffPyramid::ReadTile(const BlockId& block) const {
  Tile tile;
  for (int64_t plane = 0; plane < LayoutOf(block).planes(); ++plane) {
    const TiffExtent extent = ExtentOf(block, plane);
    tile.emplace_back(static_cast<size_t>(extent.end - extent.begin));
    CYTO8_RETURN_IF_ERROR(bytes_->ReadAt(extent.begin, tile.back()));
  }
  return tile;
}

StatusOr<Image> TiffPyramid::Decode(const Tile& tile,
                                    const BlockId& block) const {
  const bool jpeg = pyramid_.levels[static_cast<size_t>(block.level)].jpeg;
  return jpeg ? DecodeJpeg(tile, block) : DecodeRows(tile, block);
}

StatusOr<Image> TiffPyramid::DecodeJpeg(const Tile& tile,
                                        const BlockId& block) const {
  const TiffLayout& layout = LayoutOf(block);
  CYTO8_ASSIGN_OR_RETURN(Image whole,
                         DecodeJpegBlock({.bytes = tile.front(),
                                          .tables = layout.jpeg_tables,
                                          .colours = ColoursOf(layout),
                                          .width_px = layout.chunk_width_px,
                                          .height_px = layout.chunk_height_px},
                                         block.reduction));
  return CutToLevel(std::move(whole), GridOf(block), block);
}

// Rows and columns beyond the level are read, checked and dropped.
StatusOr<Image> TiffPyramid::DecodeRows(const Tile& tile,
                                        const BlockId& block) const {
  const TiffLayout& layout = LayoutOf(block);
  const auto [width, height] = BlockSize(GridOf(block), block);
  CYTO8_ASSIGN_OR_RETURN(PlaneRows rows,
                         PlaneRows::Open(layout, tile, block.row, limits_));
  CYTO8_ASSIGN_OR_RETURN(Image image, Image::Create(width, height));
  TiffPixels pixels(layout);
  for (int64_t y = 0; y < layout.chunk_height_px; ++y) {
    CYTO8_RETURN_IF_ERROR(rows.Next());
    if (y < height) pixels.Convert(rows.row(), width, image.MutableRow(y));
  }
  CYTO8_RETURN_IF_ERROR(rows.Finish());
  return image;
}

StatusOr<std::unique_ptr<SlideReader>> OpenBytes(
    std::unique_ptr<SlideBytes> bytes, const Limits& limits) {
  const int64_t of_file = bytes->size_bytes() + kSlackBytes;
  SlideByteSource source(*bytes, std::min(limits.max_decoder_bytes, of_file));
  StatusOr<Pyramid> pyramid = PyramidParser(source, limits).Parse();
  CYTO8_RETURN_IF_ERROR(source.failure());  // has the path already.
  CYTO8_RETURN_IF_ERROR(bytes->Named(pyramid.status()));
  auto reader = std::make_unique<TiffPyramid>(std::move(bytes),
                                              *std::move(pyramid), limits);
  CYTO8_RETURN_IF_ERROR(reader->CheckMemory());
  return std::unique_ptr<SlideReader>(std::move(reader));
}

}  // namespace

StatusOr<std::unique_ptr<SlideReader>> OpenTiffPyramid(FileSystem& files,
                                                       const std::string& path,
                                                       const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(std::unique_ptr<SlideBytes> bytes,
                         SlideBytes::Open(files, path));
  return OpenBytes(std::move(bytes), limits);
}

StatusOr<std::unique_ptr<SlideReader>> OpenTiffPyramid(
    std::span<const std::byte> bytes, const Limits& limits) {
  return OpenBytes(SlideBytes::OfMemory(bytes), limits);
}

}  // namespace cyto8
