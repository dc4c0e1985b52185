// SPDX-License-Identifier: Apache-2.0
// Tags to a layout; see tiff_layout.h.
#include "tiling/tiff_layout.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>
#include <span>
#include <string_view>
#include <tuple>

#include "base/checked_math.h"
#include "base/numbers.h"
#include "tiling/row_source.h"
#include "tiling/tiff_directory.h"

namespace cyto8 {
namespace {

using std::string_view_literals::operator""sv;

constexpr TiffTag kImageWidth = {256, "ImageWidth"};
constexpr TiffTag kImageLength = {257, "ImageLength"};
constexpr TiffTag kBitsPerSample = {258, "BitsPerSample"};
constexpr TiffTag kCompression = {259, "Compression"};
constexpr TiffTag kPhotometric = {262, "PhotometricInterpretation"};
constexpr TiffTag kFillOrder = {266, "FillOrder"};
constexpr TiffTag kImageDescription = {270, "ImageDescription"};
constexpr TiffTag kStripOffsets = {273, "StripOffsets"};
constexpr TiffTag kSamplesPerPixel = {277, "SamplesPerPixel"};
constexpr TiffTag kRowsPerStrip = {278, "RowsPerStrip"};
constexpr TiffTag kStripByteCounts = {279, "StripByteCounts"};
constexpr TiffTag kXResolution = {282, "XResolution"};
constexpr TiffTag kYResolution = {283, "YResolution"};
constexpr TiffTag kPlanarConfiguration = {284, "PlanarConfiguration"};
constexpr TiffTag kResolutionUnit = {296, "ResolutionUnit"};
constexpr TiffTag kPredictor = {317, "Predictor"};
constexpr TiffTag kColorMap = {320, "ColorMap"};
constexpr TiffTag kTileWidth = {322, "TileWidth"};
constexpr TiffTag kTileLength = {323, "TileLength"};
constexpr TiffTag kTileOffsets = {324, "TileOffsets"};
constexpr TiffTag kTileByteCounts = {325, "TileByteCounts"};
constexpr TiffTag kExtraSamples = {338, "ExtraSamples"};
constexpr TiffTag kSampleFormat = {339, "SampleFormat"};
constexpr TiffTag kJpegTables = {347, "JPEGTables"};
constexpr TiffTag kImageDepth = {32997, "ImageDepth"};

constexpr int64_t kHeaderBytes = 8;
constexpr int64_t kMaxSamples = 16;
constexpr int64_t kMaxTableBytes = int64_t{64} << 10;

// The um/px of a microscope; a resolution outside is that of a print.
constexpr double kMinUmPerPx = 0.05;
constexpr double kMaxUmPerPx = 10;
constexpr double kMaxMagnification = 1000;

struct NamedNumber {
  int64_t number;
  const char* name;
};

constexpr NamedNumber kCompressionNames[] = {
    {2, "CCITT RLE"},      {3, "CCITT Group 3"}, {4, "CCITT Group 4"},
    {6, "old-style JPEG"}, {33003, "JPEG 2000"}, {33005, "JPEG 2000"},
    {34661, "JBIG"},       {34712, "JPEG 2000"}, {34887, "LERC"},
    {34925, "LZMA"},       {50000, "Zstandard"}, {50001, "WebP"},
    {50002, "JPEG XL"},
};
constexpr NamedNumber kColourNames[] = {
    {4, "mask"},       {5, "CMYK"},        {8, "CIE L*a*b*"},
    {9, "ICC L*a*b*"}, {10, "ITU L*a*b*"}, {32803, "colour filter array"},
    {32844, "LogL"},   {32845, "LogLuv"},
};

std::string NameOf(std::span<const NamedNumber> names, int64_t number) {
  for (const NamedNumber& named : names) {
    if (named.number == number) return std::string(" (") + named.name + ")";
  }
  return "";
}

Status Unsupported(const TiffTag& tag, const std::string& value,
                   std::string_view allowed) {
  return Unimplemented(std::string(tag.name) + " = " + value +
                       " is not supported: must be " + std::string(allowed));
}

Status Contradiction(const std::string& what) {
  return DataLoss("damaged TIFF: " + what);
}

bool IsOneOf(int64_t value, std::initializer_list<int64_t> allowed) {
  return std::ranges::find(allowed, value) != allowed.end();
}

// Reads a number with a default and refuses all but some of its values.
StatusOr<int64_t> Choice(const TiffDirectory& directory, const TiffTag& tag,
                         int64_t missing, std::initializer_list<int64_t> known,
                         std::string_view allowed) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t value, directory.NumberOr(tag, missing));
  if (IsOneOf(value, known)) return value;
  return Unsupported(tag, std::to_string(value), allowed);
}

