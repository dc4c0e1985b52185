// SPDX-License-Identifier: Apache-2.0
// Tiled TIFF; see tiff_pyramid_writer.h. The tags and types are those of TIFF
// 6.0 and BigTIFF, the manner of an SVS what OpenSlide's documentation of the
// Aperio format describes: tiled directories are levels, the second directory
// is the thumbnail, other ones in strips are named by the second line of their
// description.
#include "tiling/tiff_pyramid_writer.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/jpeg_encoder.h"

namespace cyto8 {
namespace {

// Room for either header: 8 bytes, or 16 of a BigTIFF.
constexpr int64_t kHeaderBytes = 16;

enum class TiffType : uint16_t {
  kText = 2,
  kShort = 3,
  kLong = 4,
  kRational = 5,
  kLong8 = 16
};

struct TiffEntry {
  uint16_t tag = 0;
  TiffType type = TiffType::kShort;
  int64_t count = 0;
  std::string value = {};  // little-endian.
};

// One directory, either kind of TIFF. Tags go in rising order.
class DirectoryText {
 public:
  explicit DirectoryText(bool big) : big_(big) {}

  void Shorts(uint16_t tag, std::initializer_list<uint16_t> values) {
    std::string bytes;
    for (const uint16_t value : values) AppendLittleEndian(bytes, value, 2);
    Add(tag, TiffType::kShort, static_cast<int64_t>(values.size()), bytes);
  }
  void Long(uint16_t tag, int64_t value) {
    std::string bytes;
    AppendLittleEndian(bytes, static_cast<uint64_t>(value), 4);
    Add(tag, TiffType::kLong, 1, bytes);
  }
  void Text(uint16_t tag, const std::string& text) {
    Add(tag, TiffType::kText, static_cast<int64_t>(text.size()) + 1,
        text + '\0');
  }
  // To a thousandth.
  void Rational(uint16_t tag, double value) {
    constexpr int64_t kParts = 1000;
    std::string bytes;
    AppendLittleEndian(bytes,
                       static_cast<uint64_t>(std::llround(value * kParts)), 4);
    AppendLittleEndian(bytes, kParts, 4);
    Add(tag, TiffType::kRational, 1, bytes);
  }
  void Begins(uint16_t tag, const std::vector<TilePlace>& places) {
    std::string bytes;
    for (const TilePlace& place : places) {
      AppendLittleEndian(bytes, static_cast<uint64_t>(place.begin),
                         big_ ? 8 : 4);
    }
    Add(tag, big_ ? TiffType::kLong8 : TiffType::kLong,
        static_cast<int64_t>(places.size()), bytes);
  }
  void Lengths(uint16_t tag, const std::vector<TilePlace>& places) {
    std::string bytes;
    for (const TilePlace& place : places) {
      AppendLittleEndian(bytes, static_cast<uint64_t>(place.length), 4);
    }
    Add(tag, TiffType::kLong, static_cast<int64_t>(places.size()), bytes);
  }

  // As it stands at `begin`, an even place; the next one follows at its end.
  std::string BytesAt(int64_t begin, bool is_last) const {
    const int word = big_ ? 8 : 4;
    std::string head;
    std::string values;  // those that do not fit into their entry.
    const int64_t values_begin =
        begin + (big_ ? 16 : 6) +
        static_cast<int64_t>(entries_.size()) * (big_ ? 20 : 12);
    AppendLittleEndian(head, entries_.size(), big_ ? 8 : 2);
    for (const TiffEntry& entry : entries_) {
      AppendLittleEndian(head, entry.tag, 2);
      AppendLittleEndian(head, static_cast<uint64_t>(entry.type), 2);
      AppendLittleEndian(head, static_cast<uint64_t>(entry.count), word);
      if (entry.value.size() <= static_cast<size_t>(word)) {
        head += entry.value + std::string(word - entry.value.size(), '\0');
        continue;
      }
      AppendLittleEndian(
          head, static_cast<uint64_t>(values_begin) + values.size(), word);
      values += entry.value;
      values.resize((values.size() + 7) / 8 * 8);
    }
    const int64_t end = values_begin + static_cast<int64_t>(values.size());
    AppendLittleEndian(head, static_cast<uint64_t>(is_last ? 0 : end + end % 2),
                       word);
    values.resize(values.size() + static_cast<size_t>(end % 2));
    return head + values;
  }

 private:
  void Add(uint16_t tag, TiffType type, int64_t count, std::string value) {
    entries_.push_back(
        {.tag = tag, .type = type, .count = count, .value = std::move(value)});
  }

