// SPDX-License-Identifier: Apache-2.0
// Protobuf parsing, binary and text; see graph_def_parse.h.
#include "detector/import/graph_def_parse.h"

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/checked_math.h"
#include "detector/import/parse_cost.h"

namespace cyto8 {
namespace {

constexpr size_t kFormatProbeBytes = 4096;
constexpr int kMaxTextDepth = 100;

bool IsTextByte(std::byte byte) {
  const auto code = std::to_integer<unsigned>(byte);
  return code >= 0x20 ? code != 0x7F : code >= 0x09 && code <= 0x0D;
}

// Keeps the first error, so that nothing goes to protobuf's log.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    text_ = "line " + std::to_string(line + 1) + ", column " +
            std::to_string(column + 1) + ": " + message;
  }
  void AddWarning(int, google::protobuf::io::ColumnNumber,
                  const std::string&) override {}

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Status CheckFileSize(size_t file_bytes, const Limits& limits) {
  const int64_t most = std::min<int64_t>(limits.max_model_bytes,
                                         std::numeric_limits<int>::max());
  if (file_bytes == 0) return DataLoss("the file is empty");
  const Status status = CheckRange("file size in bytes",
                                   static_cast<int64_t>(file_bytes), 1, most);
  return status.ok() ? status : ResourceExhausted(status.message());
}

StatusOr<tf::GraphDef> ParseBinary(std::span<const std::byte> bytes,
                                   const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t cost,
                         BinaryParseCost(bytes, *tf::GraphDef::descriptor()));
  CYTO8_RETURN_IF_ERROR(CheckParseCost(cost, bytes.size(), limits));
  tf::GraphDef graph_def;
  const google::protobuf::LogSilencer silencer;
  if (!graph_def.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return DataLoss(
        "not a GraphDef: a name is not UTF-8 or a field is damaged");
  }
  return graph_def;
}

StatusOr<tf::GraphDef> ParseText(std::span<const std::byte> bytes,
                                 const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(
      CheckParseCost(TextParseCost(bytes), bytes.size(), limits));
  google::protobuf::io::ArrayInputStream input(bytes.data(),
                                               static_cast<int>(bytes.size()));
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.SetRecursionLimit(kMaxTextDepth);
  tf::GraphDef graph_def;
  const google::protobuf::LogSilencer silencer;
  if (!parser.Parse(&input, &graph_def)) return DataLoss(error.text());
  return graph_def;
}

}  // namespace

GraphDefFormat DetectGraphDefFormat(std::span<const std::byte> bytes) {
  const auto probe = bytes.first(std::min(bytes.size(), kFormatProbeBytes));
  return std::ranges::all_of(probe, IsTextByte) ? GraphDefFormat::kText
                                                : GraphDefFormat::kBinary;
}

StatusOr<tf::GraphDef> ParseGraphDef(std::span<const std::byte> bytes,
                                     const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckFileSize(bytes.size(), limits));
  return DetectGraphDefFormat(bytes) == GraphDefFormat::kText
             ? ParseText(bytes, limits)
             : ParseBinary(bytes, limits);
}

}  // namespace cyto8