std::string Listed(const std::vector<int64_t>& values) {
  std::string text;
  for (const int64_t value : values) {
    text += (text.empty() ? "" : ", ") + std::to_string(value);
  }
  return text;
}

// A tag with one value for each sample, which must all be the same; some
// programs write it once for all, and libtiff takes that, too.
StatusOr<int64_t> SameForAll(const TiffDirectory& directory, const TiffTag& tag,
                             int64_t samples) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> values,
                         directory.NumbersUpTo(tag, kMaxSamples));
  const int64_t count = std::ssize(values);
  if (count != 1 && count != samples) {
    return Contradiction(std::string(tag.name) + " has " +
                         std::to_string(count) + " values: must be " +
                         std::to_string(samples));
  }
  const bool same = std::ranges::adjacent_find(
                        values, std::ranges::not_equal_to()) == values.end();
  if (same) return values.front();
  return Unsupported(tag, Listed(values), "the same for all samples");
}

Status ReadSize(const TiffDirectory& directory, const Limits& limits,
                TiffLayout& layout) {
  CYTO8_ASSIGN_OR_RETURN(layout.width_px, directory.Number(kImageWidth));
  CYTO8_ASSIGN_OR_RETURN(layout.height_px, directory.Number(kImageLength));
  CYTO8_RETURN_IF_ERROR(
      CheckRowsSize(layout.width_px, layout.height_px, limits));
  return Choice(directory, kImageDepth, 1, {1}, "1").status();
}

Status ReadCompression(const TiffDirectory& directory, TiffLayout& layout) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t number,
                         directory.NumberOr(kCompression, 1));
  if (!IsOneOf(number, {1, 5, 7, 8, 32773, 32946})) {
    return Unsupported(
        kCompression,
        std::to_string(number) + NameOf(kCompressionNames, number),
        "1 (none), 5 (LZW), 7 (JPEG), 8 (deflate) or 32773 (PackBits)");
  }
  layout.compression = static_cast<TiffCompression>(number);
  CYTO8_RETURN_IF_ERROR(Choice(directory, kFillOrder, 1, {1}, "1").status());
  const bool has_predictor = IsOneOf(number, {5, 8, 32946});
  if (!has_predictor) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t predictor,
      Choice(directory, kPredictor, 1, {1, 2}, "1 or 2 (horizontal)"));
  layout.differences = predictor == 2;
  return OkStatus();
}

Status ReadColour(const TiffDirectory& directory, TiffLayout& layout) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t number, directory.Number(kPhotometric));
  const bool jpeg = layout.compression == TiffCompression::kJpeg;
  const bool known =
      jpeg ? IsOneOf(number, {0, 1, 2, 6}) : IsOneOf(number, {0, 1, 2, 3});
  if (!known) {
    return Unsupported(kPhotometric,
                       std::to_string(number) + NameOf(kColourNames, number),
                       jpeg ? "0, 1 (grey), 2 (RGB) or 6 (YCbCr) with JPEG"
                            : "0, 1 (grey), 2 (RGB) or 3 (palette)");
  }
  layout.colour = static_cast<TiffColour>(number);
  return OkStatus();
}

int64_t ColoursOf(TiffColour colour) {
  return colour == TiffColour::kRgb || colour == TiffColour::kYcbcr ? 3 : 1;
}