  bool big_;
  std::vector<TiffEntry> entries_;
};

// An image in one strip.
struct StripImage {
  int64_t width_px = 0;
  int64_t height_px = 0;
  uint32_t subfile = 0;  // as Aperio has it: 1 label, 9 macro.
  std::string description = {};
  TilePlace place = {};
};

// At least four decimals, as Aperio writes it, but no less than there are.
std::string MppText(double um_per_px) {
  std::string text = FormatFixed(um_per_px, 4);
  const StatusOr<double> back = ParseDouble(text);
  return back.ok() && *back == um_per_px ? text : FormatShortest(um_per_px);
}

class TiffPyramidWriter final : public SlideWriter {
 public:
  TiffPyramidWriter(bool aperio, SlideFileOptions options, SlideOutput output)
      : aperio_(aperio),
        options_(std::move(options)),
        output_(std::move(output)) {
    for (int64_t i = 0; i < options_.level_count; ++i) {
      places_.emplace_back(Level(i));
    }
  }

  Status Start() { return output_.Append(std::string(kHeaderBytes, '\0')); }

  Status WriteTile(const BlockId& block, const ImageView& pixels) override {
    const bool is_last =
        block.level + 1 == static_cast<int64_t>(options_.levels.size());
    if (is_last && aperio_) {
      CYTO8_ASSIGN_OR_RETURN(thumbnail_, Encode(pixels));
      thumbnail_size_ = {.width_px = pixels.width_px,
                         .height_px = pixels.height_px};
    }
    if (block.level >= options_.level_count) return OkStatus();
    CYTO8_ASSIGN_OR_RETURN(const std::string jpeg, EncodeWhole(block, pixels));
    CYTO8_ASSIGN_OR_RETURN(places_[static_cast<size_t>(block.level)].At(block),
                           output_.AppendTile(block, jpeg));
    return OkStatus();
  }

  Status Finish() override {
    if (aperio_) CYTO8_RETURN_IF_ERROR(WriteStrips());
    if (output_.position() % 2 == 1) {
      CYTO8_RETURN_IF_ERROR(output_.Append(std::string(1, '\0')));
    }
    const int64_t begin = output_.position();
    std::string text = Directories(/*big=*/false);
    const bool big =
        begin + static_cast<int64_t>(text.size()) > options_.max_classic_bytes;
    if (big) text = Directories(/*big=*/true);
    CYTO8_RETURN_IF_ERROR(output_.Append(text));
    return output_.Overwrite(0, Header(big, begin));
  }

  Status Commit() override { return output_.Commit(); }
  std::vector<DamageRecord> damage() const override {
    return output_.records();
  }

 private:
  const SlideLevel& Level(int64_t i) const {
    return options_.levels[static_cast<size_t>(i)];
  }

  StatusOr<std::string> Encode(const ImageView& pixels) const {
    return JpegBytes(
        pixels, {.quality = options_.quality, .sampling = JpegSampling::k422});
  }

  // A tile of a TIFF has its full size: what lies beyond the level repeats its
  // last column and row.
  StatusOr<std::string> EncodeWhole(const BlockId& block,
                                    const ImageView& pixels) const {
    const int64_t side_px = Level(block.level).block_width_px;
    if (pixels.width_px == side_px && pixels.height_px == side_px) {
      return Encode(pixels);
    }
    CYTO8_ASSIGN_OR_RETURN(Image whole, Image::Create(side_px, side_px));
    for (int64_t y = 0; y < side_px; ++y) {
      const uint8_t* src = pixels.Row(std::min(y, pixels.height_px - 1));
      uint8_t* dst = whole.MutableRow(y);
      for (int64_t x = 0; x < side_px; ++x) {
        std::copy_n(src + std::min(x, pixels.width_px - 1) * kRgbChannels,
                    kRgbChannels, dst + x * kRgbChannels);
      }
    }
    return Encode(whole.view());
  }

  Status WriteStrips() {
    thumbnail_size_.description = Description(0) + "|Thumbnail = synthetic";
    CYTO8_RETURN_IF_ERROR(WriteStrip(thumbnail_size_, thumbnail_));
    CYTO8_RETURN_IF_ERROR(WritePlain("label", 1, kLabelColour));
    return WritePlain("macro", 9, kMacroColour);
  }

  Status WritePlain(const std::string& name, uint32_t subfile, Rgb colour) {
    CYTO8_ASSIGN_OR_RETURN(const std::string jpeg, PlainPicture(colour));
    return WriteStrip({.width_px = kPlainWidth,
                       .height_px = kPlainHeight,
                       .subfile = subfile,
                       .description = "Aperio layout by cyto8\r\n" + name +
                                      " " + std::to_string(kPlainWidth) + "x" +
                                      std::to_string(kPlainHeight)},
                      jpeg);
  }

  Status WriteStrip(StripImage strip, const std::string& jpeg) {
    strip.place = {.begin = output_.position(),
                   .length = static_cast<int64_t>(jpeg.size())};
    strips_.push_back(std::move(strip));
    return output_.Append(jpeg);
  }

