// SPDX-License-Identifier: Apache-2.0
// JPEG to RGB by libjpeg; see strict_jpeg.h.
//
// libjpeg reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in JpegRows::Run.
#include "tiling/strict_jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs it.
#include <cstring>
#include <string>
#include <utility>

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
  jpeg_source_mgr source;
  std::jmp_buf stop;
  BlockReader* blocks;
  const unsigned char* tables;
  size_t tables_size;
  bool tables_only;
  J_COLOR_SPACE colour_space;  // JCS_UNKNOWN: what the markers say.
  bool colours_differ;         // from those that the container says.
  bool several_scans;
  int64_t rows_wanted;
  JSAMPROW dst;
  int64_t dst_stride_bytes;
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

void OnBegin(j_decompress_ptr) {}
void OnEnd(j_decompress_ptr) {}

// At the end libjpeg is told of it by the warning of its own sources; a failed
// read is known to the source.
boolean OnFill(j_decompress_ptr codec) {
  auto* state = static_cast<JpegState*>(codec->client_data);
  const std::span<const std::byte> block = state->blocks->Next();
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
  state->blocks->Skip(count - static_cast<int64_t>(here));
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
  codec.out_color_space = JCS_RGB;
  codec.dct_method = JDCT_ISLOW;
  codec.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&codec);
}

