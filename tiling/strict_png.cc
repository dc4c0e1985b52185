// SPDX-License-Identifier: Apache-2.0
// PNG to RGB by libpng; see strict_png.h.
//
// libpng reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in PngReader::Run.
#include "tiling/strict_png.h"

#include <png.h>

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

// Of one chunk other than IDAT: a palette takes 768 bytes, the rest is skipped.
constexpr png_alloc_size_t kMaxChunkBytes = png_alloc_size_t{16} << 20;

struct PngState {
  png_structp png;
  png_infop info;
  std::jmp_buf stop;
  char message[160];
  const unsigned char* bytes;
  size_t size;
  size_t position;
  png_uint_32 width_px;
  png_uint_32 height_px;
  int bits_per_pixel;
  png_bytep pixels;  // of the destination, without padding between rows.
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof(state->message), "%s", message);
  std::longjmp(state->stop, 1);
}

// Warnings are errors. A wrong checksum of a chunk that is skipped is one.
[[noreturn]] void OnWarning(png_structp png, png_const_charp message) {
  OnError(png, message);
}

void OnRead(png_structp png, png_bytep dst, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (count > state->size - state->position) {
    png_error(png, "premature end of file");
  }
  std::memcpy(dst, state->bytes + state->position, count);
  state->position += count;
}

// The size is compared with Limits by the caller, who can say what is wrong.
void HeaderStep(PngState& state) {
  state.png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, OnError, OnWarning);
  if (state.png == nullptr) return;
  state.info = png_create_info_struct(state.png);
  png_set_read_fn(state.png, &state, OnRead);
  png_set_user_limits(state.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_chunk_malloc_max(state.png, kMaxChunkBytes);
  constexpr int kAllAncillary = -1;
  png_set_keep_unknown_chunks(state.png, PNG_HANDLE_CHUNK_NEVER, nullptr,
                              kAllAncillary);
  png_read_info(state.png, state.info);
  state.width_px = png_get_image_width(state.png, state.info);
  state.height_px = png_get_image_height(state.png, state.info);
  state.bits_per_pixel = png_get_channels(state.png, state.info) *
                         png_get_bit_depth(state.png, state.info);
}

// The colour is given as it shall be on the screen, 8 bits, whatever the file.
void CompositeOnWhite(PngState& state) {
  constexpr png_color_16 kWhite = {
      .index = 0, .red = 255, .green = 255, .blue = 255, .gray = 255};
  png_set_background(state.png, &kWhite, PNG_BACKGROUND_GAMMA_SCREEN,
                     /*need_expand=*/0, /*background_gamma=*/1.0);
}

void AskForRgb(PngState& state) {
  const int colours = png_get_color_type(state.png, state.info);
  png_set_expand(state.png);  // palette, few bits, tRNS.
  if ((colours & PNG_COLOR_MASK_ALPHA) != 0 ||
      png_get_valid(state.png, state.info, PNG_INFO_tRNS) != 0) {
    CompositeOnWhite(state);
  }
  png_set_strip_16(state.png);
  png_set_gray_to_rgb(state.png);
}

void RowsStep(PngState& state) {
  AskForRgb(state);
  const int passes = png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  const size_t row_bytes = size_t{state.width_px} * kRgbChannels;
  if (png_get_rowbytes(state.png, state.info) != row_bytes) {
    png_error(state.png, "rows are not RGB after conversion");
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (png_uint_32 y = 0; y < state.height_px; ++y) {
      png_read_row(state.png, state.pixels + y * row_bytes, nullptr);
    }
  }
  png_read_end(state.png, nullptr);
}

// Owns the state of libpng for one file.
class PngReader {
 public:
  explicit PngReader(std::span<const std::byte> bytes) {
    state_.bytes = reinterpret_cast<const unsigned char*>(bytes.data());
    state_.size = bytes.size();
  }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&state_.png, &state_.info, nullptr); }

  StatusOr<ImageInfo> ReadHeader(const Limits& limits);
  StatusOr<Image> ReadPixels(const Limits& limits);

 private:
  Status Run(void (*step)(PngState&));
  Status CheckPlausible() const;

  PngState state_ = {};
};

Status PngReader::Run(void (*step)(PngState&)) {
  if (setjmp(state_.stop) != 0) {
    return DataLoss(std::string("damaged PNG: ") + state_.message);
  }
  step(state_);
  if (state_.png == nullptr) return ResourceExhausted("PNG: out of memory");
  return OkStatus();
}

// Deflate shrinks to 1/1032 at best: two bits for a repeat of 258 bytes.
Status PngReader::CheckPlausible() const {
  constexpr int64_t kBestRatio = 1032;
  const int64_t size = static_cast<int64_t>(state_.size);
  const int64_t pixels = int64_t{state_.width_px} * state_.height_px;
  if (pixels * state_.bits_per_pixel / 8 / kBestRatio <= size) {
    return OkStatus();
  }
  return DataLoss("damaged PNG: " + std::to_string(size) +
                  " bytes cannot hold " + std::to_string(state_.width_px) +
                  " x " + std::to_string(state_.height_px) + " pixels");
}

StatusOr<ImageInfo> PngReader::ReadHeader(const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("PNG bytes",
                                   static_cast<int64_t>(state_.size), 1,
                                   limits.max_image_bytes));
  CYTO8_RETURN_IF_ERROR(Run(HeaderStep));
  const ImageInfo info = {.format = ImageFormat::kPng,
                          .width_px = state_.width_px,
                          .height_px = state_.height_px};
  CYTO8_RETURN_IF_ERROR(CheckImageSize(info.width_px, info.height_px, limits));
  CYTO8_RETURN_IF_ERROR(CheckPlausible());
  return info;
}

StatusOr<Image> PngReader::ReadPixels(const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const ImageInfo info, ReadHeader(limits));
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::Create(info.width_px, info.height_px, limits));
  state_.pixels = image.MutableRow(0);
  CYTO8_RETURN_IF_ERROR(Run(RowsStep));
  return image;
}

}  // namespace

StatusOr<ImageInfo> ParsePngHeader(std::span<const std::byte> bytes,
                                   const Limits& limits) {
  return PngReader(bytes).ReadHeader(limits);
}

StatusOr<Image> DecodePng(std::span<const std::byte> bytes,
                          const Limits& limits) {
  return PngReader(bytes).ReadPixels(limits);
}

}  // namespace cyto8
