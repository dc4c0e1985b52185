// SPDX-License-Identifier: Apache-2.0
// libjpeg made strict; see jpeg_decompressor.h.
//
// libjpeg reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in JpegDecompressor::Run.
#include "tiling/jpeg_decompressor.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it.
#include <cstring>
#include <string>

// clang-format off: jpeglib.h comes first.
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include "base/checked_math.h"

namespace cyto8 {

struct JpegState {
  jpeg_decompress_struct codec;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  jpeg_source_mgr source;
  std::jmp_buf stop;
  JpegInput* input;
  const unsigned char* tables;
  size_t tables_size;
  bool tables_only;
  J_COLOR_SPACE colour_space;  // JCS_UNKNOWN: what the markers say.
  bool colours_differ;         // from those that the container says.
  bool several_scans;
  unsigned int reduction;
  int64_t rows_wanted;
  JSAMPROW dst;
  int64_t dst_stride_bytes;
};

namespace {

// Usual progressive files have about 10 scans. Every scan visits the whole
// image however few bytes it has, so a hostile file would buy time with them.
constexpr int64_t kMaxScans = 100;

// What libjpeg may hold beside the coefficients: rows, tables, edge blocks.
constexpr int64_t kWorkingBytes = int64_t{64} << 20;

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

void OnBegin(j_decompress_ptr) {}
void OnEnd(j_decompress_ptr) {}

// At the end libjpeg is told of it by the warning of its own sources; a failed
// read is known to the source.
boolean OnFill(j_decompress_ptr codec) {
  auto* state = static_cast<JpegState*>(codec->client_data);
  const std::span<const std::byte> block = state->input->Next();
  if (block.empty()) WARNMS(codec, JWRN_JPEG_EOF);
  state->source.next_input_byte = reinterpret_cast<const JOCTET*>(block.data());
  state->source.bytes_in_buffer = block.size();
  return TRUE;
}

boolean OnFillTables(j_decompress_ptr codec) {
  WARNMS(codec, JWRN_JPEG_EOF);
  return FALSE;
}

void OnSkip(j_decompress_ptr codec, long count) {
  if (count <= 0) return;
  auto* state = static_cast<JpegState*>(codec->client_data);
  jpeg_source_mgr& source = state->source;
  const size_t here =
      std::min(source.bytes_in_buffer, static_cast<size_t>(count));
  source.next_input_byte += here;
  source.bytes_in_buffer -= here;
  state->input->Skip(count - static_cast<int64_t>(here));
}

// libjpeg-turbo puts the tables of motion JPEG where a Huffman table is
// missing. An empty table keeps that place, so that a dropped DHT is noticed.
void OccupyMissingTable(j_common_ptr codec, JHUFF_TBL** table) {
  if (*table != nullptr) return;
  *table = jpeg_alloc_huff_table(codec);
  std::memset(*table, 0, sizeof(JHUFF_TBL));
}

void CreateStep(JpegState& state) {
  jpeg_decompress_struct& codec = state.codec;
  codec.err = jpeg_std_error(&state.errors);
  codec.client_data = &state;
  state.errors.error_exit = OnError;
  state.errors.emit_message = OnMessage;
  jpeg_create_decompress(&codec);
  state.progress.progress_monitor = OnProgress;
  codec.progress = &state.progress;
  state.source.init_source = OnBegin;
  state.source.skip_input_data = OnSkip;
  state.source.resync_to_restart = jpeg_resync_to_restart;
  state.source.term_source = OnEnd;
  codec.src = &state.source;
}

// Huffman and quantization tables, which stay for the image that follows.
void TablesStep(JpegState& state) {
  state.source.fill_input_buffer = OnFillTables;
  state.source.next_input_byte = state.tables;
  state.source.bytes_in_buffer = state.tables_size;
  state.tables_only =
      jpeg_read_header(&state.codec, FALSE) == JPEG_HEADER_TABLES_ONLY;
}

void HeaderStep(JpegState& state) {
  jpeg_decompress_struct& codec = state.codec;
  state.source.fill_input_buffer = OnFill;
  state.source.next_input_byte = nullptr;
  state.source.bytes_in_buffer = 0;
  jpeg_read_header(&codec, TRUE);
  state.several_scans = jpeg_has_multiple_scans(&codec) != FALSE;
  const int components = state.colour_space == JCS_GRAYSCALE ? 1 : 3;
  state.colours_differ =
      state.colour_space != JCS_UNKNOWN && codec.num_components != components;
  if (state.colour_space != JCS_UNKNOWN) {
    codec.jpeg_color_space = state.colour_space;
  }
}

// Decodes the whole file if it has several scans.
void StartStep(JpegState& state) {
  jpeg_decompress_struct& codec = state.codec;
  for (int i = 0; i < NUM_HUFF_TBLS; ++i) {
    auto* common = reinterpret_cast<j_common_ptr>(&codec);
    OccupyMissingTable(common, &codec.dc_huff_tbl_ptrs[i]);
    OccupyMissingTable(common, &codec.ac_huff_tbl_ptrs[i]);
  }
  codec.scale_num = 1;
  codec.scale_denom = state.reduction;
  codec.out_color_space = JCS_RGB;
  codec.dct_method = JDCT_ISLOW;
  codec.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&codec);
}

void RowsStep(JpegState& state) {
  constexpr int64_t kRowsAtOnce = 16;
  JSAMPROW rows[kRowsAtOnce];
  while (state.rows_wanted > 0) {
    const int64_t count = std::min(state.rows_wanted, kRowsAtOnce);
    for (int64_t i = 0; i < count; ++i) {
      rows[i] = state.dst + i * state.dst_stride_bytes;
    }
    const int64_t done =
        jpeg_read_scanlines(&state.codec, rows, static_cast<JDIMENSION>(count));
    state.dst += done * state.dst_stride_bytes;
    state.rows_wanted -= done;
  }
}

// Reads on to the end-of-image marker.
void FinishStep(JpegState& state) { jpeg_finish_decompress(&state.codec); }

J_COLOR_SPACE ColourSpaceOf(JpegColours colours) {
  switch (colours) {
    case JpegColours::kMarked:
      return JCS_UNKNOWN;
    case JpegColours::kGrey:
      return JCS_GRAYSCALE;
    case JpegColours::kYcbcr:
      return JCS_YCbCr;
    case JpegColours::kRgb:
      return JCS_RGB;
  }
  return JCS_UNKNOWN;
}

}  // namespace

