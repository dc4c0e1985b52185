// SPDX-License-Identifier: Apache-2.0
// The .npy header is a Python literal: a strict reader of exactly the form that
// NumPy writes, with its three keys in any order. Tested by
// tests/base/npy_test.cc.
#include "base/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <optional>
#include <string>

#include "base/checked_math.h"

namespace cyto8 {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr int64_t kMaxHeaderBytes = 65'535;
constexpr int64_t kAlignment = 64;  // of the data; NumPy pads to it.
constexpr std::array kTypes = {NpyType::kFloat32, NpyType::kUint8,
                               NpyType::kInt32, NpyType::kInt64};

std::string_view AsText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Header {
  std::optional<std::string> descriptor;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

// Reads the literal from its start; every method consumes what it accepts.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  StatusOr<Header> Read() {
    Header header;
    if (!Accept("{")) return Damaged();
    while (!Accept("}")) {
      CYTO8_RETURN_IF_ERROR(ReadEntry(header));
      if (!Accept(",") && text_.substr(0, 1) != "}") return Damaged();
    }
    if (text_.find_first_not_of(" \n") != text_.npos) return Damaged();
    if (!header.descriptor || !header.fortran_order || !header.shape) {
      return Damaged();
    }
    return header;
  }

 private:
  static Status Damaged() {
    return DataLoss(
        "header: must be a dictionary of 'descr', 'fortran_order' and 'shape'");
  }

  Status ReadEntry(Header& header) {
    const std::optional<std::string> key = ReadString();
    if (!key || !Accept(":")) return Damaged();
    if (*key == "descr" && !header.descriptor) {
      header.descriptor = ReadString();
      return header.descriptor ? OkStatus() : Damaged();
    }
    if (*key == "fortran_order" && !header.fortran_order) {
      if (Accept("True")) header.fortran_order = true;
      if (Accept("False")) header.fortran_order = false;
      return header.fortran_order ? OkStatus() : Damaged();
    }
    if (*key == "shape" && !header.shape) {
      header.shape = ReadTuple();
      return header.shape ? OkStatus() : Damaged();
    }
    return Damaged();
  }

  bool Accept(std::string_view token) {
    SkipSpaces();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    SkipSpaces();
    return true;
  }

  void SkipSpaces() {
    text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size()));
  }

  std::optional<std::string> ReadString() {
    if (!Accept("'")) return std::nullopt;
    const size_t end = text_.find('\'');
    if (end == text_.npos) return std::nullopt;
    std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }

  std::optional<std::vector<int64_t>> ReadTuple() {
    std::vector<int64_t> values;
    if (!Accept("(")) return std::nullopt;
    while (!Accept(")")) {
      int64_t value = 0;
      const char* end = text_.data() + text_.size();
      const auto [next, error] = std::from_chars(text_.data(), end, value);
      if (error != std::errc()) return std::nullopt;
      text_.remove_prefix(static_cast<size_t>(next - text_.data()));
      values.push_back(value);
      if (!Accept(",") && text_.substr(0, 1) != ")") return std::nullopt;
    }
    return values;
  }

  std::string_view text_;
};

StatusOr<NpyType> TypeOf(const std::string& descriptor) {
  for (const NpyType type : kTypes) {
    if (NpyDescriptor(type) == descriptor) return type;
  }
  return Unimplemented("descr = '" + descriptor +
                       "': must be '<f4', '|u1', '<i4' or '<i8'");
}

StatusOr<int64_t> DataBytes(NpyType type, std::span<const int64_t> shape,
                            const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckRange("rank", static_cast<int64_t>(shape.size()),
                                   0, limits.max_rank));
  CYTO8_ASSIGN_OR_RETURN(const int64_t elements, CheckedProduct(shape));
  CYTO8_ASSIGN_OR_RETURN(const int64_t bytes,
                         CheckedMul(elements, NpyElementBytes(type)));
  CYTO8_RETURN_IF_ERROR(
      CheckRange("array bytes", bytes, 0, limits.max_tensor_bytes));
  return bytes;
}

// Where the header's text lies in the file.
struct HeaderPlace {
  int64_t begin = 0;
  int64_t size = 0;
};

