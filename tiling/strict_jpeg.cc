// SPDX-License-Identifier: Apache-2.0
// JPEG to RGB by libjpeg; see strict_jpeg.h.
//
// libjpeg reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in JpegReader::Run.
#include "tiling/strict_jpeg.h"

#include <csetjmp>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it.
#include <cstring>
#include <string>

// clang-format off: jpeglib.h comes first.
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include "base/checked_math.h"

namespace cyto8 {
namespace {

// Usual progressive files have about 10 scans. Every scan visits the whole
// image however few bytes it has, so a hostile file would buy time with them.
constexpr int64_t kMaxScans = 100;

// What libjpeg may hold beside the coefficients: rows, tables, edge blocks.
constexpr int64_t kWorkingBytes = int64_t{64} << 20;

struct JpegState {
  jpeg_decompress_struct codec;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf stop;
  const unsigned char* bytes;
  unsigned long size;
  JSAMPROW pixels;  // of the destination, without padding between rows.
};

[[noreturn]] void OnError(j_common_ptr codec) {
  std::longjmp(static_cast<JpegState*>(codec->client_data)->stop, 1);
}

void OnMessage(j_common_ptr codec, int level) {
  if (level < 0) OnError(codec);  // a warning: the data is damaged.
}

void OnProgress(j_common_ptr codec) {
  const auto* state = static_cast<JpegState*>(codec->client_data);
  if (state->codec.input_scan_number > kMaxScans) OnError(codec);
}

// libjpeg-turbo puts the tables of motion JPEG where a Huffman table is
// missing. An empty table keeps that place, so that a dropped DHT is noticed.
void OccupyMissingTable(j_common_ptr codec, JHUFF_TBL** table) {
  if (*table != nullptr) return;
  *table = jpeg_alloc_huff_table(codec);
  std::memset(*table, 0, sizeof(JHUFF_TBL));
}

void HeaderStep(JpegState& state) {
  jpeg_decompress_struct& codec = state.codec;
  codec.err = jpeg_std_error(&state.errors);
  codec.client_data = &state;
  state.errors.error_exit = OnError;
  state.errors.emit_message = OnMessage;
  jpeg_create_decompress(&codec);
  state.progress.progress_monitor = OnProgress;
  codec.progress = &state.progress;
  jpeg_mem_src(&codec, state.bytes, state.size);
  jpeg_read_header(&codec, TRUE);
}

// Decodes the whole file if it has several scans.
void StartStep(JpegState& state) {
  jpeg_decompress_struct& codec = state.codec;
  for (int i = 0; i < NUM_HUFF_TBLS; ++i) {
    auto* common = reinterpret_cast<j_common_ptr>(&codec);
    OccupyMissingTable(common, &codec.dc_huff_tbl_ptrs[i]);
    OccupyMissingTable(common, &codec.ac_huff_tbl_ptrs[i]);
  }
  codec.out_color_space = JCS_RGB;
  codec.dct_method = JDCT_ISLOW;
  codec.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&codec);
}

// jpeg_finish_decompress reads on to the end-of-image marker.
void RowsStep(JpegState& state) {
  jpeg_decompress_struct& codec = state.codec;
  const size_t row_bytes = size_t{codec.output_width} * kRgbChannels;
  while (codec.output_scanline < codec.output_height) {
    JSAMPROW row = state.pixels + codec.output_scanline * row_bytes;
    jpeg_read_scanlines(&codec, &row, 1);
  }
  jpeg_finish_decompress(&codec);
}

// Owns the state of libjpeg for one file.
class JpegReader {
 public:
  explicit JpegReader(std::span<const std::byte> bytes) {
    state_.bytes = reinterpret_cast<const unsigned char*>(bytes.data());
    state_.size = bytes.size();
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&state_.codec); }

  StatusOr<ImageInfo> ReadHeader(const Limits& limits);
  StatusOr<Image> ReadPixels(const Limits& limits);

 private:
  Status Run(void (*step)(JpegState&));
  Status StatusOfError();
  Status CheckSides() const;
  Status CheckKind() const;
  Status CheckPlausible() const;
  Status CheckComplete() const;
  int64_t Blocks() const;

  JpegState state_ = {};
};

Status JpegReader::Run(void (*step)(JpegState&)) {
  if (setjmp(state_.stop) != 0) return StatusOfError();
  step(state_);
  return OkStatus();
}

