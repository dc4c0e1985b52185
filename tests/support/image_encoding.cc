// SPDX-License-Identifier: Apache-2.0
// JPEG, PNG and TIFF files made in code; see image_encoding.h.
#include "tests/support/image_encoding.h"

#include <png.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

// jpeglib.h needs cstdio.
#include <jpeglib.h>

namespace cyto8 {
namespace {

// One scan for every component, as jpeg_simple_progression would lay out a
// sequential file if it could.
void AskForScanPerComponent(jpeg_compress_struct& codec,
                            std::array<jpeg_scan_info, 3>& scans) {
  for (int i = 0; i < 3; ++i) {
    scans[i] = {};
    scans[i].comps_in_scan = 1;
    scans[i].component_index[0] = i;
    scans[i].Se = DCTSIZE2 - 1;
  }
  codec.scan_info = scans.data();
  codec.num_scans = 3;
}

void SetKind(jpeg_compress_struct& codec, JpegKind kind) {
  codec.input_components = kind == JpegKind::kCmyk   ? 4
                           : kind == JpegKind::kGrey ? 1
                                                     : 3;
  codec.in_color_space = kind == JpegKind::kCmyk   ? JCS_CMYK
                         : kind == JpegKind::kGrey ? JCS_GRAYSCALE
                                                   : JCS_RGB;
}

// The samples of a row: all three channels, the red one, or RGB and black.
std::vector<uint8_t> JpegRow(const ImageView& image, int64_t y, JpegKind kind) {
  std::vector<uint8_t> row;
  for (int64_t x = 0; x < image.width_px; ++x) {
    const Rgb pixel = image.At(x, y);
    row.push_back(pixel.red);
    if (kind == JpegKind::kGrey) continue;
    row.push_back(pixel.green);
    row.push_back(pixel.blue);
    if (kind == JpegKind::kCmyk) row.push_back(0);
  }
  return row;
}

void WriteRows(jpeg_compress_struct& codec, const ImageView& image,
               JpegKind kind) {
  jpeg_start_compress(&codec, TRUE);
  for (int64_t y = 0; y < image.height_px; ++y) {
    std::vector<uint8_t> row = JpegRow(image, y, kind);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&codec, &pointer, 1);
  }
  jpeg_finish_compress(&codec);
}

Bytes AsBytes(const uint8_t* data, size_t size) {
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  return {begin, begin + size};
}

void AppendPng(png_structp png, png_bytep data, size_t size) {
  auto* bytes = static_cast<Bytes*>(png_get_io_ptr(png));
  const Bytes more = AsBytes(data, size);
  bytes->insert(bytes->end(), more.begin(), more.end());
}

void NoFlush(png_structp) {}

void SetPalette(png_structp png, png_infop info, const PngSource& source) {
  std::vector<png_color> palette;
  for (const Rgb& colour : source.palette) {
    palette.push_back({colour.red, colour.green, colour.blue});
  }
  png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  if (source.palette_alpha.empty()) return;
  png_set_tRNS(png, info, source.palette_alpha.data(),
               static_cast<int>(source.palette_alpha.size()), nullptr);
}

void SetTransparentGrey(png_structp png, png_infop info, int grey) {
  png_color_16 colour = {};
  colour.gray = static_cast<png_uint_16>(grey);
  png_set_tRNS(png, info, nullptr, 0, &colour);
}

void SetComment(png_structp png, png_infop info, std::string comment) {
  std::string key = "Comment";
  png_text text = {};
  text.compression = PNG_TEXT_COMPRESSION_NONE;
  text.key = key.data();
  text.text = comment.data();
  png_set_text(png, info, &text, 1);
}

void SetHeader(png_structp png, png_infop info, const PngSource& source) {
  png_set_IHDR(png, info, static_cast<png_uint_32>(source.width_px),
               static_cast<png_uint_32>(source.height_px), source.bit_depth,
               source.colour_type,
               source.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!source.palette.empty()) SetPalette(png, info, source);
  if (source.transparent_grey >= 0) {
    SetTransparentGrey(png, info, source.transparent_grey);
  }
  if (!source.comment.empty()) SetComment(png, info, source.comment);
}

// A TIFF that libtiff writes to memory.
struct TiffMemory {
  Bytes bytes;
  size_t position = 0;
};

tmsize_t ReadTiff(thandle_t handle, void* data, tmsize_t size) {
  auto* memory = static_cast<TiffMemory*>(handle);
  const size_t left = memory->bytes.size() - memory->position;
  const size_t count = std::min(left, static_cast<size_t>(size));
  std::copy_n(
      memory->bytes.begin() + static_cast<std::ptrdiff_t>(memory->position),
      count, static_cast<std::byte*>(data));
  memory->position += count;
  return static_cast<tmsize_t>(count);
}

tmsize_t WriteTiff(thandle_t handle, void* data, tmsize_t size) {
  auto* memory = static_cast<TiffMemory*>(handle);
  const size_t end = memory->position + static_cast<size_t>(size);
  memory->bytes.resize(std::max(memory->bytes.size(), end));
  std::copy_n(
      static_cast<const std::byte*>(data), size,
      memory->bytes.begin() + static_cast<std::ptrdiff_t>(memory->position));
  memory->position = end;
  return size;
}

toff_t SeekTiff(thandle_t handle, toff_t offset, int whence) {
  auto* memory = static_cast<TiffMemory*>(handle);
  const size_t base = whence == SEEK_CUR   ? memory->position
                      : whence == SEEK_END ? memory->bytes.size()
                                           : 0;
  memory->position = base + offset;
  return memory->position;
}

int CloseTiff(thandle_t) { return 0; }

toff_t SizeTiff(thandle_t handle) {
  return static_cast<TiffMemory*>(handle)->bytes.size();
}

// Of an old but common compression there is one.
int IgnoreTiffWarning(TIFF*, void*, const char*, const char*, va_list) {
  return 1;
}

TIFF* OpenTiff(const std::string& mode, TiffMemory& memory) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  TIFFOpenOptionsSetWarningHandlerExtR(options, IgnoreTiffWarning, nullptr);
  TIFF* tiff = TIFFClientOpenExt("test", mode.c_str(), &memory, ReadTiff,
                                 WriteTiff, SeekTiff, CloseTiff, SizeTiff,
                                 nullptr, nullptr, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

void SetTags(TIFF* tiff, const TiffSource& source) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH,
               static_cast<uint32_t>(source.width_px));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH,
               static_cast<uint32_t>(source.height_px));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, source.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, source.samples);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, source.colour);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, source.compression);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, source.separate ? 2 : 1);
  if (source.predictor != 1) {
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, source.predictor);
  }
  if (source.compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGQUALITY, source.jpeg_quality);
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE,
                 source.colour == 6 ? JPEGCOLORMODE_RGB : JPEGCOLORMODE_RAW);
    if (source.colour == 6) {
      TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, source.chroma_px,
                   source.chroma_px);
    }
  }
  if (source.subfile_type != 0) {
    TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, source.subfile_type);
  }
  if (source.sub_directories > 0) {
    const std::vector<uint64_t> offsets(
        static_cast<size_t>(source.sub_directories));
    TIFFSetField(tiff, TIFFTAG_SUBIFD, source.sub_directories, offsets.data());
  }
  if (!source.software.empty()) {
    TIFFSetField(tiff, TIFFTAG_SOFTWARE, source.software.c_str());
  }
  if (!source.extra_samples.empty()) {
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES,
                 static_cast<int>(source.extra_samples.size()),
                 source.extra_samples.data());
  }
  if (source.x_resolution > 0) {
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, source.x_resolution);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, source.y_resolution);
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, source.resolution_unit);
  }
  if (!source.description.empty()) {
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, source.description.c_str());
  }
}

