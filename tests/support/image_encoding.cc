// SPDX-License-Identifier: Apache-2.0
// JPEG and PNG files made in code; see image_encoding.h.
#include "tests/support/image_encoding.h"

#include <png.h>

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

}  // namespace cyto8