// Extra samples that are not said to be transparency have no part in the
// colour. RGBA is often written without ExtraSamples: nothing is said of a
// single one then, as libtiff reads it.
Status ReadAlpha(const TiffDirectory& directory, TiffLayout& layout) {
  const int64_t colours = ColoursOf(layout.colour);
  std::vector<int64_t> kinds;
  if (layout.samples == colours + 1) kinds = {0};
  if (directory.Has(kExtraSamples)) {
    CYTO8_ASSIGN_OR_RETURN(kinds,
                           directory.NumbersUpTo(kExtraSamples, kMaxSamples));
  }
  const auto extras = static_cast<int64_t>(kinds.size());
  if (layout.samples != colours + extras) {
    return Contradiction("SamplesPerPixel = " + std::to_string(layout.samples) +
                         ": must be " + std::to_string(colours) + " and " +
                         std::to_string(extras) + " ExtraSamples");
  }
  for (int64_t i = 0; i < extras; ++i) {
    const int64_t kind = kinds[static_cast<size_t>(i)];
    if (!IsOneOf(kind, {0, 1, 2})) {
      return Unsupported(kExtraSamples, std::to_string(kind), "0, 1 or 2");
    }
    if (kind == 0 || layout.alpha != TiffAlpha::kNone) continue;
    layout.alpha =
        kind == 1 ? TiffAlpha::kAssociated : TiffAlpha::kUnassociated;
    layout.alpha_sample = colours + i;
  }
  return OkStatus();
}

Status ReadSamples(const TiffDirectory& directory, TiffLayout& layout) {
  CYTO8_ASSIGN_OR_RETURN(layout.samples,
                         directory.NumberOr(kSamplesPerPixel, 1));
  CYTO8_RETURN_IF_ERROR(
      CheckRange(kSamplesPerPixel.name, layout.samples, 1, kMaxSamples));
  CYTO8_RETURN_IF_ERROR(ReadAlpha(directory, layout));
  layout.bits = 1;
  if (directory.Has(kBitsPerSample) || layout.samples > 1) {
    CYTO8_ASSIGN_OR_RETURN(
        layout.bits, SameForAll(directory, kBitsPerSample, layout.samples));
  }
  if (!IsOneOf(layout.bits, {1, 2, 4, 8, 16})) {
    return Unsupported(kBitsPerSample, std::to_string(layout.bits),
                       "1, 2, 4, 8 or 16");
  }
  if (directory.Has(kSampleFormat)) {
    CYTO8_ASSIGN_OR_RETURN(
        const int64_t format,
        SameForAll(directory, kSampleFormat, layout.samples));
    if (format != 1) {
      return Unsupported(kSampleFormat, std::to_string(format), "1 (unsigned)");
    }
  }
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t planar,
      Choice(directory, kPlanarConfiguration, 1, {1, 2}, "1 or 2"));
  layout.separate = planar == 2 && layout.samples > 1;
  return OkStatus();
}

Status CheckCombination(const TiffLayout& layout) {
  if (layout.differences && layout.bits < 8) {
    return Unsupported(kPredictor,
                       "2 with BitsPerSample = " + std::to_string(layout.bits),
                       "1");
  }
  if (layout.colour == TiffColour::kPalette) {
    if (layout.bits > 8) {
      return Unsupported(kBitsPerSample,
                         std::to_string(layout.bits) + " with a palette",
                         "1, 2, 4 or 8");
    }
  }
  if (layout.compression != TiffCompression::kJpeg) return OkStatus();
  if (layout.bits != 8) {
    return Unsupported(kBitsPerSample,
                       std::to_string(layout.bits) + " with JPEG", "8");
  }
  if (layout.samples != ColoursOf(layout.colour)) {
    return Unsupported(kSamplesPerPixel,
                       std::to_string(layout.samples) + " with JPEG",
                       std::to_string(ColoursOf(layout.colour)));
  }
  if (layout.colour == TiffColour::kYcbcr && layout.separate) {
    return Unsupported(kPlanarConfiguration, "2 with YCbCr", "1");
  }
  return OkStatus();
}

// Of 16 bits the upper 8 count; but where no value has any of these, an old
// program has written 8 bits.
Status ReadPalette(const TiffDirectory& directory, TiffLayout& layout) {
  if (layout.colour != TiffColour::kPalette) return OkStatus();
  const int64_t colours = int64_t{1} << layout.bits;
  CYTO8_ASSIGN_OR_RETURN(const std::vector<int64_t> values,
                         directory.Numbers(kColorMap, colours * kRgbChannels));
  const int64_t most = std::ranges::max(values);
  CYTO8_RETURN_IF_ERROR(CheckRange(kColorMap.name, most, 0, 65535));
  const int shift = most > 255 ? 8 : 0;
  const auto level = [&](int64_t channel, int64_t i) {
    return static_cast<uint8_t>(
        values[static_cast<size_t>(channel * colours + i)] >> shift);
  };
  for (int64_t i = 0; i < colours; ++i) {
    layout.palette.push_back(
        {.red = level(0, i), .green = level(1, i), .blue = level(2, i)});
  }
  return OkStatus();
}

