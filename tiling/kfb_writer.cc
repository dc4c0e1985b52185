// SPDX-License-Identifier: Apache-2.0
// KFB; see kfb_writer.h. All numbers little-endian. What a field is for where
// nobody knows it is zero, as in the files that were seen.
#include "tiling/kfb_writer.h"

#include <bit>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "base/input_file.h"
#include "tiling/jpeg_encoder.h"
#include "tiling/kfb_header.h"  // kMaxKfbSidePx

namespace cyto8 {
namespace {

constexpr int64_t kTilePx = 256;
constexpr int64_t kRecordBytes = 64;
constexpr int64_t kPictureBytes = 52;  // of an associated image's header.
constexpr int64_t kSerialBytes = 32;
constexpr int64_t kHeaderBytes = 0x64 + 8 + kSerialBytes;
constexpr std::string_view kSerial = "CYTO8-SYNTHETIC";

constexpr std::string_view kFileMark = "\xF1\x01\xEE\xEE";
constexpr std::string_view kFileEnd = "\xFF\x01\xEE\xEE";
constexpr std::string_view kPictureMark = "\xF1\x02\xEE\xEE";
constexpr std::string_view kPictureEnd = "\xFF\x02\xEE\xEE";
constexpr std::string_view kLabelMark = "\xF1\x03\xEE\xEE";
constexpr std::string_view kLabelEnd = "\xFF\x03\xEE\xEE";
constexpr std::string_view kTileMark = "\xF1\x04\xEE\xEE";
constexpr std::string_view kTileEnd = "\xFF\x04\xEE\xEE";

void Append4(std::string& bytes, int64_t value) {
  AppendLittleEndian(bytes, static_cast<uint64_t>(value), 4);
}
void Append8(std::string& bytes, int64_t value) {
  AppendLittleEndian(bytes, static_cast<uint64_t>(value), 8);
}
void AppendFloat(std::string& bytes, double value) {
  AppendLittleEndian(bytes, std::bit_cast<uint32_t>(static_cast<float>(value)),
                     4);
}

// An associated image with its header.
std::string Picture(std::string_view mark, std::string_view end,
                    int64_t width_px, int64_t height_px,
                    const std::string& jpeg) {
  std::string bytes(mark);
  Append4(bytes, 1);
  Append4(bytes, height_px);
  Append4(bytes, width_px);
  Append4(bytes, kRgbChannels);
  Append4(bytes, static_cast<int64_t>(jpeg.size()));
  Append4(bytes, kPictureBytes);
  bytes.append(20, '\0');
  return bytes.append(end) + jpeg;
}

StatusOr<std::string> PlainRecord(std::string_view mark, std::string_view end,
                                  Rgb colour) {
  CYTO8_ASSIGN_OR_RETURN(const std::string jpeg, PlainPicture(colour));
  return Picture(mark, end, kPlainWidth, kPlainHeight, jpeg);
}

class KfbWriter final : public SlideWriter {
 public:
  KfbWriter(FileSystem& files, SlideFileOptions options, SlideOutput output,
            AtomicFile upper)
      : files_(&files),
        options_(std::move(options)),
        output_(std::move(output)),
        upper_path_(UpperPath(options_)),
        upper_(std::move(upper)) {
    for (const SlideLevel& level : options_.levels) places_.emplace_back(level);
  }

  static std::string UpperPath(const SlideFileOptions& options) {
    return options.path + ".levels";
  }

  Status Start() {
    CYTO8_RETURN_IF_ERROR(output_.Append(std::string(kHeaderBytes, '\0')));
    CYTO8_ASSIGN_OR_RETURN(
        const std::string overview,
        PlainRecord(kPictureMark, kPictureEnd, kMacroColour));
    CYTO8_RETURN_IF_ERROR(output_.Append(overview));
    label_at_ = output_.position();
    CYTO8_ASSIGN_OR_RETURN(const std::string label,
                           PlainRecord(kLabelMark, kLabelEnd, kLabelColour));
    return output_.Append(label);
  }

  Status WriteTile(const BlockId& block, const ImageView& pixels) override {
    CYTO8_ASSIGN_OR_RETURN(const std::string jpeg,
                           JpegBytes(pixels, {.quality = options_.quality,
                                              .sampling = JpegSampling::k422}));
    if (block.level + 1 == static_cast<int64_t>(options_.levels.size())) {
      thumbnail_ = Picture(kPictureMark, kPictureEnd, pixels.width_px,
                           pixels.height_px, jpeg);
    }
    TilePlace& place = PlaceOf(block);
    if (block.level == 0) {
      CYTO8_ASSIGN_OR_RETURN(place, output_.AppendTile(block, jpeg));
      return OkStatus();
    }
    place = {.begin = upper_->size_bytes(),
             .length = static_cast<int64_t>(jpeg.size())};
    return upper_->Append(jpeg);
  }

  Status Finish() override {
    CYTO8_RETURN_IF_ERROR(CopyUpperLevels());
    const int64_t index = output_.position();
    for (size_t i = 0; i < places_.size(); ++i) {
      CYTO8_RETURN_IF_ERROR(WriteRecords(static_cast<int64_t>(i), index));
    }
    const int64_t thumbnail_at = output_.position();
    CYTO8_RETURN_IF_ERROR(output_.Append(thumbnail_));
    return output_.Overwrite(0, Header(index, thumbnail_at));
  }

  Status Commit() override { return output_.Commit(); }
  std::vector<DamageRecord> damage() const override {
    return output_.records();
  }

 private:
  TilePlace& PlaceOf(const BlockId& block) {
    return places_[static_cast<size_t>(block.level)].At(block);
  }

