// SPDX-License-Identifier: Apache-2.0
// See anonymize.h.
#include "app/anonymize.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "app/real_path.h"
#include "app/settings_table.h"
#include "app/slide_id.h"
#include "base/atomic_file.h"
#include "base/file_lock.h"
#include "base/sha256.h"
#include "base/valid_utf8.h"

namespace cyto8 {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "cyto8-key";
constexpr int kVersion = 1;
constexpr std::string_view kPrefix = "anon-";
constexpr size_t kIdDigits = 16;
constexpr std::string_view kHexDigits = "0123456789abcdef";

using Salt = Sha256Digest;  // 32 random bytes.

struct Key {
  Salt salt = {};
  std::map<std::string, std::string> slides = {};  // ids to paths, in UTF-8.
};

bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         text.find_first_not_of(kHexDigits) == std::string_view::npos;
}

bool IsId(std::string_view text) {
  return text.starts_with(kPrefix) &&
         IsHex(text.substr(kPrefix.size()), kIdDigits);
}

Salt SaltOf(std::string_view hex) {
  const auto digit = [&](size_t i) {
    return static_cast<unsigned>(kHexDigits.find(hex[i]));
  };
  Salt salt = {};
  for (size_t i = 0; i < salt.size(); ++i) {
    salt[i] = static_cast<uint8_t>(digit(2 * i) << 4 | digit(2 * i + 1));
  }
  return salt;
}

StatusOr<Salt> FreshSalt() {
  Salt salt = {};
  ssize_t count = 0;
  do {
    count = getrandom(salt.data(), salt.size(), 0);
  } while (count < 0 && errno == EINTR);
  if (count < 0) return ErrnoStatus(errno, "getrandom");
  CYTO8_ENSURE(count == std::ssize(salt));  // as up to 256 bytes always are.
  return salt;
}

// RFC 2104; the key is shorter than a block of SHA-256.
StatusOr<Sha256Digest> Hmac(const Salt& key, std::string_view text) {
  constexpr size_t kBlock = 64;
  constexpr uint8_t kInner = 0x36;
  constexpr uint8_t kOuter = 0x5c;
  const auto hash = [&](uint8_t pad, std::span<const std::byte> rest) {
    std::vector<std::byte> bytes(kBlock, std::byte{pad});
    for (size_t i = 0; i < key.size(); ++i) bytes[i] ^= std::byte{key[i]};
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return Sha256(bytes);
  };
  CYTO8_ASSIGN_OR_RETURN(const Sha256Digest inner,
                         hash(kInner, std::as_bytes(std::span(text))));
  return hash(kOuter, std::as_bytes(std::span(inner)));
}

Status CheckFields(const Json& json) {
  constexpr std::array<std::string_view, 4> kFields = {"format", "version",
                                                       "salt", "slides"};
  if (!json.is_object() || !json.contains("format") ||
      json["format"] != kFormat) {
    return DataLoss("is no whole " + std::string(kFormat) + " file");
  }
  if (!json.contains("version") || json["version"] != kVersion) {
    return Unimplemented("version: only 1 is read");
  }
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(kFields, name) == kFields.end()) {
      return InvalidArgument("\"" + name + "\": is no field of version 1");
    }
  }
  if (!json.contains("salt") || !json["salt"].is_string() ||
      !IsHex(json["salt"].get_ref<const std::string&>(), 2 * Salt().size())) {
    return InvalidArgument("salt: must be 64 hex digits");
  }
  if (!json.contains("slides") || !json["slides"].is_object()) {
    return InvalidArgument("slides: must be an object");
  }
  return OkStatus();
}

StatusOr<Key> ParseKey(std::span<const std::byte> bytes) {
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const Json json = Json::parse(text, text + bytes.size(), /*cb=*/nullptr,
                                /*allow_exceptions=*/false);
  CYTO8_RETURN_IF_ERROR(CheckFields(json));
  Key key = {.salt = SaltOf(json["salt"].get_ref<const std::string&>())};
  for (const auto& [id, path] : json["slides"].items()) {
    if (!IsId(id) || !path.is_string()) {
      return InvalidArgument("slides: must be ids with paths");
    }
    key.slides.emplace(id, path.get<std::string>());
  }
  return key;
}