int64_t RoundedUp(int64_t value, int64_t step) {
  return (value + step - 1) / step;
}

Status ReadTileSize(const TiffDirectory& directory, const Limits& limits,
                    TiffLayout& layout) {
  CYTO8_ASSIGN_OR_RETURN(layout.chunk_width_px, directory.Number(kTileWidth));
  CYTO8_ASSIGN_OR_RETURN(layout.chunk_height_px, directory.Number(kTileLength));
  CYTO8_RETURN_IF_ERROR(CheckRange(kTileWidth.name, layout.chunk_width_px, 1,
                                   limits.max_side_px));
  return CheckRange(kTileLength.name, layout.chunk_height_px, 1,
                    limits.max_side_px);
}

Status ReadStripSize(const TiffDirectory& directory, TiffLayout& layout) {
  layout.chunk_width_px = layout.width_px;
  CYTO8_ASSIGN_OR_RETURN(const int64_t rows,
                         directory.NumberOr(kRowsPerStrip, layout.height_px));
  if (rows < 1) return Contradiction("RowsPerStrip = 0: must be at least 1");
  layout.chunk_height_px = std::min(rows, layout.height_px);
  return OkStatus();
}

std::string Where(int64_t begin, int64_t count) {
  return std::to_string(count) + " bytes at byte " + std::to_string(begin);
}

StatusOr<TiffExtent> ExtentOf(int64_t begin, int64_t count,
                              int64_t file_bytes) {
  if (count == 0) return Contradiction("it has 0 bytes");
  if (begin < kHeaderBytes) {
    return Contradiction("it has " + Where(begin, count) + ": the header has " +
                         std::to_string(kHeaderBytes));
  }
  if (begin <= file_bytes && count <= file_bytes - begin) {
    return TiffExtent{.begin = begin, .end = begin + count};
  }
  return Contradiction("it has " + Where(begin, count) + ": the file has " +
                       std::to_string(file_bytes));
}

// Tiles may share all their bytes, as blank ones do, but not some.
Status CheckDisjoint(const TiffLayout& layout) {
  std::vector<int64_t> order(layout.chunks.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&](int64_t i) -> const TiffExtent& {
    return layout.chunks[static_cast<size_t>(i)];
  };
  std::ranges::sort(order, {}, [&](int64_t i) {
    return std::tuple(at(i).begin, at(i).end, i);
  });
  for (size_t i = 1; i < order.size(); ++i) {
    const TiffExtent& a = at(order[i - 1]);
    const TiffExtent& b = at(order[i]);
    const bool same = a.begin == b.begin && a.end == b.end;
    if (same || b.begin >= a.end) continue;
    return Annotate(Contradiction("it has " + Where(b.begin, b.end - b.begin) +
                                  ": " + layout.NameOfChunk(order[i - 1]) +
                                  " has " + Where(a.begin, a.end - a.begin)),
                    layout.NameOfChunk(order[i]));
  }
  return OkStatus();
}

// Of a slide, whose tiles may be missing, but not all: a level without any
// would pass for background everywhere.
Status CheckSparse(const TiffLayout& layout) {
  const bool empty = std::ranges::all_of(
      layout.chunks, [](const TiffExtent& chunk) { return chunk.end == 0; });
  if (!empty) return CheckDisjoint(layout);
  return Contradiction(std::string(kTileByteCounts.name) + " = 0 for all " +
                       std::to_string(layout.chunks.size()) +
                       " tiles: must not be 0 for all");
}

