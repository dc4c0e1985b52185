// SPDX-License-Identifier: Apache-2.0
// The container of a compiled model; see model_file.h.
#include "detector/import/model_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "base/atomic_file.h"
#include "base/checked_math.h"
#include "base/sha256.h"
#include "base/valid_utf8.h"
#include "detector/import/model_graph.h"

namespace cyto8 {
namespace {

// docs/formats.md, section 8.
constexpr std::string_view kMagic = "CYTO8\r\n\x1a";
constexpr std::array<std::string_view, 6> kSections = {
    "card", "provenance", "ranges", "plan", "graph", "weights"};
constexpr size_t kGraph = 4;
constexpr size_t kWeights = 5;
constexpr size_t kVersionAt = 8;
constexpr size_t kSectionsAt = 12;
constexpr size_t kSizeAt = 16;
constexpr size_t kZeroAt = 24;
constexpr size_t kHashAt = 32;
constexpr size_t kHeaderBytes = 64;
constexpr size_t kNameBytes = 16;
constexpr size_t kEntryBytes = 32;
constexpr size_t kTableEnd = kHeaderBytes + kSections.size() * kEntryBytes;

using Sections = std::array<SharedBytes, kSections.size()>;

// x86-64 is little-endian, as the file is.
template <typename T>
T Load(std::span<const std::byte> bytes, size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

template <typename T>
void Store(std::span<std::byte> bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

std::string_view TextAt(std::span<const std::byte> bytes, size_t offset,
                        size_t size) {
  return {reinterpret_cast<const char*>(bytes.data()) + offset, size};
}

// Without the zeros behind it.
std::string_view NameAt(std::span<const std::byte> bytes, size_t offset) {
  const std::string_view padded = TextAt(bytes, offset, kNameBytes);
  return padded.substr(0, padded.find_last_not_of('\0') + 1);
}

Status CheckEqual(const std::string& what, uint64_t value, int64_t expected) {
  if (value == static_cast<uint64_t>(expected)) return OkStatus();
  return InvalidArgument(what + " = " + std::to_string(value) + ": must be " +
                         std::to_string(expected));
}

std::string AllNames() {
  std::string names;
  for (const std::string_view name : kSections) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names;
}

Status CheckMagic(std::span<const std::byte> bytes) {
  if (!IsModelFile(bytes)) {
    return InvalidArgument("not a compiled model (.cy8): other first 8 bytes");
  }
  if (bytes.size() >= kHeaderBytes) return OkStatus();
  return DataLoss("size = " + std::to_string(bytes.size()) +
                  " bytes: a compiled model has at least " +
                  std::to_string(kHeaderBytes) + "; the file is cut");
}

Status CheckVersion(std::span<const std::byte> bytes) {
  const auto version = Load<uint32_t>(bytes, kVersionAt);
  if (version == kModelFileVersion) return OkStatus();
  return Unimplemented("version = " + std::to_string(version) +
                       ": this program reads version " +
                       std::to_string(kModelFileVersion) +
                       "; a compiled model must be made anew from the model "
                       "file");
}

Status CheckSize(std::span<const std::byte> bytes, const Limits& limits) {
  const auto said = Load<uint64_t>(bytes, kSizeAt);
  if (said != bytes.size()) {
    return DataLoss("size = " + std::to_string(bytes.size()) +
                    " bytes: the header says " + std::to_string(said) +
                    "; the file is cut or something was appended");
  }
  const Status status =
      CheckRange("size in bytes", std::ssize(bytes), 0, limits.max_model_bytes);
  return status.ok() ? status : ResourceExhausted(status.message());
}

Status CheckHash(std::span<const std::byte> bytes) {
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                         Sha256(bytes.subspan(kHeaderBytes)));
  Sha256Digest said{};
  std::memcpy(said.data(), bytes.data() + kHashAt, said.size());
  if (digest == said) return OkStatus();
  return DataLoss("SHA-256 of the content = " + ToHex(digest) +
                  ": the header says " + ToHex(said) + "; the file is damaged");
}

Status CheckHeader(const SharedBytes& file, const Limits& limits) {
  CYTO8_RETURN_IF_ERROR(CheckMagic(file.bytes));
  CYTO8_RETURN_IF_ERROR(CheckVersion(file.bytes));
  CYTO8_RETURN_IF_ERROR(CheckSize(file.bytes, limits));
  CYTO8_RETURN_IF_ERROR(
      CheckEqual("bytes 24 to 31", Load<uint64_t>(file.bytes, kZeroAt), 0));
  CYTO8_RETURN_IF_ERROR(Annotate(
      CheckEqual("number of sections", Load<uint32_t>(file.bytes, kSectionsAt),
                 std::ssize(kSections)),
      "sections " + AllNames()));
  CYTO8_RETURN_IF_ERROR(CheckHash(file.bytes));
  if (file.bytes.size() >= kTableEnd) return OkStatus();
  return DataLoss("size = " + std::to_string(file.bytes.size()) +
                  " bytes: the section table ends at " +
                  std::to_string(kTableEnd));
}

// Section i, which starts right behind what ends at `end`.
StatusOr<SharedBytes> ReadSection(const SharedBytes& file, size_t i,
                                  int64_t end, const Limits& limits) {
  const size_t entry = kHeaderBytes + i * kEntryBytes;
  const std::string_view name = NameAt(file.bytes, entry);
  if (name != kSections[i]) {
    return InvalidArgument("name = \"" + ValidUtf8(name) + "\": must be \"" +
                           std::string(kSections[i]) +
                           "\"; all in this order: " + AllNames());
  }
  const int64_t start = AlignedEnd(end);
  CYTO8_RETURN_IF_ERROR(CheckEqual(
      "offset", Load<uint64_t>(file.bytes, entry + kNameBytes), start));
  const int64_t room = std::max<int64_t>(std::ssize(file.bytes) - start, 0);
  const int64_t most =
      i == kWeights ? room : std::min(room, limits.max_section_bytes);
  const auto length =
      Load<uint64_t>(file.bytes, entry + kNameBytes + sizeof(uint64_t));
  if (length > static_cast<uint64_t>(most)) {
    return InvalidArgument("length = " + std::to_string(length) +
                           ": must be in [0, " + std::to_string(most) + "]");
  }
  CYTO8_RETURN_IF_ERROR(CheckGap(file.bytes, end));
  return file.Part(std::min(start, std::ssize(file.bytes)),
                   static_cast<int64_t>(length));
}

StatusOr<Sections> ReadSections(const SharedBytes& file, const Limits& limits) {
  Sections sections;
  auto end = static_cast<int64_t>(kTableEnd);
  for (size_t i = 0; i < sections.size(); ++i) {
    auto section = ReadSection(file, i, end, limits);
    CYTO8_RETURN_IF_ERROR(
        Annotate(section.status(), "section " + std::to_string(i)));
    sections[i] = *std::move(section);
    end = AlignedEnd(end) + std::ssize(sections[i].bytes);
  }
  CYTO8_RETURN_IF_ERROR(CheckEqual("end of the last section",
                                   static_cast<uint64_t>(end),
                                   std::ssize(file.bytes)));
  return sections;
}

std::string TextOf(const SharedBytes& section) {
  return std::string(TextAt(section.bytes, 0, section.bytes.size()));
}

// Appends at the next multiple of 64.
void AppendSection(std::vector<std::byte>& file, size_t i,
                   std::span<const std::byte> section) {
  const int64_t start = AlignedEnd(std::ssize(file));
  file.resize(static_cast<size_t>(start));
  file.insert(file.end(), section.begin(), section.end());
  const size_t entry = kHeaderBytes + i * kEntryBytes;
  std::ranges::copy(std::as_bytes(std::span(kSections[i])),
                    file.begin() + static_cast<ptrdiff_t>(entry));
  Store(file, entry + kNameBytes, static_cast<uint64_t>(start));
  Store(file, entry + kNameBytes + sizeof(uint64_t),
        static_cast<uint64_t>(section.size()));
}

Status FillHeader(std::span<std::byte> file) {
  std::ranges::copy(std::as_bytes(std::span(kMagic)), file.begin());
  Store(file, kVersionAt, static_cast<uint32_t>(kModelFileVersion));
  Store(file, kSectionsAt, static_cast<uint32_t>(kSections.size()));
  Store(file, kSizeAt, static_cast<uint64_t>(file.size()));
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest,
                         Sha256(file.subspan(kHeaderBytes)));
  std::memcpy(file.data() + kHashAt, digest.data(), digest.size());
  return OkStatus();
}

}  // namespace

bool IsModelFile(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         TextAt(bytes, 0, kMagic.size()) == kMagic;
}

StatusOr<ModelFile> ParseModelFile(const SharedBytes& file,
                                   const Limits& limits) {
  const auto address = reinterpret_cast<uintptr_t>(file.bytes.data());
  if (address % static_cast<uintptr_t>(kSharedAlignment) != 0) {
    return Internal(
        "a compiled model must be mapped or copied to a multiple "
        "of 64 bytes");
  }
  CYTO8_RETURN_IF_ERROR(CheckHeader(file, limits));
  CYTO8_ASSIGN_OR_RETURN(const Sections sections, ReadSections(file, limits));
  CYTO8_ASSIGN_OR_RETURN(
      Graph graph,
      Annotate(DecodeGraph(sections[kGraph].bytes, sections[kWeights], limits),
               "section \"graph\""));
  return ModelFile{.graph = std::move(graph),
                   .card = TextOf(sections[0]),
                   .provenance = TextOf(sections[1]),
                   .ranges = TextOf(sections[2]),
                   .plan = TextOf(sections[3])};
}

StatusOr<std::vector<std::byte>> SerializeModelFile(const ModelFile& model,
                                                    const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const EncodedGraph encoded,
                         EncodeGraph(model.graph, limits));
  std::vector<std::byte> file(kTableEnd);
  size_t i = 0;
  for (const std::string* text : {&model.card, &model.provenance, &model.ranges,
                                  &model.plan, &encoded.graph}) {
    AppendSection(file, i++, std::as_bytes(std::span(*text)));
  }
  AppendSection(file, kWeights, encoded.weights);
  CYTO8_RETURN_IF_ERROR(FillHeader(file));
  const Status readable = ParseModelFile(CopyToShared(file), limits).status();
  CYTO8_RETURN_IF_ERROR(Annotate(readable, "the file would not be readable"));
  return file;
}

StatusOr<ModelFile> ReadModelFile(FileSystem& files, const std::string& path,
                                  const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const SharedBytes file,
                         MapWholeFile(files, path, limits.max_model_bytes));
  return Annotate(ParseModelFile(file, limits), path);
}

Status WriteModelFile(FileSystem& files, const std::string& path,
                      const ModelFile& model, const Limits& limits) {
  CYTO8_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                         Annotate(SerializeModelFile(model, limits), path));
  return WriteFileAtomically(files, path, std::span<const std::byte>(bytes));
}

}  // namespace cyto8