void RowsStep(JpegState& state) {
  for (int64_t done = 0; done < state.rows_wanted; ++done) {
    JSAMPROW row = state.dst + done * state.dst_stride_bytes;
    jpeg_read_scanlines(&state.codec, &row, 1);
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

// Owns the state of libjpeg for one image.
class JpegRows final : public RowSource {
 public:
  JpegRows(ByteSource& bytes, const JpegStream& stream)
      : bytes_(&bytes),
        size_bytes_(stream.end - stream.begin),
        blocks_(bytes, stream.begin, stream.end) {
    state_.blocks = &blocks_;
    state_.colour_space = ColourSpaceOf(stream.colours);
  }
  JpegRows(const JpegRows&) = delete;
  JpegRows& operator=(const JpegRows&) = delete;
  ~JpegRows() override { jpeg_destroy_decompress(&state_.codec); }

  Status ReadHeader(std::span<const std::byte> tables, const Limits& limits);

  const ImageInfo& info() const override { return info_; }
  Status ReadRows(int64_t count, uint8_t* dst,
                  int64_t dst_stride_bytes) override;
  int64_t memory_bytes() const override;

 private:
  Status Run(void (*step)(JpegState&));
  Status ReadTables(std::span<const std::byte> tables);
  Status StatusOfError();
  Status CheckSides() const;
  Status CheckKind() const;
  Status CheckPlausible() const;
  Status CheckComplete() const;
  Status Start();
  int64_t Blocks() const;

  ByteSource* bytes_;
  int64_t size_bytes_;
  BlockReader blocks_;
  JpegState state_ = {};
  ImageInfo info_;
  bool started_ = false;
};

Status JpegRows::Run(void (*step)(JpegState&)) {
  if (setjmp(state_.stop) != 0) return StatusOfError();
  step(state_);
  return OkStatus();
}

Status JpegRows::StatusOfError() {
  CYTO8_RETURN_IF_ERROR(bytes_->failure());
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
Status JpegRows::CheckSides() const {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width_px", state_.codec.image_width, 1, JPEG_MAX_DIMENSION));
  return CheckRange("height_px", state_.codec.image_height, 1,
                    JPEG_MAX_DIMENSION);
}

Status JpegRows::CheckKind() const {
  if (state_.codec.arith_code) {
    return Unimplemented("JPEG with arithmetic coding is not supported");
  }
  if (state_.colours_differ) {
    return DataLoss(
        "damaged JPEG: " + std::to_string(state_.codec.num_components) +
        " components, not those that its container says");
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

int64_t JpegRows::Blocks() const {
  int64_t blocks = 0;
  for (int i = 0; i < state_.codec.num_components; ++i) {
    const jpeg_component_info& component = state_.codec.comp_info[i];
    blocks += int64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  return blocks;
}

// The DC coefficient of a block takes at least one bit.
Status JpegRows::CheckPlausible() const {
  if ((Blocks() + 7) / 8 <= size_bytes_) return OkStatus();
  return DataLoss("damaged JPEG: " + std::to_string(size_bytes_) +
                  " bytes cannot hold " +
                  std::to_string(state_.codec.image_width) + " x " +
                  std::to_string(state_.codec.image_height) + " pixels");
}

Status JpegRows::ReadTables(std::span<const std::byte> tables) {
  state_.tables = reinterpret_cast<const unsigned char*>(tables.data());
  state_.tables_size = tables.size();
  CYTO8_RETURN_IF_ERROR(Annotate(Run(TablesStep), "tables"));
  if (state_.tables_only) return OkStatus();
  return DataLoss("tables: damaged JPEG: an image where only tables may be");
}

Status JpegRows::ReadHeader(std::span<const std::byte> tables,
                            const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(Run(CreateStep));
  if (!tables.empty()) CYTO8_RETURN_IF_ERROR(ReadTables(tables));
  CYTO8_RETURN_IF_ERROR(Run(HeaderStep));
  const jpeg_decompress_struct& codec = state_.codec;
  info_ = {.format = ImageFormat::kJpeg,
           .width_px = codec.image_width,
           .height_px = codec.image_height,
           .compression = codec.progressive_mode ? "progressive" : "baseline"};
  CYTO8_RETURN_IF_ERROR(CheckRowsSize(info_.width_px, info_.height_px, limits));
  CYTO8_RETURN_IF_ERROR(CheckKind());
  CYTO8_RETURN_IF_ERROR(CheckPlausible());
  return CheckDecoderBytes(memory_bytes(), limits);
}

int64_t JpegRows::memory_bytes() const {
  constexpr int64_t kBlockBytes = sizeof(JBLOCK);
  return (state_.several_scans ? Blocks() * kBlockBytes : 0) +
         JpegRowsBytes(info_.width_px);
}

// libjpeg is silent when a component or a refinement never comes, for instance
// because a scan was lost. `coef_bits` exists in progressive files only.
Status JpegRows::CheckComplete() const {
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

Status JpegRows::Start() {
  constexpr int64_t kBlockBytes = sizeof(JBLOCK);
  state_.codec.mem->max_memory_to_use =
      2 * Blocks() * kBlockBytes + kWorkingBytes;
  CYTO8_RETURN_IF_ERROR(Run(StartStep));
  started_ = true;
  return CheckComplete();
}

Status JpegRows::ReadRows(int64_t count, uint8_t* dst,
                          int64_t dst_stride_bytes) {
  if (count == 0) return OkStatus();
  if (!started_) CYTO8_RETURN_IF_ERROR(Start());
  state_.rows_wanted = count;
  state_.dst = dst;
  state_.dst_stride_bytes = dst_stride_bytes;
  CYTO8_RETURN_IF_ERROR(Run(RowsStep));
  const jpeg_decompress_struct& codec = state_.codec;
  if (codec.output_scanline < codec.output_height) return OkStatus();
  return Run(FinishStep);
}

Status CheckSize(std::span<const std::byte> bytes, const Limits& limits) {
  return CheckRange("JPEG bytes", static_cast<int64_t>(bytes.size()), 1,
                    limits.max_image_bytes);
}

}  // namespace

StatusOr<std::unique_ptr<RowSource>> OpenJpegRows(ByteSource& bytes,
                                                  const JpegStream& stream,
                                                  const Limits& limits) {
  auto rows = std::make_unique<JpegRows>(bytes, stream);
  CYTO8_RETURN_IF_ERROR(rows->ReadHeader(stream.tables, limits));
  return std::unique_ptr<RowSource>(std::move(rows));
}

// Rows of the inverse DCT, of up-sampling with its neighbours, and tables.
int64_t JpegRowsBytes(int64_t width_px) {
  constexpr int64_t kRowsHeld = 64;
  constexpr int64_t kTableBytes = int64_t{256} << 10;
  return kRowsHeld * kRgbChannels * width_px + kTableBytes;
}

StatusOr<ImageInfo> ParseJpegHeader(std::span<const std::byte> bytes,
                                    const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> rows,
      OpenJpegRows(source, {.end = source.size_bytes()}, limits));
  return rows->info();
}

StatusOr<Image> DecodeJpeg(std::span<const std::byte> bytes,
                           const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckSize(bytes, limits));
  MemoryBytes source(bytes);
  CYTO8_ASSIGN_OR_RETURN(
      const std::unique_ptr<RowSource> rows,
      OpenJpegRows(source, {.end = source.size_bytes()}, AsOnePiece(limits)));
  return ReadAllRows(*rows, limits);
}

}  // namespace cyto8