Status ReadExtents(const TiffDirectory& directory, int64_t file_bytes,
                   bool sparse, TiffLayout& layout) {
  const int64_t chunks =
      layout.chunks_across * layout.chunks_down * layout.planes();
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<int64_t> begins,
      directory.Numbers(layout.tiled ? kTileOffsets : kStripOffsets, chunks));
  CYTO8_ASSIGN_OR_RETURN(
      const std::vector<int64_t> counts,
      directory.Numbers(layout.tiled ? kTileByteCounts : kStripByteCounts,
                        chunks));
  layout.chunks.reserve(begins.size());
  for (size_t i = 0; i < begins.size(); ++i) {
    if (sparse && counts[i] == 0) {
      layout.chunks.emplace_back();
      continue;
    }
    CYTO8_ASSIGN_OR_RETURN(
        const TiffExtent extent,
        Annotate(ExtentOf(begins[i], counts[i], file_bytes),
                 layout.NameOfChunk(static_cast<int64_t>(i))));
    layout.chunks.push_back(extent);
  }
  return sparse ? CheckSparse(layout) : OkStatus();
}

Status ReadChunks(const TiffDirectory& directory, const Limits& limits,
                  TiffLayout& layout) {
  layout.tiled = directory.Has(kTileWidth) || directory.Has(kTileOffsets);
  if (layout.tiled && directory.Has(kStripOffsets)) {
    return Contradiction("there are strips and tiles");
  }
  CYTO8_RETURN_IF_ERROR(layout.tiled ? ReadTileSize(directory, limits, layout)
                                     : ReadStripSize(directory, layout));
  layout.chunks_across = RoundedUp(layout.width_px, layout.chunk_width_px);
  layout.chunks_down = RoundedUp(layout.height_px, layout.chunk_height_px);
  return OkStatus();
}

Status ReadJpegTables(const TiffDirectory& directory, TiffLayout& layout) {
  if (layout.compression != TiffCompression::kJpeg ||
      !directory.Has(kJpegTables)) {
    return OkStatus();
  }
  CYTO8_ASSIGN_OR_RETURN(const std::span<const std::byte> tables,
                         directory.Bytes(kJpegTables));
  layout.jpeg_tables.assign(tables.begin(), tables.end());
  return CheckRange(std::string(kJpegTables.name) + " bytes",
                    static_cast<int64_t>(tables.size()), 0, kMaxTableBytes);
}

bool IsMicroscope(double um_per_px) {
  return um_per_px >= kMinUmPerPx && um_per_px <= kMaxUmPerPx;
}

// Without the blanks at both ends.
std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\0"sv;
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// "Aperio ...|AppMag = 20|...|MPP = 0.4990|...": the number of a key, whatever
// blanks there are. The text before the first '|' is no such pair.
std::optional<double> AperioNumber(std::string_view description,
                                   std::string_view key) {
  if (!description.starts_with("Aperio")) return std::nullopt;
  size_t bar = description.find('|');
  while (bar != std::string_view::npos) {
    const size_t next = description.find('|', bar + 1);
    const std::string_view pair = description.substr(bar + 1, next - bar - 1);
    bar = next;
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    if (Trimmed(pair.substr(0, equals)) != key) continue;
    std::string_view text = Trimmed(pair.substr(equals + 1));
    text = text.substr(0, text.find_first_of(" \r\n\0"sv));
    const StatusOr<double> value = ParseDouble(text);
    return value.ok() ? std::optional(*value) : std::nullopt;
  }
  return std::nullopt;
}

// In nanometres at the finest, so that a rounded resolution gives round um/px.
double UmPerPx(double um_per_unit, double pixels_per_unit) {
  constexpr double kSteps = 1e6;
  return std::round(um_per_unit / pixels_per_unit * kSteps) / kSteps;
}

StatusOr<std::optional<double>> ResolutionMpp(const TiffDirectory& directory) {
  constexpr double kUmPerInch = 25'400;
  constexpr double kUmPerCm = 10'000;
  CYTO8_ASSIGN_OR_RETURN(const int64_t unit,
                         directory.NumberOr(kResolutionUnit, 2));
  CYTO8_ASSIGN_OR_RETURN(const std::optional<double> x,
                         directory.Ratio(kXResolution));
  CYTO8_ASSIGN_OR_RETURN(const std::optional<double> y,
                         directory.Ratio(kYResolution));
  if (!IsOneOf(unit, {2, 3}) || !x || !y) return std::optional<double>();
  const double um = unit == 2 ? kUmPerInch : kUmPerCm;
  const bool agree = std::abs(*x - *y) <= 0.01 * *x;
  if (!agree || *x <= 0 || !IsMicroscope(um / *x)) {
    return std::optional<double>();
  }
  return std::optional(UmPerPx(um, *x));
}