  // Level 0, the thumbnail, the other levels, label and macro.
  std::string Directories(bool big) const {
    std::vector<DirectoryText> directories;
    for (int64_t i = 0; i < options_.level_count; ++i) {
      directories.push_back(LevelDirectory(i, big));
    }
    for (size_t i = 0; i < strips_.size(); ++i) {
      const auto at = i == 0 ? directories.begin() + 1 : directories.end();
      directories.insert(at, StripDirectory(strips_[i], big));
    }
    std::string text;
    for (size_t i = 0; i < directories.size(); ++i) {
      text += directories[i].BytesAt(
          output_.position() + static_cast<int64_t>(text.size()),
          i + 1 == directories.size());
    }
    return text;
  }

  DirectoryText LevelDirectory(int64_t i, bool big) const {
    const SlideLevel& level = Level(i);
    DirectoryText text(big);
    text.Long(254, i == 0 || aperio_ ? 0 : 1);  // NewSubfileType: reduced.
    AddPixels(text, level.width_px, level.height_px);
    text.Text(270, Description(i));
    text.Shorts(277, {3});  // SamplesPerPixel
    if (!aperio_) AddScale(text, 282, level);
    text.Shorts(284, {1});                  // PlanarConfiguration
    if (!aperio_) text.Shorts(296, {3});    // ResolutionUnit: cm
    text.Long(322, level.block_width_px);   // TileWidth
    text.Long(323, level.block_height_px);  // TileLength
    const std::vector<TilePlace>& places =
        places_[static_cast<size_t>(i)].all();
    text.Begins(324, places);
    text.Lengths(325, places);
    text.Shorts(530, {2, 1});  // YCbCrSubSampling
    return text;
  }

  static DirectoryText StripDirectory(const StripImage& strip, bool big) {
    DirectoryText text(big);
    text.Long(254, strip.subfile);
    AddPixels(text, strip.width_px, strip.height_px);
    text.Text(270, strip.description);
    text.Begins(273, {strip.place});
    text.Shorts(277, {3});
    text.Long(278, strip.height_px);  // RowsPerStrip
    text.Lengths(279, {strip.place});
    text.Shorts(284, {1});
    text.Shorts(530, {2, 1});
    return text;
  }

  static void AddPixels(DirectoryText& text, int64_t width_px,
                        int64_t height_px) {
    text.Long(256, width_px);
    text.Long(257, height_px);
    text.Shorts(258, {8, 8, 8});  // BitsPerSample
    text.Shorts(259, {7});        // Compression: JPEG
    text.Shorts(262, {6});        // PhotometricInterpretation: YCbCr
  }

  // XResolution and YResolution: pixels of this level in a centimetre.
  void AddScale(DirectoryText& text, uint16_t tag,
                const SlideLevel& level) const {
    constexpr double kUmPerCm = 1e4;
    const auto share = [](int64_t part, int64_t whole) {
      return static_cast<double>(part) / static_cast<double>(whole);
    };
    const double per_cm = kUmPerCm / options_.um_per_px;
    text.Rational(tag, per_cm * share(level.width_px, Level(0).width_px));
    text.Rational(static_cast<uint16_t>(tag + 1),
                  per_cm * share(level.height_px, Level(0).height_px));
  }

  std::string Description(int64_t i) const {
    if (!aperio_) return options_.statement;
    const auto size = [&](int64_t level) {
      return std::to_string(Level(level).width_px) + "x" +
             std::to_string(Level(level).height_px);
    };
    const std::string tile = std::to_string(Level(0).block_width_px);
    return "Aperio layout by cyto8; " + options_.statement + "\r\n" + size(0) +
           " (" + tile + "x" + tile + ")" + (i > 0 ? " -> " + size(i) : "") +
           " JPEG/YCC Q=" + std::to_string(options_.quality) +
           "|AppMag = " + FormatShortest(options_.magnification) +
           "|MPP = " + MppText(options_.um_per_px) + "|Synthetic = yes";
  }

  static std::string Header(bool big, int64_t directory) {
    std::string header = "II";
    AppendLittleEndian(header, big ? 43 : 42, 2);
    if (big) AppendLittleEndian(header, 8, 4);  // bytes of a place; zero.
    AppendLittleEndian(header, static_cast<uint64_t>(directory), big ? 8 : 4);
    return header;
  }

  bool aperio_;
  SlideFileOptions options_;
  SlideOutput output_;
  std::vector<TilePlaces> places_;  // by level.
  std::string thumbnail_;
  StripImage thumbnail_size_;
  std::vector<StripImage> strips_;
};

}  // namespace

StatusOr<std::unique_ptr<SlideWriter>> CreateTiffPyramidWriter(
    FileSystem& files, bool aperio, const SlideFileOptions& options) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("levels", options.level_count, 1,
                 static_cast<int64_t>(options.levels.size())));
  CYTO8_ASSIGN_OR_RETURN(
      SlideOutput output,
      SlideOutput::Create(files, options.path, options.damage));
  auto writer =
      std::make_unique<TiffPyramidWriter>(aperio, options, std::move(output));
  CYTO8_RETURN_IF_ERROR(writer->Start());
  return std::unique_ptr<SlideWriter>(std::move(writer));
}

}  // namespace cyto8