void SetColorMap(TIFF* tiff, const TiffSource& source) {
  if (source.palette.empty()) return;
  std::array<std::vector<uint16_t>, 3> map;
  for (std::vector<uint16_t>& channel : map) {
    channel.resize(size_t{1} << source.bits);
  }
  for (size_t i = 0; i < source.palette.size(); ++i) {
    map[0][i] = static_cast<uint16_t>(source.palette[i].red * 257);
    map[1][i] = static_cast<uint16_t>(source.palette[i].green * 257);
    map[2][i] = static_cast<uint16_t>(source.palette[i].blue * 257);
  }
  TIFFSetField(tiff, TIFFTAG_COLORMAP, map[0].data(), map[1].data(),
               map[2].data());
}

// The upper bits first; 16 bits in the order of this machine.
void PackRow(const std::vector<uint16_t>& row, int bits,
             std::vector<uint8_t>& packed) {
  int filled = 8;
  for (const uint16_t value : row) {
    if (bits == 16) {
      const auto* bytes = reinterpret_cast<const uint8_t*>(&value);
      packed.insert(packed.end(), bytes, bytes + 2);
      continue;
    }
    if (filled == 8) {
      packed.push_back(0);
      filled = 0;
    }
    filled += bits;
    packed.back() = static_cast<uint8_t>(packed.back() | value << (8 - filled));
  }
}