// No more than these two numbers ever leaves the text.
Status ReadDescription(const TiffDirectory& directory, TiffLayout& layout) {
  if (!directory.Has(kImageDescription)) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(const std::span<const std::byte> bytes,
                         directory.Bytes(kImageDescription));
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()),
                              bytes.size());
  const std::optional<double> mpp = AperioNumber(text, "MPP");
  if (mpp && IsMicroscope(*mpp)) {
    layout.um_per_px = mpp;
    layout.mpp_source = "aperio.MPP";
  }
  const std::optional<double> magnification = AperioNumber(text, "AppMag");
  if (magnification && *magnification > 0 &&
      *magnification <= kMaxMagnification) {
    layout.magnification = magnification;
  }
  return OkStatus();
}

Status ReadScale(const TiffDirectory& directory, TiffLayout& layout) {
  CYTO8_RETURN_IF_ERROR(ReadDescription(directory, layout));
  if (layout.um_per_px) return OkStatus();
  CYTO8_ASSIGN_OR_RETURN(layout.um_per_px, ResolutionMpp(directory));
  if (layout.um_per_px) layout.mpp_source = "tiff.XResolution";
  return OkStatus();
}

StatusOr<TiffLayout> ReadLayout(const TiffDirectory& directory,
                                int64_t file_bytes, bool sparse,
                                const Limits& limits) {
  TiffLayout layout;
  layout.big_endian = directory.big_endian();
  layout.pages = directory.pages();
  CYTO8_RETURN_IF_ERROR(ReadSize(directory, limits, layout));
  CYTO8_RETURN_IF_ERROR(ReadCompression(directory, layout));
  CYTO8_RETURN_IF_ERROR(ReadColour(directory, layout));
  CYTO8_RETURN_IF_ERROR(ReadSamples(directory, layout));
  CYTO8_RETURN_IF_ERROR(CheckCombination(layout));
  CYTO8_RETURN_IF_ERROR(ReadPalette(directory, layout));
  CYTO8_RETURN_IF_ERROR(ReadChunks(directory, limits, layout));
  CYTO8_RETURN_IF_ERROR(ReadExtents(directory, file_bytes, sparse, layout));
  CYTO8_RETURN_IF_ERROR(ReadJpegTables(directory, layout));
  CYTO8_RETURN_IF_ERROR(ReadScale(directory, layout));
  return layout;
}

}  // namespace

const char* TiffCompressionName(TiffCompression compression) {
  switch (compression) {
    case TiffCompression::kNone:
      return "none";
    case TiffCompression::kLzw:
      return "LZW";
    case TiffCompression::kJpeg:
      return "JPEG";
    case TiffCompression::kDeflate:
    case TiffCompression::kOldDeflate:
      return "deflate";
    case TiffCompression::kPackBits:
      return "PackBits";
  }
  return "";
}

int64_t TiffLayout::RowBytes() const {
  return RoundedUp(chunk_width_px * samples_in_chunk() * bits, 8);
}

int64_t TiffLayout::RowsOfChunk(int64_t row_of_chunks) const {
  if (tiled) return chunk_height_px;
  return std::min(chunk_height_px, height_px - row_of_chunks * chunk_height_px);
}

std::string TiffLayout::NameOfChunk(int64_t index) const {
  return (tiled ? "tile " : "strip ") + std::to_string(index);
}

StatusOr<TiffLayout> ReadTiffLayout(ByteSource& bytes, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const TiffDirectory directory,
                         TiffDirectory::Read(bytes, limits));
  return ReadLayout(directory, bytes.size_bytes(), /*sparse=*/false, limits);
}

StatusOr<TiffLayout> ReadSparseTiffLayout(const TiffDirectory& directory,
                                          int64_t file_bytes,
                                          const Limits& limits) {
  return ReadLayout(directory, file_bytes, /*sparse=*/true, limits);
}

}  // namespace cyto8