std::string TextOf(const Key& key) {
  const Json json = {{"format", kFormat},
                     {"version", kVersion},
                     {"salt", ToHex(key.salt)},
                     {"slides", key.slides}};
  return json.dump(/*indent=*/1, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

StatusOr<std::optional<Key>> ReadKey(FileSystem& files, const std::string& path,
                                     const Limits& limits) {
  const StatusOr<std::vector<std::byte>> bytes =
      ReadWholeFile(files, path, limits.max_truth_bytes);
  if (bytes.status().code() == StatusCode::kNotFound) {
    return std::optional<Key>();
  }
  CYTO8_RETURN_IF_ERROR(bytes.status());
  CYTO8_ASSIGN_OR_RETURN(Key key, Annotate(ParseKey(*bytes), path));
  return std::optional(std::move(key));
}

Status WriteKey(FileSystem& files, const std::string& path, const Key& key) {
  CYTO8_ASSIGN_OR_RETURN(
      AtomicFile file,
      AtomicFile::Create(files, path, FileReaders::kOwnerOnly));
  CYTO8_RETURN_IF_ERROR(file.Append(TextOf(key)));
  return file.Commit();
}

// Adds what the key does not have yet; whether there was any.
StatusOr<bool> Name(std::span<const std::string> slides, Key& key,
                    std::vector<AnonymousName>& names) {
  bool has_new = false;
  for (const std::string& slide : slides) {
    const std::string path = AbsolutePath(slide).string();
    CYTO8_ASSIGN_OR_RETURN(const Sha256Digest digest, Hmac(key.salt, path));
    names.push_back(
        {.id = std::string(kPrefix) + ToHex(digest).substr(0, kIdDigits),
         .image_id = ImageIdOf(digest)});
    const auto [entry, is_new] =
        key.slides.emplace(names.back().id, ValidUtf8(path));
    if (entry->second != ValidUtf8(path)) {
      return DataLoss("slides: " + entry->first +
                      " is another path than its hash says");
    }
    has_new = has_new || is_new;
  }
  return has_new;
}

// Of the folders of slides that are there.
StatusOr<std::vector<std::string>> NamesOfSlides(FileSystem& files,
                                                 const std::string& output) {
  const StatusOr<std::vector<DirectoryEntry>> entries =
      files.ListDirectory(output + "/slides");
  std::vector<std::string> names;
  if (entries.status().code() == StatusCode::kNotFound) return names;
  CYTO8_RETURN_IF_ERROR(entries.status());
  for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

}  // namespace

StatusOr<std::vector<AnonymousName>> NameByKeyFile(
    FileSystem& files, const KeyFileOptions& options,
    std::span<const std::string> slides) {
  const fs::path real = RealPath(options.path);
  if (LiesIn(real, RealPath(options.output))) {
    return InvalidArgument("output.anonymize = " + options.path +
                           ": must not lie in the output folder");
  }
  const std::string path = real.string();  // a link stays one.
  std::optional<FileLock> lock;
  if (options.write) {
    CYTO8_ASSIGN_OR_RETURN(FileLock taken, WaitForLock(files, path + ".lock"));
    lock.emplace(std::move(taken));
  }
  CYTO8_ASSIGN_OR_RETURN(std::optional<Key> key,
                         ReadKey(files, path, options.limits));
  const bool is_new = !key.has_value();
  if (is_new) {
    CYTO8_ASSIGN_OR_RETURN(const Salt salt, FreshSalt());
    key = Key{.salt = salt};
  }
  std::vector<AnonymousName> names;
  CYTO8_ASSIGN_OR_RETURN(const bool has_new,
                         Annotate(Name(slides, *key, names), path));
  if (options.write && (is_new || has_new)) {
    CYTO8_RETURN_IF_ERROR(WriteKey(files, path, *key));
  }
  return names;
}

Status CheckNameless(FileSystem& files, const std::string& output) {
  CYTO8_ASSIGN_OR_RETURN(const auto names, NamesOfSlides(files, output));
  if (std::ranges::all_of(names, IsId)) return OkStatus();
  return InvalidArgument(output +
                         "/slides: has results of slides by their names: "
                         "output.anonymize needs another folder");
}

Status CheckNamed(FileSystem& files, const std::string& output) {
  CYTO8_ASSIGN_OR_RETURN(const auto names, NamesOfSlides(files, output));
  if (std::ranges::none_of(names, IsId)) return OkStatus();
  return InvalidArgument(output +
                         "/slides: has results of slides without their names: "
                         "give --anonymize, or another folder");
}

Status WithoutName(const Status& status) {
  const std::string& message = status.message();
  const size_t reason = message.rfind(": ");
  if (status.ok() || reason == std::string::npos) return status;
  return Status(status.code(), "an input" + message.substr(reason));
}

Status WithoutNames(const Status& status, const std::string& path,
                    const std::string& flag) {
  if (status.ok()) return status;
  std::string text = status.message();
  if (text.starts_with(path)) text.replace(0, path.size(), flag);
  const size_t first = text.find('"');
  if (first != std::string::npos) {
    const size_t last = text.rfind('"');
    const size_t end = last == first ? text.size() : last + 1;
    text.replace(first, end - first, "\"...\"");
  }
  return Status(status.code(), text);
}

void HideNames(RunFacts& facts) {
  facts.command = {"cyto8", "score"};
  for (auto& [key, value] : facts.settings) {
    const Setting* setting = FindSetting(key);
    const bool is_path =
        setting == nullptr || setting->rule.kind == SettingKind::kPath;
    if (is_path && key != "input.model" && value != "\"\"") {
      value = "\"(hidden)\"";
    }
  }
}

}  // namespace cyto8
