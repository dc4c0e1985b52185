// SPDX-License-Identifier: Apache-2.0
// SHA-256 by OpenSSL; see sha256.h.
#include "base/sha256.h"

#include <openssl/evp.h>

#include <memory>
#include <vector>

namespace cyto8 {
namespace {

Status OpenSslFailed() {
  return Internal("OpenSSL could not compute a SHA-256");
}

}  // namespace

struct Sha256Hasher::Context {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> openssl{
      EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  bool good = openssl != nullptr &&
              EVP_DigestInit_ex(openssl.get(), EVP_sha256(), nullptr) == 1;
};

Sha256Hasher::Sha256Hasher() : context_(std::make_unique<Context>()) {}
Sha256Hasher::Sha256Hasher(Sha256Hasher&&) noexcept = default;
Sha256Hasher::~Sha256Hasher() = default;

Status Sha256Hasher::Append(std::span<const std::byte> bytes) {
  Context& context = *context_;
  context.good =
      context.good &&
      EVP_DigestUpdate(context.openssl.get(), bytes.data(), bytes.size()) == 1;
  return context.good ? OkStatus() : OpenSslFailed();
}

StatusOr<Sha256Digest> Sha256Hasher::Finish() {
  Sha256Digest digest{};
  unsigned int size = 0;
  const bool good =
      context_->good &&
      EVP_DigestFinal_ex(context_->openssl.get(), digest.data(), &size) == 1 &&
      size == digest.size();
  context_->good = false;
  if (!good) return OpenSslFailed();
  return digest;
}

namespace {

StatusOr<Sha256Digest> DigestOf(FileSystem& files, int file,
                                const std::string& path,
                                const std::stop_token& stop) {
  constexpr size_t kBlockBytes = size_t{1} << 18;
  CYTO8_ASSIGN_OR_RETURN(const FileInfo info, files.Stat(file, path));
  if (!info.is_regular) {
    return InvalidArgument(path + ": is not a regular file");
  }
  std::vector<std::byte> block(kBlockBytes);
  Sha256Hasher hasher;
  while (!stop.stop_requested()) {
    CYTO8_ASSIGN_OR_RETURN(const int64_t count, files.Read(file, block, path));
    if (count == 0) return hasher.Finish();
    CYTO8_RETURN_IF_ERROR(
        hasher.Append(std::span(block).first(static_cast<size_t>(count))));
  }
  return Status(StatusCode::kUnavailable, path + ": hashing was stopped");
}

}  // namespace

StatusOr<Sha256Digest> Sha256(std::span<const std::byte> bytes) {
  Sha256Hasher hasher;
  CYTO8_RETURN_IF_ERROR(hasher.Append(bytes));
  return hasher.Finish();
}

StatusOr<Sha256Digest> Sha256OfFile(FileSystem& files, const std::string& path,
                                    const std::stop_token& stop) {
  CYTO8_ASSIGN_OR_RETURN(const int file, files.OpenForReading(path));
  const StatusOr<Sha256Digest> digest = DigestOf(files, file, path, stop);
  const Status closed = files.Close(file, path);
  CYTO8_RETURN_IF_ERROR(digest.status());
  CYTO8_RETURN_IF_ERROR(closed);
  return digest;
}

std::string ToHex(const Sha256Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace cyto8