// One strip or tile; beyond the image, tiles repeat its last pixel.
std::vector<uint8_t> PackChunk(const TiffSource& source, int64_t x_px,
                               int64_t y_px, int64_t width, int64_t height,
                               int plane) {
  std::vector<uint8_t> packed;
  for (int64_t y = y_px; y < y_px + height; ++y) {
    std::vector<uint16_t> row;
    for (int64_t x = x_px; x < x_px + width; ++x) {
      const int64_t pixel =
          std::min(y, source.height_px - 1) * source.width_px +
          std::min(x, source.width_px - 1);
      for (int i = 0; i < source.samples; ++i) {
        if (source.separate && i != plane) continue;
        row.push_back(
            source.values[static_cast<size_t>(pixel * source.samples + i)]);
      }
    }
    PackRow(row, source.bits, packed);
  }
  return packed;
}

void WriteChunks(TIFF* tiff, const TiffSource& source) {
  const bool tiled = source.tile_px > 0;
  const int64_t rows =
      source.rows_per_strip > 0 ? source.rows_per_strip : source.height_px;
  const int64_t width = tiled ? source.tile_px : source.width_px;
  const int64_t height = tiled ? source.tile_px : rows;
  uint32_t index = 0;
  for (int plane = 0; plane < (source.separate ? source.samples : 1); ++plane) {
    for (int64_t y = 0; y < source.height_px; y += height) {
      const int64_t here =
          tiled ? height : std::min(height, source.height_px - y);
      for (int64_t x = 0; x < source.width_px; x += width, ++index) {
        if (std::ranges::count(source.missing_tiles, index) > 0) continue;
        std::vector<uint8_t> packed =
            PackChunk(source, x, y, width, here, plane);
        const auto size = static_cast<tmsize_t>(packed.size());
        const tmsize_t written =
            tiled ? TIFFWriteEncodedTile(tiff, index, packed.data(), size)
                  : TIFFWriteEncodedStrip(tiff, index, packed.data(), size);
        if (written != size) std::abort();
      }
    }
  }
}

}  // namespace

