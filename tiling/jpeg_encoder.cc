// SPDX-License-Identifier: Apache-2.0
// JPEG by libjpeg; see jpeg_encoder.h.
//
// libjpeg reports errors by longjmp, which skips destructors. So it is called
// only from the functions named ...Step, whose locals have none, and all of
// them run under the one setjmp in Codec::Run. Its output is kept until the
// call is over, so that no sink runs inside of libjpeg.
#include "tiling/jpeg_encoder.h"

#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it.
#include <exception>
#include <string>
#include <utility>

// clang-format off: jpeglib.h comes first.
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include "base/checked_math.h"

namespace cyto8 {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 16;

struct JpegState {
  jpeg_compress_struct codec;
  jpeg_error_mgr errors;
  jpeg_destination_mgr destination;
  std::jmp_buf stop;
  JpegSize size;
  ImageView rows;      // of this call.
  std::string* bytes;  // of this call, in full blocks.
  char block[kBlockBytes];
};

[[noreturn]] void OnError(j_common_ptr codec) {
  std::longjmp(static_cast<JpegState*>(codec->client_data)->stop, 1);
}

void OnMessage(j_common_ptr, int) {}  // libjpeg would print it.

void OnBegin(j_compress_ptr codec) {
  auto* state = static_cast<JpegState*>(codec->client_data);
  state->destination.next_output_byte = reinterpret_cast<JOCTET*>(state->block);
  state->destination.free_in_buffer = kBlockBytes;
}

// No exception may pass through libjpeg.
bool Keep(JpegState& state, size_t count) noexcept {
  try {
    state.bytes->append(state.block, count);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

boolean OnFull(j_compress_ptr codec) {
  auto* state = static_cast<JpegState*>(codec->client_data);
  if (!Keep(*state, kBlockBytes)) ERREXIT1(codec, JERR_OUT_OF_MEMORY, 0);
  OnBegin(codec);
  return TRUE;
}

void OnEnd(j_compress_ptr codec) {
  auto* state = static_cast<JpegState*>(codec->client_data);
  if (!Keep(*state, kBlockBytes - state->destination.free_in_buffer)) {
    ERREXIT1(codec, JERR_OUT_OF_MEMORY, 0);
  }
}

void StartStep(JpegState& state) {
  jpeg_compress_struct& codec = state.codec;
  codec.err = jpeg_std_error(&state.errors);
  codec.client_data = &state;
  state.errors.error_exit = OnError;
  state.errors.emit_message = OnMessage;
  jpeg_create_compress(&codec);
  state.destination.init_destination = OnBegin;
  state.destination.empty_output_buffer = OnFull;
  state.destination.term_destination = OnEnd;
  codec.dest = &state.destination;
  codec.image_width = static_cast<JDIMENSION>(state.size.width_px);
  codec.image_height = static_cast<JDIMENSION>(state.size.height_px);
  codec.input_components = kRgbChannels;
  codec.in_color_space = JCS_RGB;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, state.size.quality, /*force_baseline=*/TRUE);
  codec.dct_method = JDCT_ISLOW;
  for (int i = 0; i < codec.num_components; ++i) {
    codec.comp_info[i].h_samp_factor = 1;
    codec.comp_info[i].v_samp_factor = 1;
  }
  if (state.size.sampling == JpegSampling::k422) {
    codec.comp_info[0].h_samp_factor = 2;
  }
  jpeg_start_compress(&codec, TRUE);
}

void RowsStep(JpegState& state) {
  for (int64_t y = 0; y < state.rows.height_px; ++y) {
    auto* row = const_cast<JSAMPROW>(state.rows.Row(y));  // is only read.
    jpeg_write_scanlines(&state.codec, &row, 1);
  }
}

void FinishStep(JpegState& state) { jpeg_finish_compress(&state.codec); }

}  // namespace

// Owns the state of libjpeg, which keeps pointers into it.
class JpegRowWriter::Codec {
 public:
  explicit Codec(const JpegSize& size) {
    state_.size = size;
    state_.bytes = &bytes_;
  }
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  ~Codec() { jpeg_destroy_compress(&state_.codec); }

  Status Start() { return Run(StartStep); }
  Status Write(const ImageView& rows) {
    state_.rows = rows;
    return Run(RowsStep);
  }
  Status Finish() { return Run(FinishStep); }

  const JpegSize& size() const { return state_.size; }
  int64_t rows_left() const {
    return state_.size.height_px - state_.codec.next_scanline;
  }
  std::string TakeBytes() { return std::exchange(bytes_, {}); }

 private:
  Status Run(void (*step)(JpegState&));

  JpegState state_ = {};
  std::string bytes_;
};

Status JpegRowWriter::Codec::Run(void (*step)(JpegState&)) {
  if (setjmp(state_.stop) == 0) {
    step(state_);
    return OkStatus();
  }
  char text[JMSG_LENGTH_MAX] = {};
  state_.errors.format_message(reinterpret_cast<j_common_ptr>(&state_.codec),
                               text);
  const std::string message = std::string("JPEG: ") + text;
  return state_.errors.msg_code == JERR_OUT_OF_MEMORY
             ? ResourceExhausted(message)
             : Internal(message);
}

JpegRowWriter::JpegRowWriter(std::unique_ptr<Codec> codec, JpegSink sink)
    : codec_(std::move(codec)), sink_(std::move(sink)) {}
JpegRowWriter::JpegRowWriter(JpegRowWriter&&) noexcept = default;
JpegRowWriter::~JpegRowWriter() = default;

StatusOr<JpegRowWriter> JpegRowWriter::Create(const JpegSize& size,
                                              JpegSink sink) {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("JPEG width", size.width_px, 1, kMaxJpegSide));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("JPEG height", size.height_px, 1, kMaxJpegSide));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("JPEG quality", int64_t{size.quality}, 1, 100));
  auto codec = std::make_unique<Codec>(size);
  CYTO8_RETURN_IF_ERROR(codec->Start());
  return JpegRowWriter(std::move(codec), std::move(sink));
}

Status JpegRowWriter::WriteRows(const ImageView& rows) {
  const int64_t width_px = codec_->size().width_px;
  CYTO8_RETURN_IF_ERROR(
      CheckRange("width of JPEG rows", rows.width_px, width_px, width_px));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("JPEG rows", rows.height_px, 0, codec_->rows_left()));
  CYTO8_RETURN_IF_ERROR(codec_->Write(rows));
  return PassOn();
}

Status JpegRowWriter::Finish() {
  CYTO8_RETURN_IF_ERROR(
      CheckRange("missing JPEG rows", codec_->rows_left(), 0, 0));
  CYTO8_RETURN_IF_ERROR(codec_->Finish());
  return PassOn();
}

Status JpegRowWriter::PassOn() {
  const std::string bytes = codec_->TakeBytes();
  return bytes.empty() ? OkStatus() : sink_(bytes);
}

StatusOr<std::string> JpegBytes(const ImageView& image, JpegSize size) {
  size.width_px = image.width_px;
  size.height_px = image.height_px;
  std::string bytes;
  const auto keep = [&bytes](std::string_view more) {
    bytes += more;
    return OkStatus();
  };
  CYTO8_ASSIGN_OR_RETURN(JpegRowWriter writer,
                         JpegRowWriter::Create(size, keep));
  CYTO8_RETURN_IF_ERROR(writer.WriteRows(image));
  CYTO8_RETURN_IF_ERROR(writer.Finish());
  return bytes;
}

}  // namespace cyto8