Status JpegReader::StatusOfError() {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("scans", state_.codec.input_scan_number, 0, kMaxScans));
  char text[JMSG_LENGTH_MAX] = {};
  state_.errors.format_message(reinterpret_cast<j_common_ptr>(&state_.codec),
                               text);
  switch (state_.errors.msg_code) {
    case JERR_BAD_PRECISION:
    case JERR_SOF_UNSUPPORTED:
      return Unimplemented(text);
    case JERR_NO_BACKING_STORE:
    case JERR_OUT_OF_MEMORY:
      return ResourceExhausted(std::string("JPEG: ") + text);
    case JERR_EMPTY_IMAGE:
    case JERR_IMAGE_TOO_BIG:
      CYTO8_RETURN_IF_ERROR(CheckSides());
      [[fallthrough]];
    default:
      return DataLoss(std::string("damaged JPEG: ") + text);
  }
}

// What libjpeg itself can read, whatever the limits allow.
Status JpegReader::CheckSides() const {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", state_.codec.image_width, 1, JPEG_MAX_DIMENSION));
  return CheckRange("height_px", state_.codec.image_height, 1,
                    JPEG_MAX_DIMENSION);
}

Status JpegReader::CheckKind() const {
  if (state_.codec.arith_code) {
    return Unimplemented("JPEG with arithmetic coding is not supported");
  }
  switch (state_.codec.jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB:
      return OkStatus();
    case JCS_CMYK:
    case JCS_YCCK:
      return Unimplemented("JPEG in CMYK colours is not supported");
    default:
      return Unimplemented("JPEG with " +
                           std::to_string(state_.codec.num_components) +
                           " components is not supported");
  }
}

int64_t JpegReader::Blocks() const {
  int64_t blocks = 0;
  for (int i = 0; i < state_.codec.num_components; ++i) {
    const jpeg_component_info& component = state_.codec.comp_info[i];
    blocks += int64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  return blocks;
}

// The DC coefficient of a block takes at least one bit.
Status JpegReader::CheckPlausible() const {
  const int64_t size = static_cast<int64_t>(state_.size);
  if ((Blocks() + 7) / 8 <= size) return OkStatus();
  return DataLoss("damaged JPEG: " + std::to_string(size) +
                  " bytes cannot hold " +
                  std::to_string(state_.codec.image_width) + " x " +
                  std::to_string(state_.codec.image_height) + " pixels");
}

StatusOr<ImageInfo> JpegReader::ReadHeader(const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("JPEG bytes",
                                   static_cast<int64_t>(state_.size), 1,
                                   limits.max_image_bytes));
  CYTO8_RETURN_IF_ERROR(Run(HeaderStep));
  const ImageInfo info = {.format = ImageFormat::kJpeg,
                          .width_px = state_.codec.image_width,
                          .height_px = state_.codec.image_height};
  CYTO8_RETURN_IF_ERROR(CheckImageSize(info.width_px, info.height_px, limits));
  CYTO8_RETURN_IF_ERROR(CheckKind());
  CYTO8_RETURN_IF_ERROR(CheckPlausible());
  return info;
}

// libjpeg is silent when a component or a refinement never comes, for instance
// because a scan was lost. `coef_bits` exists in progressive files only.
Status JpegReader::CheckComplete() const {
  const jpeg_decompress_struct& codec = state_.codec;
  for (int i = 0; i < codec.num_components; ++i) {
    bool complete = codec.comp_info[i].quant_table != nullptr;
    for (int k = 0; codec.coef_bits != nullptr && k < DCTSIZE2; ++k) {
      complete = complete && codec.coef_bits[i][k] == 0;
    }
    if (!complete) {
      return DataLoss("damaged JPEG: a scan of component " +
                      std::to_string(i + 1) + " is missing");
    }
  }
  return OkStatus();
}

StatusOr<Image> JpegReader::ReadPixels(const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const ImageInfo info, ReadHeader(limits));
  constexpr int64_t kBlockBytes = sizeof(JBLOCK);
  state_.codec.mem->max_memory_to_use =
      2 * Blocks() * kBlockBytes + kWorkingBytes;
  CYTO8_RETURN_IF_ERROR(Run(StartStep));
  CYTO8_RETURN_IF_ERROR(CheckComplete());
  CYTO8_ASSIGN_OR_RETURN(Image image,
                         Image::Create(info.width_px, info.height_px, limits));
  state_.pixels = image.MutableRow(0);
  CYTO8_RETURN_IF_ERROR(Run(RowsStep));
  return image;
}

}  // namespace

StatusOr<ImageInfo> ParseJpegHeader(std::span<const std::byte> bytes,
                                    const Limits& limits) {
  return JpegReader(bytes).ReadHeader(limits);
}

StatusOr<Image> DecodeJpeg(std::span<const std::byte> bytes,
                           const Limits& limits) {
  return JpegReader(bytes).ReadPixels(limits);
}

}  // namespace cyto8
