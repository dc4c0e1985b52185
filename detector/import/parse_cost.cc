// SPDX-License-Identifier: Apache-2.0
// A bound on the memory of a parsed message; see parse_cost.h.
#include "detector/import/parse_cost.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr int64_t kMessageBytesPerNode = 4096;
// Measured on libprotobuf 3.21 and rounded up: a NodeDef takes 152 bytes, a
// map entry 96, a string 32 and its heap block.
constexpr int64_t kMessageCost = 160;
constexpr int64_t kStringCost = 64;
constexpr int64_t kNumberCost = 16;
// A packed number takes at least one byte in the file, at most 8 in memory.
constexpr int64_t kPackedGrowth = 8;
// protobuf's own limit on messages within messages.
constexpr int kMaxDepth = 100;

// Walks one message after another, guided by the message types.
class CostWalker {
 public:
  explicit CostWalker(std::span<const std::byte> bytes)
      : input_(reinterpret_cast<const uint8_t*>(bytes.data()),
               static_cast<int>(bytes.size())) {
    input_.SetTotalBytesLimit(static_cast<int>(bytes.size()));
  }

  // False if the message that ends at the current limit is damaged.
  bool WalkMessage(const Descriptor* type, int depth);

  int64_t cost() const { return cost_; }
  int64_t record_start() const { return record_start_; }

 private:
  bool WalkField(uint32_t tag, const Descriptor* type, int depth);
  bool WalkBlock(const FieldDescriptor* field, int depth);
  bool WalkNested(const FieldDescriptor* field, int length, int depth);

  CodedInputStream input_;
  int64_t cost_ = 0;
  int64_t record_start_ = 0;  // of the outermost field being read.
};

bool CostWalker::WalkMessage(const Descriptor* type, int depth) {
  if (depth > kMaxDepth) return false;
  cost_ += kMessageCost;
  while (true) {
    if (depth == 0) record_start_ = input_.CurrentPosition();
    const uint32_t tag = input_.ReadTag();
    if (tag == 0) return input_.ConsumedEntireMessage();
    if (!WalkField(tag, type, depth)) return false;
  }
}

bool CostWalker::WalkField(uint32_t tag, const Descriptor* type, int depth) {
  uint64_t number = 0;
  uint32_t fixed = 0;
  cost_ += kNumberCost;
  switch (WireFormatLite::GetTagWireType(tag)) {
    case WireFormatLite::WIRETYPE_VARINT:
      return input_.ReadVarint64(&number);
    case WireFormatLite::WIRETYPE_FIXED64:
      return input_.ReadLittleEndian64(&number);
    case WireFormatLite::WIRETYPE_FIXED32:
      return input_.ReadLittleEndian32(&fixed);
    case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
      return WalkBlock(
          type->FindFieldByNumber(WireFormatLite::GetTagFieldNumber(tag)),
          depth);
    default:
      return false;  // groups: no message of a GraphDef has one.
  }
}

bool CostWalker::WalkBlock(const FieldDescriptor* field, int depth) {
  int length = 0;
  if (!input_.ReadVarintSizeAsInt(&length)) return false;
  if (field != nullptr && field->message_type() != nullptr) {
    return WalkNested(field, length, depth);
  }
  cost_ += kStringCost;
  if (field != nullptr && field->is_packable()) {
    cost_ += kPackedGrowth * int64_t{length};
  }
  return input_.Skip(length);
}

bool CostWalker::WalkNested(const FieldDescriptor* field, int length,
                            int depth) {
  const int rest = input_.BytesUntilLimit();
  if (rest >= 0 && length > rest) return false;
  const CodedInputStream::Limit limit = input_.PushLimit(length);
  if (!WalkMessage(field->message_type(), depth + 1)) return false;
  if (input_.BytesUntilLimit() != 0) return false;
  input_.PopLimit(limit);
  return true;
}

// The quoted string that starts at `start`: the position behind it.
size_t SkipString(std::span<const std::byte> bytes, size_t start) {
  const std::byte quote = bytes[start];
  size_t i = start + 1;
  while (i < bytes.size() && bytes[i] != quote) {
    i += bytes[i] == std::byte{'\\'} ? 2 : 1;
  }
  return i + 1;
}

size_t SkipComment(std::span<const std::byte> bytes, size_t start) {
  size_t i = start;
  while (i < bytes.size() && bytes[i] != std::byte{'\n'}) ++i;
  return i;
}

}  // namespace

StatusOr<int64_t> BinaryParseCost(std::span<const std::byte> bytes,
                                  const Descriptor& type) {
  CostWalker walker(bytes);
  if (walker.WalkMessage(&type, 0)) return walker.cost();
  return DataLoss("the record at byte " +
                  std::to_string(walker.record_start()) + " of " +
                  std::to_string(bytes.size()) +
                  " is damaged or cut: not a whole " + type.name());
}

Status CheckParseCost(int64_t cost, size_t file_bytes, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t for_nodes,
                         CheckedMul(kMessageBytesPerNode, limits.max_nodes));
  CYTO8_ASSIGN_OR_RETURN(
      const int64_t allowed,
      CheckedAdd(2 * static_cast<int64_t>(file_bytes), for_nodes));
  const Status status =
      CheckRange("memory for the messages of the file", cost, 0, allowed);
  return status.ok() ? status : ResourceExhausted(status.message());
}

int64_t TextParseCost(std::span<const std::byte> bytes) {
  int64_t cost = kMessageCost;
  size_t i = 0;
  while (i < bytes.size()) {
    switch (static_cast<char>(bytes[i])) {
      case '{':
      case '<':
        cost += kMessageCost;
        break;
      case ':':
      case ',':
        cost += kNumberCost;
        break;
      case '"':
      case '\'':
        cost += kStringCost;
        i = SkipString(bytes, i);
        continue;
      case '#':
        i = SkipComment(bytes, i);
        continue;
      default:
        break;
    }
    ++i;
  }
  return cost;
}

}  // namespace cyto8
