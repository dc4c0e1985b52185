// SPDX-License-Identifier: Apache-2.0
// PNG to RGB by libpng; see strict_png.h.
//
// libpng reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in PngRows::Run.
#include "tiling/strict_png.h"

#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

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
  bool out_of_memory;
  BlockReader* blocks;
  png_uint_32 width_px;
  png_uint_32 height_px;
  int bits_per_pixel;
  bool interlaced;
  int passes;
  int64_t rows_wanted;
  png_bytep dst;
  int64_t dst_stride_bytes;
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

// libpng and zlib have words of their own for it; here it is certain.
png_voidp OnMalloc(png_structp png, png_alloc_size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    static_cast<PngState*>(png_get_mem_ptr(png))->out_of_memory = true;
  }
  return memory;
}

void OnFree(png_structp, png_voidp memory) { std::free(memory); }

// A failed read ends here too; it is known to the source.
void OnRead(png_structp png, png_bytep dst, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (!state->blocks->Read({reinterpret_cast<std::byte*>(dst), count})) {
    png_error(png, "premature end of file");
  }
}

// The size is compared with Limits by the caller, who can say what is wrong.
void HeaderStep(PngState& state) {
  state.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &state, OnError,
                                       OnWarning, &state, OnMalloc, OnFree);
  if (state.png == nullptr) return;
  state.info = png_create_info_struct(state.png);
  if (state.info == nullptr) png_error(state.png, "out of memory");
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
  state.interlaced =
      png_get_interlace_type(state.png, state.info) != PNG_INTERLACE_NONE;
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

void StartStep(PngState& state) {
  AskForRgb(state);
  state.passes = png_set_interlace_handling(state.png);
  png_read_update_info(state.png, state.info);
  const size_t row_bytes = size_t{state.width_px} * kRgbChannels;
  if (png_get_rowbytes(state.png, state.info) != row_bytes) {
    png_error(state.png, "rows are not RGB after conversion");
  }
}

// All passes over the same rows: several only if these are all there are.
void RowsStep(PngState& state) {
  for (int pass = 0; pass < state.passes; ++pass) {
    for (int64_t y = 0; y < state.rows_wanted; ++y) {
      png_read_row(state.png, state.dst + y * state.dst_stride_bytes, nullptr);
    }
  }
}

// Reads on to the IEND chunk.
void FinishStep(PngState& state) { png_read_end(state.png, nullptr); }

// Owns the state of libpng for one image.
class PngRows final : public RowSource {
 public:
  explicit PngRows(ByteSource& bytes)
      : bytes_(&bytes), blocks_(bytes, 0, bytes.size_bytes()) {
    state_.blocks = &blocks_;
  }
  PngRows(const PngRows&) = delete;
  PngRows& operator=(const PngRows&) = delete;
  ~PngRows() override {
    png_destroy_read_struct(&state_.png, &state_.info, nullptr);
  }

  Status ReadHeader(const Limits& limits);

  const ImageInfo& info() const override { return info_; }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override;
  int64_t memory_bytes() const override;

 private:
  Status Run(void (*step)(PngState&));
  Status CheckPlausible() const;
  Status Start();
  Status ReadInto(int64_t count, uint8_t* dst, int64_t dst_stride_bytes);

  ByteSource* bytes_;
  BlockReader blocks_;
  PngState state_ = {};
  ImageInfo info_;
  bool started_ = false;
  int64_t rows_read_ = 0;
  std::vector<uint8_t> pixels_;  // all of an interlaced image; else none.
};

Status PngRows::Run(void (*step)(PngState&)) {
  if (setjmp(state_.stop) != 0) {
    CYTO8_RETURN_IF_ERROR(bytes_->failure());
    if (state_.out_of_memory) return ResourceExhausted("PNG: out of memory");
    return DataLoss(std::string("damaged PNG: ") + state_.message);
  }
  step(state_);
  if (state_.png == nullptr) return ResourceExhausted("PNG: out of memory");
  return OkStatus();
}