Image MakeTestImage(int64_t width_px, int64_t height_px) {
  StatusOr<Image> image =
      Image::Create(width_px, height_px, {.max_side_px = 10'000});
  if (!image.ok()) std::abort();
  uint32_t noise = static_cast<uint32_t>(width_px * 7919 + height_px);
  for (int64_t y = 0; y < height_px; ++y) {
    uint8_t* row = image->MutableRow(y);
    for (int64_t i = 0; i < width_px * kRgbChannels; ++i) {
      noise = noise * 1664525 + 1013904223;
      const int64_t smooth = 40 * (i % 3) + 3 * (i / 3) + 2 * y;
      const bool rough = (i / 3 / 8 + y / 8) % 3 == 0;
      row[i] = static_cast<uint8_t>(smooth + (rough ? noise >> 26 : 0));
    }
  }
  return *std::move(image);
}

Bytes EncodeJpeg(const ImageView& image, const JpegEncoding& encoding) {
  jpeg_compress_struct codec = {};
  jpeg_error_mgr errors = {};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &buffer, &size);
  codec.image_width = static_cast<JDIMENSION>(image.width_px);
  codec.image_height = static_cast<JDIMENSION>(image.height_px);
  SetKind(codec, encoding.kind);
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, encoding.quality, TRUE);
  codec.optimize_coding = encoding.optimize_huffman ? TRUE : FALSE;
  codec.restart_interval =
      static_cast<unsigned int>(encoding.restart_interval_blocks);
  if (!encoding.subsample_chroma) {
    codec.comp_info[0].h_samp_factor = codec.comp_info[0].v_samp_factor = 1;
  }
  std::array<jpeg_scan_info, 3> scans;
  if (encoding.progressive) jpeg_simple_progression(&codec);
  if (encoding.one_scan_per_component) AskForScanPerComponent(codec, scans);
  WriteRows(codec, image, encoding.kind);
  Bytes bytes = AsBytes(buffer, size);
  jpeg_destroy_compress(&codec);
  std::free(buffer);
  return bytes;
}

Bytes EncodePng(const PngSource& source) {
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  Bytes bytes;
  png_set_write_fn(png, &bytes, AppendPng, NoFlush);
  SetHeader(png, info, source);
  png_write_info(png, info);
  std::vector<uint8_t> rows = source.rows;
  const int64_t row_bytes =
      static_cast<int64_t>(rows.size()) / source.height_px;
  const int passes = png_set_interlace_handling(png);
  for (int pass = 0; pass < passes; ++pass) {
    for (int64_t y = 0; y < source.height_px; ++y) {
      png_write_row(png, rows.data() + y * row_bytes);
    }
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

Bytes EncodePng(const ImageView& image) {
  PngSource source = {.width_px = image.width_px, .height_px = image.height_px};
  for (int64_t y = 0; y < image.height_px; ++y) {
    const uint8_t* row = image.Row(y);
    source.rows.insert(source.rows.end(), row,
                       row + image.width_px * kRgbChannels);
  }
  return EncodePng(source);
}

Bytes EncodeTiff(const TiffSource& source) {
  return EncodeTiff(std::vector(static_cast<size_t>(source.pages), source));
}

Bytes EncodeTiff(const std::vector<TiffSource>& sources) {
  TiffMemory memory;
  const TiffSource& first = sources.front();
  const std::string mode = std::string("w") + (first.big_endian ? "b" : "l") +
                           (first.big_tiff ? "8" : "");
  TIFF* tiff = OpenTiff(mode, memory);
  if (tiff == nullptr) std::abort();
  for (const TiffSource& source : sources) {
    SetTags(tiff, source);
    SetColorMap(tiff, source);
    const auto rows = static_cast<uint32_t>(
        source.rows_per_strip > 0 ? source.rows_per_strip : source.height_px);
    const auto side = static_cast<uint32_t>(source.tile_px);
    if (side == 0) TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, rows);
    if (side > 0) TIFFSetField(tiff, TIFFTAG_TILEWIDTH, side);
    if (side > 0) TIFFSetField(tiff, TIFFTAG_TILELENGTH, side);
    WriteChunks(tiff, source);
    if (TIFFWriteDirectory(tiff) != 1) std::abort();
  }
  TIFFClose(tiff);
  return memory.bytes;
}

std::vector<uint16_t> ValuesOf(const ImageView& image) {
  std::vector<uint16_t> values;
  for (int64_t y = 0; y < image.height_px; ++y) {
    const uint8_t* row = image.Row(y);
    values.insert(values.end(), row, row + image.width_px * kRgbChannels);
  }
  return values;
}

}  // namespace cyto8
