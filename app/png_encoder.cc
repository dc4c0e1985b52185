// SPDX-License-Identifier: Apache-2.0
// PNG by libpng; see png_encoder.h.
//
// libpng reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in PngWriter::Run.
#include "app/png_encoder.h"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <exception>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr int kBitDepth = 8;
constexpr size_t kMaxColours = 256;

struct PngState {
  png_structp png;
  png_infop info;
  std::jmp_buf stop;
  char message[160];
  bool out_of_memory;
  const PalettePicture* picture;  // or null:
  const ImageView* image;
  std::string* bytes;
  png_color palette[kMaxColours];
};

[[noreturn]] void OnError(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof(state->message), "%s", message);
  std::longjmp(state->stop, 1);
}

[[noreturn]] void OnWarning(png_structp png, png_const_charp message) {
  OnError(png, message);
}

// No exception may pass through libpng.
bool Keep(std::string& bytes, png_const_bytep src, size_t count) noexcept {
  try {
    bytes.append(reinterpret_cast<const char*>(src), count);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void OnWrite(png_structp png, png_bytep src, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  state->out_of_memory = !Keep(*state->bytes, src, count);
  if (state->out_of_memory) png_error(png, "out of memory");
}

void OnFlush(png_structp) {}

void CreateStep(PngState& state) {
  state.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, OnError,
                                      OnWarning);
  if (state.png == nullptr) return;
  state.info = png_create_info_struct(state.png);
  png_set_write_fn(state.png, &state, OnWrite, OnFlush);
}

void TextStep(PngState& state) {
  for (const auto& [keyword, content] : state.picture->texts) {
    png_text text = {};
    text.compression = PNG_TEXT_COMPRESSION_NONE;
    text.key = const_cast<char*>(keyword.c_str());  // libpng copies both.
    text.text = const_cast<char*>(content.c_str());
    text.text_length = content.size();
    png_set_text(state.png, state.info, &text, 1);
  }
}

void WriteImageStep(PngState& state) {
  const ImageView& image = *state.image;
  png_set_IHDR(state.png, state.info, static_cast<png_uint_32>(image.width_px),
               static_cast<png_uint_32>(image.height_px), kBitDepth,
               PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(state.png, state.info);
  for (int64_t y = 0; y < image.height_px; ++y) {
    png_write_row(state.png, image.Row(y));
  }
  png_write_end(state.png, state.info);
}

void WritePictureStep(PngState& state) {
  // Pictures of large areas of one colour: runs alone take half the time of
  // level 6 and twice its bytes, which are few; then most of the time is zlib's
  // keeping of its tables, so they are small.
  constexpr int kMemoryLevel = 5;
  const PalettePicture& picture = *state.picture;
  png_set_compression_strategy(state.png, Z_RLE);
  png_set_compression_mem_level(state.png, kMemoryLevel);
  png_set_filter(state.png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE);
  png_set_IHDR(state.png, state.info,
               static_cast<png_uint_32>(picture.width_px),
               static_cast<png_uint_32>(picture.height_px), kBitDepth,
               PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_PLTE(state.png, state.info, state.palette,
               static_cast<int>(picture.palette.size()));
  const png_byte transparent = 0;
  if (picture.first_is_transparent) {
    png_set_tRNS(state.png, state.info, &transparent, 1, nullptr);
  }
  TextStep(state);
  png_write_info(state.png, state.info);
  for (int64_t y = 0; y < picture.height_px; ++y) {
    png_write_row(state.png, picture.pixels.data() + y * picture.width_px);
  }
  png_write_end(state.png, state.info);
}

// Owns the state of libpng for one file.
class PngWriter {
 public:
  explicit PngWriter(const ImageView& image) {
    state_.image = &image;
    state_.bytes = &bytes_;
  }
  explicit PngWriter(const PalettePicture& picture) {
    state_.picture = &picture;
    state_.bytes = &bytes_;
    std::transform(picture.palette.begin(), picture.palette.end(),
                   state_.palette, [](Rgb colour) {
                     return png_color{.red = colour.red,
                                      .green = colour.green,
                                      .blue = colour.blue};
                   });
  }
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&state_.png, &state_.info); }

  StatusOr<std::string> Write() {
    CYTO8_RETURN_IF_ERROR(Run(CreateStep));
    CYTO8_RETURN_IF_ERROR(
        Run(state_.picture ? WritePictureStep : WriteImageStep));
    return std::move(bytes_);
  }

 private:
  Status Run(void (*step)(PngState&));

  PngState state_ = {};
  std::string bytes_;
};

Status PngWriter::Run(void (*step)(PngState&)) {
  if (setjmp(state_.stop) != 0) {
    const std::string message = std::string("PNG: ") + state_.message;
    return state_.out_of_memory ? ResourceExhausted(message)
                                : Internal(message);
  }
  step(state_);
  if (state_.png == nullptr) return ResourceExhausted("PNG: out of memory");
  return OkStatus();
}

Status CheckSides(int64_t width_px, int64_t height_px) {
  constexpr int64_t kMaxSide = 65'536;
  CYTO8_RETURN_IF_ERROR(CheckRange("PNG width", width_px, 1, kMaxSide));
  return CheckRange("PNG height", height_px, 1, kMaxSide);
}

Status CheckPicture(const PalettePicture& picture) {
  CYTO8_RETURN_IF_ERROR(CheckSides(picture.width_px, picture.height_px));
  const int64_t area = picture.width_px * picture.height_px;
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "PNG pixels", static_cast<int64_t>(picture.pixels.size()), area, area));
  return CheckRange("PNG colours", static_cast<int64_t>(picture.palette.size()),
                    1, int64_t{kMaxColours});
}

}  // namespace

StatusOr<std::string> EncodePng(const PalettePicture& picture) {
  CYTO8_RETURN_IF_ERROR(CheckPicture(picture));
  return PngWriter(picture).Write();
}

StatusOr<std::string> EncodePng(const ImageView& image) {
  CYTO8_RETURN_IF_ERROR(CheckSides(image.width_px, image.height_px));
  return PngWriter(image).Write();
}

}  // namespace cyto8