  // The open file outlives its name.
  Status CopyUpperLevels() {
    CYTO8_RETURN_IF_ERROR(upper_->Place());
    upper_.reset();
    auto source = InputFile::Open(*files_, upper_path_);
    const Status removed = files_->Remove(upper_path_);
    CYTO8_RETURN_IF_ERROR(source.status());
    CYTO8_RETURN_IF_ERROR(removed);
    for (size_t i = 1; i < options_.levels.size(); ++i) {
      CYTO8_RETURN_IF_ERROR(CopyLevel(**source, static_cast<int64_t>(i)));
    }
    return (*source)->Close();
  }

  Status CopyLevel(ByteSource& source, int64_t i) {
    const SlideLevel& level = options_.levels[static_cast<size_t>(i)];
    BlockId block = {.level = i};
    for (block.row = 0; block.row < level.blocks_down(); ++block.row) {
      for (block.column = 0; block.column < level.blocks_across();
           ++block.column) {
        TilePlace& place = PlaceOf(block);
        std::string jpeg(static_cast<size_t>(place.length), '\0');
        CYTO8_RETURN_IF_ERROR(source.ReadAt(
            place.begin, std::as_writable_bytes(std::span(jpeg))));
        CYTO8_ASSIGN_OR_RETURN(place, output_.AppendTile(block, jpeg));
      }
    }
    return OkStatus();
  }

  Status WriteRecords(int64_t i, int64_t index) {
    const SlideLevel& level = options_.levels[static_cast<size_t>(i)];
    BlockId block = {.level = i};
    for (block.row = 0; block.row < level.blocks_down(); ++block.row) {
      std::string records;
      for (block.column = 0; block.column < level.blocks_across();
           ++block.column) {
        AppendRecord(block, index, records);
      }
      CYTO8_RETURN_IF_ERROR(output_.Append(records));
    }
    return OkStatus();
  }

  void AppendRecord(const BlockId& block, int64_t index, std::string& bytes) {
    const auto [width_px, height_px] =
        BlockSize(options_.levels[static_cast<size_t>(block.level)], block);
    const TilePlace& place = PlaceOf(block);
    bytes += kTileMark;
    Append4(bytes, block.column * kTilePx);
    Append4(bytes, block.row * kTilePx);
    Append4(bytes, width_px);
    Append4(bytes, height_px);
    AppendFloat(bytes, std::ldexp(options_.magnification,
                                  -static_cast<int>(block.level)));
    bytes.append(8, '\0');
    Append4(bytes, place.length);
    Append8(bytes, place.begin - index);
    for (int i = 0; i < 4; ++i) Append4(bytes, Magnification());
    bytes += kTileEnd;
  }

  int64_t Magnification() const { return std::llround(options_.magnification); }

  std::string Header(int64_t index, int64_t thumbnail_at) const {
    const SlideLevel& level = options_.levels[0];
    std::string bytes(kFileMark);
    bytes += std::string_view("KFB\0", 4);
    Append4(bytes, 0);  // version.
    AppendFloat(bytes, 1.6);
    Append4(bytes, (thumbnail_at - index) / kRecordBytes);
    Append4(bytes, level.height_px);
    Append4(bytes, level.width_px);
    Append4(bytes, Magnification());
    bytes += std::string_view("JPEG\0\0\0\0", 8);
    bytes.append(12, '\0');  // scan duration and time; unknown.
    Append4(bytes, kHeaderBytes);
    Append4(bytes, label_at_);
    Append8(bytes, thumbnail_at);
    Append8(bytes, index);
    AppendFloat(bytes, options_.um_per_px);
    bytes.append(8, '\0');
    Append4(bytes, kTilePx);
    bytes += kFileEnd;
    Append4(bytes, 1);   // tagged fields.
    Append4(bytes, 29);  // serial number of the scanner.
    Append4(bytes, kSerialBytes);
    bytes += kSerial;
    bytes.resize(kHeaderBytes);
    return bytes;
  }

  FileSystem* files_;
  SlideFileOptions options_;
  SlideOutput output_;
  std::string upper_path_;
  std::optional<AtomicFile> upper_;  // until Finish.
  std::vector<TilePlaces> places_;   // by level; first of upper_, then final.
  int64_t label_at_ = 0;
  std::string thumbnail_;
};

// What is written is read again.
Status CheckKfb(const SlideFileOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckRange("width of a KFB", options.levels[0].width_px,
                                   1, kMaxKfbSidePx));
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "height of a KFB", options.levels[0].height_px, 1, kMaxKfbSidePx));
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "tile_px of a KFB", options.levels[0].block_width_px, kTilePx, kTilePx));
  const auto levels = static_cast<int64_t>(options.levels.size());
  CYTO8_RETURN_IF_ERROR(
      CheckRange("levels of a KFB", options.level_count, levels, levels));
  if (options.path.ends_with(".kfb")) return OkStatus();
  return InvalidArgument(options.path + ": the name of a KFB ends in .kfb");
}

}  // namespace

StatusOr<std::unique_ptr<SlideWriter>> CreateKfbWriter(
    FileSystem& files, const SlideFileOptions& options) {
  CYTO8_RETURN_IF_ERROR(CheckKfb(options));
  CYTO8_ASSIGN_OR_RETURN(
      SlideOutput output,
      SlideOutput::Create(files, options.path, options.damage));
  CYTO8_ASSIGN_OR_RETURN(
      AtomicFile upper,
      AtomicFile::Create(files, KfbWriter::UpperPath(options)));
  auto writer = std::make_unique<KfbWriter>(files, options, std::move(output),
                                            std::move(upper));
  CYTO8_RETURN_IF_ERROR(writer->Start());
  return std::unique_ptr<SlideWriter>(std::move(writer));
}

}  // namespace cyto8