// Deflate shrinks to 1/1032 at best: two bits for a repeat of 258 bytes.
Status PngRows::CheckPlausible() const {
  constexpr int64_t kBestRatio = 1032;
  const int64_t size = bytes_->size_bytes();
  const int64_t pixels = info_.width_px * info_.height_px;
  if (pixels * state_.bits_per_pixel / 8 / kBestRatio <= size) {
    return OkStatus();
  }
  return DataLoss("damaged PNG: " + std::to_string(size) +
                  " bytes cannot hold " + std::to_string(info_.width_px) +
                  " x " + std::to_string(info_.height_px) + " pixels");
}

Status PngRows::ReadHeader(const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(Run(HeaderStep));
  info_ = {
      .format = ImageFormat::kPng,
      .width_px = state_.width_px,
      .height_px = state_.height_px,
      .compression = state_.interlaced ? "deflate, interlaced" : "deflate"};
  CYTO8_RETURN_IF_ERROR(CheckRowsSize(info_.width_px, info_.height_px, limits));
  CYTO8_RETURN_IF_ERROR(CheckPlausible());
  return CheckDecoderBytes(memory_bytes(), limits);
}

// Rows of libpng with up to 8 bytes for a pixel, the window of deflate.
int64_t PngRows::memory_bytes() const {
  constexpr int64_t kRowsHeld = 8;
  constexpr int64_t kWindowBytes = int64_t{256} << 10;
  const int64_t row_bytes = info_.width_px * kRgbChannels;
  return (state_.interlaced ? info_.height_px * row_bytes : 0) +
         kRowsHeld * row_bytes + kWindowBytes;
}

Status PngRows::Start() {
  CYTO8_RETURN_IF_ERROR(Run(StartStep));
  started_ = true;
  if (!state_.interlaced) return OkStatus();
  const int64_t row_bytes = info_.width_px * kRgbChannels;
  pixels_.resize(static_cast<size_t>(info_.height_px * row_bytes));
  return ReadInto(info_.height_px, pixels_.data(), row_bytes);
}

Status PngRows::ReadInto(int64_t count, uint8_t* dst,
                         int64_t dst_stride_bytes) {
  state_.rows_wanted = count;
  state_.dst = dst;
  state_.dst_stride_bytes = dst_stride_bytes;
  return Run(RowsStep);
}

Status PngRows::ReadRows(int64_t count, uint8_t* dst,
                         int64_t dst_stride_bytes) {
  if (count == 0) return OkStatus();
  if (!started_) CYTO8_RETURN_IF_ERROR(Start());
  if (state_.interlaced) {
    const int64_t row_bytes = info_.width_px * kRgbChannels;
    for (int64_t y = 0; y < count; ++y) {
      std::copy_n(pixels_.data() + (rows_read_ + y) * row_bytes, row_bytes,
                  dst + y * dst_stride_bytes);
    }
  } else {
    CYTO8_RETURN_IF_ERROR(ReadInto(count, dst, dst_stride_bytes));
  }
  rows_read_ += count;
  return rows_read_ < info_.height_px ? OkStatus() : Run(FinishStep);
}

Status CheckSize(std::span<const std::byte> bytes, const Limits& limits) {
  return CheckRange("PNG bytes", static_cast<int64_t>(bytes.size()), 1,
                    limits.max_image_bytes);
}

}  // namespace

StatusOr<std::unique_ptr<RowSource>> OpenPngRows(ByteSource& bytes,
                                                 const Limits& limits) {
  auto rows = std::make_unique<PngRows>(bytes);
  CYTO8_RETURN_IF_ERROR(rows->ReadHeader(limits));
  return std::unique_ptr<RowSource>(std::move(rows));
}

StatusOr<ImageInfo> ParsePngHeader(std::span<const std::byte> bytes,
                                   const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenPngRows(source, limits));
  return rows->info();
}

StatusOr<Image> DecodePng(std::span<const std::byte> bytes,
                          const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(const std::unique_ptr<RowSource> rows,
                         OpenPngRows(source, AsOnePiece(limits)));
  return ReadAllRows(*rows, limits);
}

}  // namespace cyto8