StatusOr<HeaderPlace> FindHeader(std::span<const std::byte> file) {
  if (!AsText(file).starts_with(kMagic)) {
    return DataLoss("magic number: must be \\x93NUMPY");
  }
  if (file.size() < 12) return DataLoss("the header is cut");
  const auto byte = [&](size_t i) { return std::to_integer<int64_t>(file[i]); };
  const int64_t version = byte(6);
  CYTO8_RETURN_IF_ERROR(CheckRange("format version", version, 1, 2));
  HeaderPlace place = {.begin = 10, .size = byte(8) | byte(9) << 8};
  if (version == 2) {
    place = {.begin = 12, .size = place.size | byte(10) << 16 | byte(11) << 24};
  }
  CYTO8_RETURN_IF_ERROR(
      CheckRange("header bytes", place.size, 1, kMaxHeaderBytes));
  if (place.begin + place.size > static_cast<int64_t>(file.size())) {
    return DataLoss("the header is cut");
  }
  return place;
}

std::string HeaderText(NpyType type, std::span<const int64_t> shape) {
  std::string text = "{'descr': '" + std::string(NpyDescriptor(type)) +
                     "', 'fortran_order': False, 'shape': (";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : " ") + std::to_string(shape[i]);
    if (i + 1 < shape.size() || shape.size() == 1) text += ",";
  }
  text += "), }";
  const int64_t used = static_cast<int64_t>(10 + text.size() + 1);
  const int64_t padding = (kAlignment - used % kAlignment) % kAlignment;
  return text.append(static_cast<size_t>(padding), ' ').append("\n");
}

}  // namespace

int64_t NpyElementBytes(NpyType type) {
  switch (type) {
    case NpyType::kUint8:
      return 1;
    case NpyType::kFloat32:
    case NpyType::kInt32:
      return 4;
    case NpyType::kInt64:
      return 8;
  }
  return 0;
}

std::string_view NpyDescriptor(NpyType type) {
  switch (type) {
    case NpyType::kFloat32:
      return "<f4";
    case NpyType::kUint8:
      return "|u1";
    case NpyType::kInt32:
      return "<i4";
    case NpyType::kInt64:
      return "<i8";
  }
  return "";
}

StatusOr<NpyArray> ParseNpy(std::span<const std::byte> file,
                            const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const HeaderPlace place, FindHeader(file));
  const auto begin = static_cast<size_t>(place.begin);
  const auto size = static_cast<size_t>(place.size);
  CYTO8_ASSIGN_OR_RETURN(
      Header header, HeaderReader(AsText(file.subspan(begin, size))).Read());
  CYTO8_ASSIGN_OR_RETURN(const NpyType type, TypeOf(*header.descriptor));
  if (*header.fortran_order) {
    return Unimplemented("fortran_order = True: must be False");
  }
  CYTO8_ASSIGN_OR_RETURN(const int64_t bytes,
                         DataBytes(type, *header.shape, limits));
  const std::span<const std::byte> data = file.subspan(begin + size);
  if (static_cast<int64_t>(data.size()) != bytes) {
    return DataLoss("data bytes = " + std::to_string(data.size()) +
                    ": must be " + std::to_string(bytes));
  }
  return NpyArray{.type = type,
                  .shape = *std::move(header.shape),
                  .bytes = {data.begin(), data.end()}};
}

StatusOr<std::vector<std::byte>> SerializeNpy(
    NpyType type, std::span<const int64_t> shape,
    std::span<const std::byte> bytes) {
  CYTO8_ASSIGN_OR_RETURN(const int64_t expected, DataBytes(type, shape, {}));
  CYTO8_RETURN_IF_ERROR(CheckRange(
      "data bytes", static_cast<int64_t>(bytes.size()), expected, expected));
  const std::string header = HeaderText(type, shape);
  std::string start(kMagic);
  start += {'\x01', '\x00', static_cast<char>(header.size() & 0xff),
            static_cast<char>(header.size() >> 8)};
  start += header;
  std::vector<std::byte> file;
  file.reserve(start.size() + bytes.size());
  for (const char c : start) file.push_back(static_cast<std::byte>(c));
  file.insert(file.end(), bytes.begin(), bytes.end());
  return file;
}

}  // namespace cyto8