JpegDecompressor::JpegDecompressor(JpegInput& input)
    : state_(std::make_unique<JpegState>()) {
  state_->input = &input;
}

JpegDecompressor::~JpegDecompressor() {
  jpeg_destroy_decompress(&state_->codec);
}

int64_t JpegDecompressor::width_px() const { return state_->codec.image_width; }

int64_t JpegDecompressor::height_px() const {
  return state_->codec.image_height;
}

bool JpegDecompressor::progressive() const {
  return state_->codec.progressive_mode != FALSE;
}

Status JpegDecompressor::Run(void (*step)(JpegState&)) {
  if (setjmp(state_->stop) != 0) return StatusOfError();
  if (state_->codec.mem == nullptr) CreateStep(*state_);
  step(*state_);
  return OkStatus();
}

Status JpegDecompressor::StatusOfError() const {
  CYTO8_RETURN_IF_ERROR(state_->input->failure());
  CYTO8_RETURN_IF_ERROR(
      CheckRange("scans", state_->codec.input_scan_number, 0, kMaxScans));
  char text[JMSG_LENGTH_MAX] = {};
  state_->errors.format_message(reinterpret_cast<j_common_ptr>(&state_->codec),
                                text);
  switch (state_->errors.msg_code) {
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
Status JpegDecompressor::CheckSides() const {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", state_->codec.image_width, 1, JPEG_MAX_DIMENSION));
  return CheckRange("height_px", state_->codec.image_height, 1,
                    JPEG_MAX_DIMENSION);
}

Status JpegDecompressor::CheckKind() const {
  if (state_->codec.arith_code) {
    return Unimplemented("JPEG with arithmetic coding is not supported");
  }
  if (state_->colours_differ) {
    return DataLoss(
        "damaged JPEG: " + std::to_string(state_->codec.num_components) +
        " components, not those that its container says");
  }
  switch (state_->codec.jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_YCbCr:
    case JCS_RGB:
      return OkStatus();
    case JCS_CMYK:
    case JCS_YCCK:
      return Unimplemented("JPEG in CMYK colours is not supported");
    default:
      return Unimplemented("JPEG with " +
                           std::to_string(state_->codec.num_components) +
                           " components is not supported");
  }
}

int64_t JpegDecompressor::Blocks() const {
  int64_t blocks = 0;
  for (int i = 0; i < state_->codec.num_components; ++i) {
    const jpeg_component_info& component = state_->codec.comp_info[i];
    blocks += int64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  return blocks;
}

// The DC coefficient of a block takes at least one bit.
Status JpegDecompressor::CheckPlausible(int64_t size_bytes) const {
  if ((Blocks() + 7) / 8 <= size_bytes) return OkStatus();
  return DataLoss("damaged JPEG: " + std::to_string(size_bytes) +
                  " bytes cannot hold " +
                  std::to_string(state_->codec.image_width) + " x " +
                  std::to_string(state_->codec.image_height) + " pixels");
}

Status JpegDecompressor::ReadTables(std::span<const std::byte> tables) {
  state_->tables = reinterpret_cast<const unsigned char*>(tables.data());
  state_->tables_size = tables.size();
  CYTO8_RETURN_IF_ERROR(Annotate(Run(TablesStep), "tables"));
  if (state_->tables_only) return OkStatus();
  return DataLoss("tables: damaged JPEG: an image where only tables may be");
}

// libjpeg is silent when a component or a refinement never comes, for instance
// because a scan was lost. `coef_bits` exists in progressive files only.
Status JpegDecompressor::CheckComplete() const {
  const jpeg_decompress_struct& codec = state_->codec;
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

Status JpegDecompressor::ReadHeader(JpegColours colours) {
  state_->colour_space = ColourSpaceOf(colours);
  return Run(HeaderStep);
}

int64_t JpegDecompressor::CoefficientBytes() const {
  constexpr int64_t kBlockBytes = sizeof(JBLOCK);
  return state_->several_scans ? Blocks() * kBlockBytes : 0;
}

Status JpegDecompressor::CheckHeader(int64_t size_bytes) const {
  CYTO8_RETURN_IF_ERROR(CheckKind());
  return CheckPlausible(size_bytes);
}

Status JpegDecompressor::Start(int64_t reduction) {
  constexpr int64_t kBlockBytes = sizeof(JBLOCK);
  state_->reduction = static_cast<unsigned int>(reduction);
  state_->codec.mem->max_memory_to_use =
      2 * Blocks() * kBlockBytes + kWorkingBytes;
  CYTO8_RETURN_IF_ERROR(Run(StartStep));
  return CheckComplete();
}

Status JpegDecompressor::ReadRows(int64_t count, uint8_t* dst,
                                  int64_t dst_stride_bytes) {
  state_->rows_wanted = count;
  state_->dst = dst;
  state_->dst_stride_bytes = dst_stride_bytes;
  CYTO8_RETURN_IF_ERROR(Run(RowsStep));
  const jpeg_decompress_struct& codec = state_->codec;
  if (codec.output_scanline < codec.output_height) return OkStatus();
  return Run(FinishStep);
}

}  // namespace cyto8
